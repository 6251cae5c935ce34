"""Trades out of files: what is read, what is left out, and how a line that cannot be a trade is named."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import TradeFileError
from feeds.archives.trade_file import TradeFile, read_trade_file

HEADER = "time,price,quantity,side,trade_id\n"
FIRST = "1723161255342,61837.63,0.02,sell,1\n"
CENT = Decimal("0.01")
NS = 1723161255342_000_000


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def _write(content: str | bytes, name: str = "trades.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return _write


def read(path: Path, tick: Decimal = CENT, lot: Decimal | None = None) -> TradeFile:
    return read_trade_file(path, tick, lot)


def columns(found: TradeFile) -> list[list[int]]:
    return [column.tolist() for column in found.trades.columns]


def test_generic_file_becomes_integers(write) -> None:
    found = read(write(HEADER + FIRST + "1723161255400,61837.60,0.015,buy,2\n"))
    assert columns(found) == [[NS, NS + 58_000_000], [6183763, 6183760], [20, 15], [-1, 1], [1, 2]]
    assert (found.instrument.lot_size, found.instrument.symbol, found.rows) == (Decimal("0.001"), "trades", 2)


def test_columns_may_have_any_order_and_case_and_extra_columns(write) -> None:
    found = read(write("x,SIDE,Quantity,price,time\n7,Buy,2,1.5,1723161255342\n"))
    assert columns(found) == [[NS], [150], [2], [1], [0]]


@pytest.mark.parametrize(
    "text", ["\ufeff" + HEADER + FIRST, (HEADER + FIRST).replace("\n", "\r\n"), HEADER + FIRST.rstrip(), HEADER + "\n" + FIRST + "\n\n"]
)
def test_byte_order_mark_and_newline_style_do_not_matter(write, text: str) -> None:
    assert columns(read(write(text))) == [[NS], [6183763], [2], [-1], [1]]


@pytest.mark.parametrize(
    ("row", "side"),
    [
        ("3,61837.63,0.02,1,1,1723161255342,True,True", -1),  # spot, milliseconds
        ("3,61837.63,0.02,1,1,1723161255342000,False,True", 1),  # spot since 2025, microseconds
        ("3,61837.63,0.02,1,1,1723161255342,true", -1),  # futures without a header
    ],
)
def test_binance_aggregate_dump_without_header_is_read(write, row: str, side: int) -> None:
    assert columns(read(write(row + "\n"))) == [[NS], [6183763], [2], [side], [3]]


def test_binance_dump_with_header_or_single_trades_is_read(write) -> None:
    header = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
    assert columns(read(write(header + "3,61837.63,0.02,1,1,1723161255342,true\n"))) == [[NS], [6183763], [2], [-1], [3]]
    assert columns(read(write("4,61837.63,0.02,1236.7,1723161255342,False,True\n"))) == [[NS], [6183763], [2], [1], [4]]
    header = "id,price,qty,quote_qty,time,is_buyer_maker\n"
    assert columns(read(write(header + "5,61837.63,0.02,1236.7,1723161255342,true\n"))) == [[NS], [6183763], [2], [-1], [5]]


@pytest.mark.parametrize(
    "time",
    [
        "1723161255342",
        "1723161255342000",
        "1723161255342000000",
        "2024-08-08T23:54:15.342Z",
        "2024-08-09T01:54:15.342+02:00",
        "2024-08-08 23:54:15.342",
    ],
)
def test_unit_of_times_is_detected(write, time: str) -> None:
    """A16: ms, µs, ns and ISO 8601."""
    assert columns(read(write(f"{HEADER}{time},1.00,1,buy,1\n")))[0] == [NS]


def test_zero_quantities_and_repeated_rows_are_skipped_and_counted(write) -> None:
    found = read(write(HEADER + FIRST + "1723161255342,1.00,0.000,sell,2\n" + FIRST + "1723161255342,1.00,1,unknown,0\n"))
    assert columns(found)[4] == [0, 1]
    assert (found.rows, found.empty_rows, found.repeated_rows) == (4, 1, 1)
    assert found.left_out == "1 row with zero quantity, 1 duplicate row"


def test_trades_without_ids_keep_the_order_of_their_rows(write) -> None:
    found = read(write("time,price,quantity,side\n1723161255342,2,1,buy\n1723161255341,1,1,sell\n"))
    assert columns(found)[4] == [0, 1] and columns(found)[1] == [200, 100]


@pytest.mark.parametrize(
    ("row", "line", "said"),
    [
        ("1723161255342,61837.635,0.02,sell,2", 3, "found price 61837.635, expected a multiple of 0.01"),
        ("1723161255342,nan,0.02,sell,2", 3, "found price 'nan', expected a decimal number"),
        ("1723161255342,,0.02,sell,2", 3, "found price '', expected a decimal number"),
        ("1723161255342,-1,0.02,sell,2", 3, "found price -1, expected a positive price"),
        ("1723161255342,0,0.02,sell,2", 3, "found price 0, expected a positive price"),
        ("1723161255342,1e400,0.02,sell,2", 3, "found price 1e400"),
        ("1723161255342,1,-0.02,sell,2", 3, "found quantity -0.02, expected a non-negative one"),
        ("1723161255342,1,inf,sell,2", 3, "found quantity 'inf', expected a decimal number"),
        ("1723161255342,1,0.02,bid,2", 3, "found side 'bid', expected buy or sell or unknown"),
        ("1723161255342,1,0.02,,2", 3, "found side '', expected buy or sell or unknown"),
        ("1723161255342,1,0.02,sell", 3, "found 4 columns, expected 5"),
        ("1723161255342,1,0.02,sell,2,3", 3, "found 6 columns, expected 5"),
        ("1723161255342,1,0.02,sell,x", 3, "found trade id 'x'"),
        ("1723161255342,1,0.02,sell,1.5", 3, "found trade id 1.5"),
        ("1723161255342,1,0.02,sell,-4", 3, "found trade id -4, expected a non-negative one"),
        ("1723161255342,1,0.02,sell,99999999999999999999999", 3, "found trade id 99999999999999999999999"),
        ("17231,1,0.02,sell,2", 3, "found time '17231', expected seconds, milli-, micro- or nanoseconds"),
        ("yesterday,1,0.02,sell,2", 3, "found time 'yesterday'"),
        ("\n\n1723161255342,1,0.02,bid,2", 5, "found side 'bid'"),
        ("1723161255342,1,0.02,sell,1", 3, "found trade id 1 used by a different trade, expected a unique id"),
    ],
)
def test_invalid_line_is_named_by_its_number(write, row: str, line: int, said: str) -> None:
    path = write(HEADER + FIRST + row + "\n" + FIRST.replace(",1\n", ",9\n"))
    with pytest.raises(TradeFileError) as caught:
        read(path)
    assert caught.value.line == line
    assert caught.value.user_message.startswith(f"{path}: line {line}: {said}")
    assert "\n" not in caught.value.user_message


def test_line_number_is_right_in_a_large_file(write) -> None:
    rows = "".join(f"1723161255342,1.00,1,buy,{n}\n" for n in range(200_000))
    with pytest.raises(TradeFileError, match=r"line 200002: found side 'x'"):
        read(write(HEADER + rows + "1723161255342,1.00,1,x,200000\n"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("time,price,side\n1,2,3\n", "line 1: found columns 'time,price,side' without quantity"),
        ("time,price,quantity,side,price\n", "line 1: found column price twice"),
        ("", "line 1: found nothing, expected a header or a trade"),
        ("1,2,3\n", "line 1: found 3 columns without a header"),
        (b"\xff\xfe\x00time", "line 1: found binary data"),
        (HEADER.encode() + b"1723161255342,1,1,\xff\xff,2\n", "found"),
    ],
)
def test_file_without_trades_is_refused(write, content: str | bytes, said: str) -> None:
    with pytest.raises(TradeFileError) as caught:
        read(write(content))
    assert said in caught.value.user_message


def test_header_without_rows_gives_no_trades(write) -> None:
    assert len(read(write(HEADER)).trades) == 0


def test_packed_files_are_detected_by_content(write, tmp_path: Path) -> None:
    assert columns(read(write(gzip.compress((HEADER + FIRST).encode()), "a.bin")))[4] == [1]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../evil.csv", HEADER + FIRST)
    assert columns(read(tmp_path / "a.zip"))[4] == [1]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.bin", "a.zip"]


def test_damaged_or_crowded_archives_and_bombs_are_refused(write, tmp_path: Path) -> None:
    packed = gzip.compress((HEADER + FIRST * 5000).encode())
    with pytest.raises(TradeFileError, match="a damaged archive"):
        read(write(packed[: len(packed) // 2], "cut.gz"))
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("a.csv", HEADER)
        archive.writestr("b.csv", HEADER)
    with pytest.raises(TradeFileError, match=r"a zip with 2 \.csv files among 2"):
        read(tmp_path / "two.zip")
    bomb = gzip.compress(HEADER.encode() + b"\n" * 40_000_000)
    with pytest.raises(TradeFileError, match="bytes, expected at most 200 times"):
        read(write(bomb, "bomb.gz"))
    with pytest.raises(TradeFileError, match="No such file"):
        read(tmp_path / "nowhere.csv")
    with pytest.raises(TradeFileError, match="a folder"):
        read(tmp_path)


def parquet(tmp_path: Path, **columns: object) -> Path:
    path = tmp_path / "trades.parquet"
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.parametrize("price", [pa.array([61837.63]), pa.array([Decimal("61837.63")]), pa.array(["61837.63"])])
@pytest.mark.parametrize(
    "time", [pa.array([1723161255342]), pa.array([NS], pa.timestamp("ns")), pa.array([1723161255342], pa.timestamp("ms", "UTC"))]
)
def test_parquet_of_any_sensible_types_is_read(tmp_path: Path, price: pa.Array, time: pa.Array) -> None:
    side = pa.array(["sell"]).dictionary_encode()
    path = parquet(tmp_path, time=time, price=price, quantity=pa.array([0.1]), side=side, trade_id=pa.array([5]))
    assert columns(read(path)) == [[NS], [6183763], [1], [-1], [5]]


def test_invalid_parquet_row_is_named_by_its_number(tmp_path: Path) -> None:
    path = parquet(tmp_path, time=[NS, NS], price=[0.305, 1.0], quantity=[1.0, 1.0], side=["buy", "buy"])
    with pytest.raises(TradeFileError, match=r"found price 0\.305, expected a multiple of 0\.01"):
        read(path)
    path = parquet(tmp_path, time=[NS], price=[None], quantity=[1.0], side=["buy"])
    with pytest.raises(TradeFileError, match="found"):
        read(path)
    path.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(TradeFileError, match="Parquet"):
        read(path)


FIELDS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=12),
    st.sampled_from(
        ["1723161255342", "61837.63", "0.02", "sell", "BUY", "7", "", "nan", "1e5", "-0", "١", "0x1", '"', "1.", "+3", "9" * 30]
    ),
    st.integers(-10, 10**20).map(str),
    st.decimals(allow_nan=True, places=3).map(str),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(rows=st.lists(st.lists(FIELDS, min_size=4, max_size=6), min_size=1, max_size=4))
def test_any_line_is_read_right_or_refused_in_one_line(tmp_path: Path, rows: list[list[str]]) -> None:
    path = tmp_path / "hostile.csv"
    path.write_bytes((HEADER + "\n".join(",".join(row) for row in rows) + "\n").encode())
    try:
        found = read(path)
    except TradeFileError as error:
        assert "\n" not in error.user_message
        return
    assert found.rows <= len(rows)
    assert (found.trades.quantity_lots > 0).all() and (found.trades.price_ticks > 0).all()


def test_recorded_trades_are_read_to_the_last_lot(real_data: Path) -> None:
    for name, tick in (("binance_usdm_btcusdt_20240808_trades.csv.gz", "0.1"), ("binance_spot_btcusdt_20240808_trades.csv.gz", "0.01")):
        path = real_data / "archives" / name
        found = read(path, Decimal(tick))
        with gzip.open(path, "rt") as file:
            rows = [line.rstrip("\n").split(",") for line in file][1:]
        kept = [row for row in rows if Decimal(row[2])]
        assert len(found.trades) == len(kept)
        lot = found.instrument.lot_size
        assert int(found.trades.quantity_lots.sum()) * lot == sum(Decimal(row[2]) for row in kept)
        assert [int(p) * Decimal(tick) for p in found.trades.price_ticks[:50]] == [Decimal(row[1]) for row in kept[:50]]
        assert np.array_equal(found.trades.side, [1 if row[3] == "buy" else -1 for row in kept])


def test_text_ids_are_replaced_by_time_order_without_repeats(write) -> None:
    header = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue\n"
    rows = ["2.5,BTCUSDT,Buy,0.02,1.5,x,b,1", "2.25,BTCUSDT,Sell,0.01,1.25,x,a,1", "2.5,BTCUSDT,Buy,0.02,1.5,x,b,1"]
    found = read(write(header + "".join(f"172316125{row}\n" for row in rows)))
    second = 1_723_161_252 * 10**9
    assert columns(found) == [[second + 250_000_000, second + 500_000_000], [125, 150], [1, 2], [-1, 1], [0, 1]]
    assert (found.rows, found.repeated_rows) == (3, 1)
    with pytest.raises(TradeFileError, match="line 4: found trade id"):
        read(write(header + "".join(f"172316125{row}\n" for row in [*rows[:2], rows[0].replace("0.02", "0.03")])))


def test_rows_without_an_id_are_all_read(write) -> None:
    header = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    found = read(write(header + "x,Y,1723161255342000,1723161255342000,,buy,1.5,1\n" * 3))
    assert columns(found)[4] == [0, 1, 2]


def test_dump_converted_to_parquet_is_read(tmp_path: Path) -> None:
    path = parquet(
        tmp_path,
        agg_trade_id=[5],
        price=["1.5"],
        quantity=["2"],
        first_trade_id=[1],
        last_trade_id=[1],
        transact_time=[NS],
        is_buyer_maker=[True],
    )
    assert columns(read(path)) == [[NS], [150], [2], [-1], [5]]


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (pa.array([1723161255342], pa.timestamp("ns")), "1723161255342"),
        (pa.array([10**15], pa.timestamp("s")), str(10**18)),
    ],
)
def test_time_that_no_calendar_has_is_refused_with_its_row(tmp_path: Path, time: pa.Array, shown: str) -> None:
    path = parquet(tmp_path, time=time, price=["1.5"], quantity=["2"], side=["buy"], trade_id=[5])
    with pytest.raises(TradeFileError, match=f"row 1: found time '{shown}'"):
        read(path)
