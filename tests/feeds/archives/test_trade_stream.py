"""Trades out of files of any size: each kind of dump, ids, what is counted, and that blocks are small."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import TradeFileError
from app.market.instrument import Instrument
from app.market.trade import TradeBatch, concatenate
from feeds.archives.report import ImportReport
from feeds.archives.trade_file import read_trade_file
from feeds.archives.trade_stream import FileFacts, file_facts, stream_trades

Write = Callable[..., Path]

BINANCE = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))
OKX = Instrument("okx-swap", "BTC-USDT-SWAP", Decimal("0.1"), Decimal("0.0001"), Decimal("0.01"))
BYBIT = Instrument("bybit", "BTCUSDT", Decimal("0.1"), Decimal("0.001"), numbered=False)
BITMEX = Instrument("bitmex", "XBTUSD", Decimal("0.5"), Decimal(1), numbered=False)
HEADER = "time,price,quantity,side,trade_id\n"
MS, NS = 1723161255342, 1723161255342_000_000

AGGREGATE = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
SINGLE = "id,price,qty,quote_qty,time,is_buyer_maker\n"
BYBIT_DERIVATIVE = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional,RPI\n"
BYBIT_SPOT = "id,timestamp,price,volume,side,rpi\n"
OKX_HEADER = "instrument_name,trade_id,side,price,size,created_time\n"
TARDIS = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
KAIKO = "id,exchange,symbol,date,price,amount,sell\n"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(content: str, name: str = "trades.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode())
        return path

    return _write


def read(path: Path, instrument: Instrument = BINANCE) -> tuple[TradeBatch, ImportReport]:
    report = ImportReport()
    return concatenate(stream_trades(path, instrument, report)), report


def columns(trades: TradeBatch) -> list[list[int]]:
    return [column.tolist() for column in trades.columns]


def hashed(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


@pytest.mark.parametrize(
    ("content", "instrument", "expected", "layout"),
    [
        (f"7,61837.63,0.02,1,1,{MS},True,True\n", BINANCE, [NS, 6183763, 2000, -1, 7], "Binance aggregate trades"),
        (f"7,61837.63,0.02,1,1,{MS}000,False,True\n", BINANCE, [NS, 6183763, 2000, 1, 7], "Binance aggregate trades"),
        (f"{AGGREGATE}7,61837.63,0.02,1,1,{MS},true\n", BINANCE, [NS, 6183763, 2000, -1, 7], "Binance aggregate trades"),
        (f"{OKX_HEADER}BTC-USDT-SWAP,7,buy,61837.6,30.14,{MS}\n", OKX, [NS, 618376, 3014, 1, 7], "OKX trades"),
        (f"{OKX_HEADER[:-1]},source\nBTC-USDT-SWAP,7,SELL,61837.6,1,{MS},0\n", OKX, [NS, 618376, 100, -1, 7], "OKX trades"),
        (
            f"{BYBIT_DERIVATIVE}1723161255.342,BTCUSDT,Sell,0.02,61837.6,PlusTick,20f43950-d8dd,0,0,0,0\n",
            *(BYBIT, [NS, 618376, 20, -1, hashed("20f43950-d8dd")], "Bybit derivative trades"),
        ),
        (
            f"{TARDIS}bitmex,XBTUSD,{MS}000,{MS}900,ccc3c1fa-212c,unknown,61837.5,2152\n",
            *(BITMEX, [NS, 123675, 2152, 0, hashed("ccc3c1fa-212c")], "Tardis trades"),
        ),
        (f"{TARDIS}deribit,X,{MS}000,{MS}900,7,buy,61837.5,2152\n", BITMEX, [NS, 123675, 2152, 1, 7], "Tardis trades"),
        (f"{KAIKO}7,okex,x,{MS},61837.5,3,true\n", BITMEX, [NS, 123675, 3, -1, 7], "Kaiko trades"),
        (f"{HEADER}{MS},61837.63,0.02,buy,7\n", BINANCE, [NS, 6183763, 2000, 1, 7], "table of trades"),
    ],
)
def test_layout_is_detected_by_its_columns(write: Write, content: str, instrument: Instrument, expected: list[int], layout: str) -> None:
    trades, report = read(write(content), instrument)
    assert columns(trades) == [[value] for value in expected]
    assert (report.layout, report.trades) == (layout, 1)


@pytest.mark.parametrize("header", ["trade_id/撮合id,side/交易方向,size/数量,price/价格,created_time/成交时间\n", ""])
@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_old_okx_dumps_have_two_languages_or_no_header(tmp_path: Path, header: str, encoding: str) -> None:
    path = tmp_path / "okx.csv"
    path.write_bytes(f"{header}7,SELL,30.14,61837.6,{MS}\n8,buy,1,61837.6,{MS}\n".encode(encoding))
    trades, report = read(path, OKX)
    assert columns(trades) == [[NS, NS], [618376, 618376], [3014, 100], [-1, 1], [7, 8]]
    assert report.layout == "OKX trades"


def test_dump_with_other_ids_than_the_feed_needs_another_market(write: Write) -> None:
    path = write(f"{SINGLE}7,61837.63,0.02,1236.75,{MS},true\n")
    says = "Binance single trades, whose ids differ from the binance feed's, expected the venue's own dump with feed ids"
    with pytest.raises(TradeFileError, match=says):
        read(path, BINANCE)
    assert columns(read(path, Instrument("file", "BTCUSDT", Decimal("0.01"), Decimal("0.01")))[0])[4] == [7]
    path = write(f"{TARDIS}x,BTCUSDT,{MS}000,{MS}900,7,buy,61837.5,2\n")
    for market in (BINANCE, OKX):
        with pytest.raises(TradeFileError, match="Tardis trades, whose ids differ"):
            read(path, market)


def test_contracts_are_converted_exactly_or_refused(write: Write) -> None:
    path = write(f"{OKX_HEADER}X,7,buy,61837.6,30,{MS}\n")
    tenths = Instrument("okx-swap", "X", Decimal("0.1"), Decimal("0.001"), Decimal("0.1"))
    assert read(path, tenths)[0].quantity_lots.tolist() == [3000]
    assert read(path, Instrument("file", "X", Decimal("0.1"), Decimal(1)))[0].quantity_lots.tolist() == [30]
    with pytest.raises(TradeFileError, match="contracts of 3, expected lots that divide a contract decimally"):
        read(path, Instrument("okx-swap", "X", Decimal("0.1"), Decimal(1), Decimal(3)))


def test_numbered_market_refuses_a_file_without_ids(write: Write) -> None:
    with pytest.raises(TradeFileError, match="a table of trades without ids, expected consecutive ids, since binance:BTCUSDT numbers"):
        read(write(f"time,price,quantity,side\n{MS},1.00,1,buy\n"))
    with pytest.raises(TradeFileError, match="line 2: found trade id 'x-1'"):
        read(write(f"{HEADER}{MS},1.00,1,buy,x-1\n"))


def test_file_facts_need_no_complete_read(write: Write) -> None:
    assert file_facts(write(f"{HEADER}{MS},1.00,1,buy,1\n")) == FileFacts("table of trades", numbered=True)
    assert file_facts(write(BYBIT_SPOT)) == FileFacts("Bybit spot trades", numbered=False)


def test_text_ids_become_numbers_of_63_bits(write: Write) -> None:
    ids = ["7", str(2**63 - 1), str(2**63), "a-b", "-4", "9" * 30]
    rows = "".join(f"bitmex,XBTUSD,{MS + n}000,{MS}900,{text},buy,1.5,1\n" for n, text in enumerate(ids))
    trades, _ = read(write(TARDIS + rows), BITMEX)
    assert trades.trade_id.tolist() == [7, 2**63 - 1, *(hashed(text) for text in ids[2:])]
    assert trades.trade_id.min() >= 0


def test_made_ids_are_reproducible_and_unique(write: Write) -> None:
    rows = [f"{n + 1},{MS + n // 3},1.5,0.001,buy,0\n" for n in range(9)]
    first, report = read(write(BYBIT_SPOT + "".join(rows)), BYBIT)
    again, _ = read(write(BYBIT_SPOT + "".join(rows[3:])), BYBIT)
    assert len(set(first.trade_id.tolist())) == 9
    assert set(again.trade_id.tolist()) == set(first.trade_id[3:].tolist())
    assert "9 trades without an id: gaps cannot be detected" in report.lines()


def test_made_ids_never_change_between_versions(write: Write) -> None:
    trades, _ = read(write(f"{BYBIT_SPOT}1,{MS},1.5,0.001,buy,0\n2,{MS},1.5,0.001,buy,0\n3,{MS + 1},1.6,0.002,sell,0\n"), BYBIT)
    assert trades.trade_id.tolist() == [6322231140332341904, 7188357520168813784, 6682208917581703095]


def test_made_ids_do_not_depend_on_block_boundaries(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"{n},{MS + n // 50},1.5,0.00{1 + n % 2},buy,0\n" for n in range(5000)]
    path = write(BYBIT_SPOT + "".join(rows))
    whole, _ = read(path, BYBIT)
    monkeypatch.setattr("feeds.archives.csv_trades._BLOCK", 1 << 12)
    parts = list(stream_trades(path, BYBIT, ImportReport()))
    assert len(parts) > 10
    assert columns(concatenate(parts)) == columns(whole)
    assert len(np.unique(whole.trade_id)) == 5000


def test_rows_without_ids_far_out_of_order_are_refused(write: Write) -> None:
    late = f"{BYBIT_SPOT}1,{MS + 9_000},1.5,1,buy,0\n2,{MS},1.5,1,buy,0\n"
    trades, report = read(write(late), BYBIT)
    assert (trades.time_ns.tolist(), report.out_of_order) == ([NS, NS + 9_000_000_000], 1)
    with pytest.raises(TradeFileError, match="line 3: found a time 11 s earlier than a row above, expected rows in time order"):
        read(write(late.replace(str(MS + 9_000), str(MS + 11_000))), BYBIT)


def test_row_without_an_id_is_accepted_among_others(write: Write) -> None:
    rows = f"bitmex,XBTUSD,{MS}000,{MS}900,,buy,1.5,1\n" * 2 + f"bitmex,XBTUSD,{MS}000,{MS}900,7,buy,1.5,1\n" * 2
    trades, report = read(write(TARDIS + rows), BITMEX)
    assert (len(trades), report.made_ids, report.repeated) == (3, 2, 1)


def test_report_counts_everything_unusual(write: Write) -> None:
    rows = [
        f"{MS + 3},1.00,1,buy,3",
        f"{MS},1.00,1,sell,1",
        f"{MS},1.00,0,sell,2",
        HEADER.strip(),
        f"{MS},1.00,1,sell,1",
        f"{MS + 9},1.00,1,unknown,9",
    ]
    trades, report = read(write(HEADER + "\n".join(rows)))
    assert trades.trade_id.tolist() == [1, 3, 9]
    assert report.lines() == [
        "table of trades: 3 trades in 5 rows",
        "1 row with zero quantity skipped",
        "1 duplicate row skipped",
        "1 repeated header skipped",
        "3 rows out of order",
        "5 trades missing by id, in 1 gap",
        "1 trade of unknown side, counted in volume but not in delta",
    ]
    assert (report.first_ns, report.last_ns) == (NS, NS + 9_000_000)


def test_report_warns_of_a_one_sided_tape(write: Write) -> None:
    def rows(sells: int) -> str:
        return HEADER + "".join(f"{MS},1.00,1,{'sell' if n < sells else 'buy'},{n}\n" for n in range(5000))

    assert "98.0% of the trades are buys; sides in this file may be wrong" in read(write(rows(99)))[1].lines()
    assert not read(write(rows(100)))[1].one_sided


def test_line_number_is_right_after_repeated_headers(write: Write) -> None:
    content = f"{HEADER}{MS},1.00,1,buy,1\n{HEADER}{MS},1.00,1,buy,2\n\n{HEADER}{MS},1.001,1,buy,3\n"
    with pytest.raises(TradeFileError, match=r"line 7: found price 1\.001, expected a multiple of 0\.01"):
        read(write(content))
    with pytest.raises(TradeFileError, match="line 7: found trade id 2 used by a different trade"):
        read(write(content.replace("1.001,1,buy,3", "1.01,1,buy,2")))


def test_file_of_several_markets_is_refused(write: Write) -> None:
    content = f"{TARDIS}deribit,BTC-PERPETUAL,{MS}000,{MS},1,buy,1.5,1\nderibit,ETH-PERPETUAL,{MS}000,{MS},2,buy,1.5,1\n"
    with pytest.raises(TradeFileError, match="line 3: found symbol 'ETH-PERPETUAL', expected 'BTC-PERPETUAL', as in the rows above"):
        read(write(content), BITMEX)
    assert read(write(content[: content.index("deribit,ETH")]), BITMEX)[1].market == "deribit BTC-PERPETUAL"


def test_id_repeated_in_a_later_block_is_dropped(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feeds.archives.csv_trades._BLOCK", 1 << 12)
    rows = "".join(f"{MS + n},1.00,1,buy,{n}\n" for n in range(1000))
    trades, report = read(write(HEADER + rows + HEADER + rows))
    assert trades.trade_id.tolist() == list(range(1000))
    assert (report.repeated, report.repeated_headers, report.missing) == (1000, 1, 0)


def test_report_over_several_files_counts_gaps_between_them(write: Write) -> None:
    report = ImportReport()
    for name, ids in (("a.csv", range(5)), ("b.csv", range(7, 9))):
        path = write(HEADER + "".join(f"{MS},1.00,1,buy,{n}\n" for n in ids), name)
        list(stream_trades(path, BINANCE, report))
    assert (report.trades, report.missing, report.gaps) == (7, 2, 1)


def test_blocks_stay_small_for_any_file_size(tmp_path: Path) -> None:
    path = tmp_path / "large.csv.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write("time,price,quantity,side,trade_id\n")
        for start in range(0, 1_000_000, 1000):
            file.write("".join(f"1723161255,1,{1 + n % 9},buy,{n}\n" for n in range(start, start + 1000)))
    sizes = [len(batch) for batch in stream_trades(path, BINANCE, ImportReport())]
    assert sum(sizes) == 1_000_000 and max(sizes) <= 250_000


def test_quantities_whose_sum_overflows_are_refused(write: Write) -> None:
    rows = "".join(f"{MS},1.00,{2**62 // 100_000},buy,{n}\n" for n in range(3))
    with pytest.raises(TradeFileError, match="64 bits"):
        read(write(HEADER + rows))


FIELDS = st.tuples(
    st.integers(0, 400).map(lambda ms: MS + ms),
    st.integers(1, 5).map(lambda ticks: Decimal(ticks) / 2),
    st.integers(0, 3),
    st.sampled_from(["buy", "sell", "unknown"]),
    st.integers(0, 30),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(FIELDS, max_size=40, unique_by=lambda row: row[4]), size=st.sampled_from([128, 256, 1 << 16]))
def test_streaming_gives_the_same_trades_as_reading_at_once(tmp_path: Path, rows: list[tuple[object, ...]], size: int) -> None:
    path = tmp_path / "same.csv"
    path.write_text(HEADER + "".join(",".join(map(str, row)) + "\n" for row in rows))
    whole = read_trade_file(path, BINANCE.tick_size, BINANCE.lot_size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("feeds.archives.csv_trades._BLOCK", size)
        trades, report = read(path)
    if whole.by_time:  # drawn at random, few ids agree with the times
        together = sorted(zip(*columns(trades)[:4], strict=True))
        assert together == sorted(zip(*columns(whole.trades)[:4], strict=True))
        assert whole.trades.time_ns.tolist() == sorted(trades.time_ns.tolist())
    else:
        assert columns(trades[np.argsort(trades.trade_id)]) == columns(whole.trades)
    assert (report.rows, report.empty, report.trades) == (whole.rows, whole.empty_rows, len(whole.trades))
    ids = {int(row[4]) for row in rows}  # type: ignore[call-overload]
    assert report.missing == (max(ids) - min(ids) + 1 - len(ids) if ids else 0)


def test_recorded_dumps_stream_exactly(real_data: Path) -> None:
    spot = Instrument("file", "BTCUSDT", Decimal("0.01"), Decimal("0.00000001"))
    trades, report = read(real_data / "archives" / "binance_spot_btcusdt_20240808_trades.csv.gz", spot)
    assert (len(trades), report.missing, report.gaps) == (9757, 0, 0)
    for name in ("tardis_bitmex_xbtusd_trades.csv", "tardis_trades.csv"):
        path = real_data / "archives" / name
        trades, report = read(path, BITMEX)
        assert len(trades) == report.rows == len(path.read_text().splitlines()) - 1
        assert report.market == "bitmex XBTUSD"
        assert trades.time_ns[0] == 1583020803145_000_000
        assert len(read_trade_file(path, BITMEX.tick_size).trades) == len(trades)


def slow_unnumbered(rows: list[tuple[int, int, str]]) -> list[tuple[int, int, int]]:
    """Time, price and id of each trade, once; alike trades without an id are told by how many came before."""
    mask = 2**64 - 1
    seen: set[str] = set()
    alike: dict[tuple[int, int], int] = {}
    found = []
    for ms, ticks, text in rows:
        if text in seen:
            continue
        if text:
            seen.add(text)
            number = int(text) if text.isdigit() and int(text) < 2**63 else hashed(text)
        else:
            key = 0
            for column in (ms * 10**6, ticks, 1, 1):
                key = slow_mixed(key ^ column)
            before = alike.get((ms, ticks), 0)
            alike[ms, ticks] = before + 1
            number = slow_mixed((key + before) & mask) >> 1
        found.append((ms * 10**6, ticks, number))
    return sorted(found)


def slow_mixed(number: int) -> int:
    mask = 2**64 - 1
    number = (number + 0x9E3779B97F4A7C15) & mask
    number = ((number ^ number >> 30) * 0xBF58476D1CE4E5B9) & mask
    number = ((number ^ number >> 27) * 0x94D049BB133111EB) & mask
    return number ^ number >> 31


TEXTS = ["", "", "a", "b-1", "7", "9" * 25, str(2**63 - 1), "é"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(st.integers(0, 9_000), st.integers(1, 3), st.sampled_from(TEXTS)), max_size=40),
    size=st.sampled_from([256, 512, 1 << 16]),
)
def test_unnumbered_trades_are_recognized_by_id(tmp_path: Path, rows: list[tuple[int, int, str]], size: int) -> None:
    path = tmp_path / "unnumbered.csv"
    # one id is one trade
    rows = [(MS + (TEXTS.index(text) if text else ms), TEXTS.index(text) if text else ticks, text) for ms, ticks, text in rows]
    path.write_text(TARDIS + "".join(f"bitmex,XBTUSD,{ms}000,{MS}000,{text},buy,{ticks / 2},1\n" for ms, ticks, text in rows), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("feeds.archives.csv_trades._BLOCK", size)
        trades, report = read(path, BITMEX)
    found = sorted(zip(*(column.tolist() for column in (trades.time_ns, trades.price_ticks, trades.trade_id)), strict=True))
    assert found == slow_unnumbered(rows)
    assert report.repeated == len(rows) - len(found)
