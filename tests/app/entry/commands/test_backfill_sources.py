"""`tapeprint backfill` from every publisher, through the command line, against servers on loopback that have their layouts."""

from __future__ import annotations

import gzip
import hashlib
import io
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from app.entry.cli import run
from app.market.bar_rule import DAY_NS
from app.market.span import Span
from app.storage.day_file import read_meta
from app.storage.disk import DiskStore, stored_instrument
from tests.feeds.publishers.dump_server import DumpServer, Fault, publishing

DAYS = [date(2026, 2, number) for number in (2, 3, 4, 5)]
QUIET = 2  # no trades on the third of them
ALL = Span(0, 1 << 62)

Row = tuple[int, str, str, str, int]
"""Time in nanoseconds, price, quantity, side and id."""


def start_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9


def rows_of(number: int, first_ns: int, tick: str = "0.1") -> list[Row]:
    """Some trades of a day, the first at its first nanosecond and the last within its last millisecond; none if it is quiet."""
    if number == QUIET:
        return []
    first_id = 1000 + 40 * (number - (number > QUIET))
    times = [first_ns + i * 2_160_000 * 10**6 for i in range(39)] + [first_ns + DAY_NS - 10**6]
    price = "60000.25" if tick == "0.01" else "60000.5"
    return [(time_ns, price, f"0.{1 + i % 7}", ("buy", "sell")[i % 3 == 0], first_id + i) for i, time_ns in enumerate(times)]


def zipped(text: str, padding: bytes = b"") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trades.csv", text)
        if padding:
            archive.writestr("padding", padding, zipfile.ZIP_STORED)
    return packed.getvalue()


def lines(header: str, rows: Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in (*([header] if header else []), *rows))


@dataclass(frozen=True)
class Publisher:
    """A publisher as it is served and asked.

    Attributes
    ----------
    market, source : str
        Arguments of the command.
    begins : int
        Hours before midnight UTC at which its days begin.
    publish : callable
        Puts a day's rows on a server.
    """

    market: str
    source: str
    variable: str
    publish: Callable[[DumpServer, date, list[Row]], None]
    begins: int = 0
    numbered: bool = True

    def rows(self, number: int, **options: Any) -> list[Row]:
        return rows_of(number, start_ns(DAYS[number]) - self.begins * 3600 * 10**9, **options)


def with_checksum(server: DumpServer, path: str, content: bytes) -> None:
    server.files |= {path: content, f"{path}.CHECKSUM": f"{hashlib.sha256(content).hexdigest()}  x.zip\n".encode()}


def binance_spot(server: DumpServer, day: date, rows: list[Row]) -> None:
    text = lines("", (f"{i},{p},{q},{i},{i},{t // 1000},{'False' if s == 'buy' else 'True'},True" for t, p, q, s, i in rows))
    with_checksum(server, f"/data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-{day}.zip", zipped(text))


def binance_usdm(server: DumpServer, day: date, rows: list[Row]) -> None:
    header = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
    text = lines(header, (f"{i},{p},{q},{i},{i},{t // 10**6},{'false' if s == 'buy' else 'true'}" for t, p, q, s, i in rows))
    with_checksum(server, f"/data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-{day}.zip", zipped(text))


def bybit_spot(server: DumpServer, day: date, rows: list[Row]) -> None:
    text = lines("id,timestamp,price,volume,side,rpi", (f"{n},{t // 10**6},{p},{q},{s},0" for n, (t, p, q, s, _) in enumerate(rows, 1)))
    server.files[f"/spot/BTCUSDT/BTCUSDT_{day}.csv.gz"] = gzip.compress(text.encode())


def bybit_linear(server: DumpServer, day: date, rows: list[Row]) -> None:
    header = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
    each = (f"{t / 1e9:.3f},BTCUSDT,{s.title()},{q},{p},PlusTick,0000-{i},1,1,1" for t, p, q, s, i in rows)
    server.files[f"/trading/BTCUSDT/BTCUSDT{day}.csv.gz"] = gzip.compress(lines(header, each).encode())


def bybit_inverse(server: DumpServer, day: date, rows: list[Row]) -> None:
    header = "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional"
    each = (f"{t / 1e9:.3f},BTCUSD,{s.title()},{q},{p},PlusTick,0000-{i},1,1,1" for t, p, q, s, i in rows)
    server.files[f"/trading/BTCUSD/BTCUSD{day}.csv.gz"] = gzip.compress(lines(header, each).encode())


def okx(server: DumpServer, day: date, rows: list[Row], symbol: str = "BTC-USDT", per_contract: int = 1) -> None:
    header = "instrument_name,trade_id,side,price,size,created_time"
    each = (f"{symbol},{i},{s},{p},{float(q) * per_contract:g},{t // 10**6}" for t, p, q, s, i in rows)
    path = f"/cdn/okex/traderecords/trades/daily/{day:%Y%m%d}/{symbol}-trades-{day}.zip"
    server.files[path] = zipped(lines(header, each))

    def listing(target: str) -> bytes:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        which = {"instIdList": symbol} if asked["instType"] == "SPOT" else {"instFamilyList": "BTC-USDT"}
        assert asked.items() >= ({"module": "1", "dateAggrType": "daily"} | which).items()
        found = [
            {"dateTs": "0", "filename": name.rpartition("/")[2], "sizeMB": "1", "url": server.url + name}
            for name in server.files
            if int(asked["begin"]) <= start_ns(date.fromisoformat(name[-14:-4])) // 10**6 - 8 * 3_600_000 <= int(asked["end"])
        ]
        details = [{"instId": symbol, "instType": asked["instType"], "groupDetails": found}]
        return msgspec.json.encode({"code": "0", "msg": "", "data": [{"dateAggrType": "daily", "details": details}]})

    server.pages["/api/v5/public/market-data-history"] = listing


def okx_swap(server: DumpServer, day: date, rows: list[Row]) -> None:
    okx(server, day, rows, "BTC-USDT-SWAP", 100)


def tardis(server: DumpServer, day: date, rows: list[Row]) -> None:
    each = [f"coinbase,BTC-USD,{t // 1000},{t // 1000},{i},{s},{p},{q}" for t, p, q, s, i in rows]
    text = lines("exchange,symbol,timestamp,local_timestamp,id,side,price,amount", iter(each)) if rows else ""
    server.files[f"/v1/coinbase/trades/{day:%Y/%m/%d}/BTC-USD.csv.gz"] = gzip.compress(text.encode())


def kaiko(server: DumpServer, day: date, rows: list[Row]) -> None:
    path = "/v2/data/trades.v1/exchanges/cbse/spot/btc-usd/trades"
    before = server.pages.get(path)
    trades = [
        {"timestamp": t // 10**6, "trade_id": str(i), "price": p, "amount": q, "taker_side_sell": s == "sell"} for t, p, q, s, i in rows
    ]

    def page(target: str) -> bytes:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        if asked.get("continuation_token") == f"rest-{day}":
            return msgspec.json.encode({"data": trades[25:]})
        if asked.get("start_time", "").startswith(str(day)):
            more = {"continuation_token": f"rest-{day}"} if len(trades) > 25 else {}
            return msgspec.json.encode({"data": trades[:25]} | more)
        assert before is not None
        return before(target)

    server.pages[path] = page


PUBLISHERS = {
    "binance": Publisher("binance:BTCUSDT", "dumps", "BINANCE", binance_spot),
    "binance-usdm": Publisher("binance-usdm:BTCUSDT", "dumps", "BINANCE", binance_usdm),
    "bybit": Publisher("bybit:BTCUSDT", "dumps", "BYBIT", bybit_spot, numbered=False),
    "bybit-linear": Publisher("bybit-linear:BTCUSDT", "dumps", "BYBIT", bybit_linear, numbered=False),
    "bybit-inverse": Publisher("bybit-inverse:BTCUSD", "dumps", "BYBIT", bybit_inverse, numbered=False),
    "okx": Publisher("okx:BTC-USDT", "dumps", "OKX", okx, begins=8),
    "okx-swap": Publisher("okx-swap:BTC-USDT-SWAP", "dumps", "OKX", okx_swap, begins=8),
    "tardis": Publisher("coinbase:BTC-USD", "tardis:coinbase/BTC-USD", "TARDIS", tardis),
    "kaiko": Publisher("coinbase:BTC-USD", "kaiko:cbse/spot/btc-usd", "KAIKO", kaiko),
}


def instruments(target: str) -> bytes:
    """Answers of all venues to the question for a symbol's steps; the tick is 0.1, the lot 0.1 or, in contracts, 10."""
    path = target.partition("?")[0]
    if "exchangeInfo" in path:
        filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.1"}, {"filterType": "LOT_SIZE", "stepSize": "0.1"}]
        return msgspec.json.encode({"symbols": [{"symbol": "BTCUSDT", "status": "TRADING", "filters": filters}]})
    if "instruments-info" in path:
        inverse = "category=inverse" in target
        entry = {"symbol": "BTCUSD" if inverse else "BTCUSDT", "status": "Trading", "priceFilter": {"tickSize": "0.1"}}
        both = entry | {"lotSizeFilter": {"qtyStep": "0.1", "basePrecision": "0.1"}}
        return msgspec.json.encode({"retCode": 0, "retMsg": "OK", "time": 1, "result": {"list": [both]}})
    if "public/instruments" in path:
        swap = "instType=SWAP" in target
        entry = {"instId": "BTC-USDT-SWAP" if swap else "BTC-USDT", "tickSz": "0.1", "lotSz": "10" if swap else "0.1", "state": "live"}
        return msgspec.json.encode({"code": "0", "data": [entry | {"ctVal": "0.01" if swap else "", "ctMult": "1" if swap else ""}]})
    if path.endswith("/trades"):
        newest = {"trade_id": 9000, "price": "60000.5", "size": "0.1", "side": "buy", "time": "2026-11-01T00:00:00.000000Z"}
        return msgspec.json.encode([newest])
    return msgspec.json.encode({"id": "BTC-USD", "quote_increment": "0.1", "base_increment": "0.1", "status": "online"})


_INFO = (
    *("/api/v3/exchangeInfo", "/fapi/v1/exchangeInfo", "/v5/market/instruments-info"),
    *("/api/v5/public/instruments", "/products/BTC-USD", "/products/BTC-USD/trades"),
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[DumpServer]:
    for service in ("TARDIS", "KAIKO"):
        monkeypatch.setenv(f"TAPEPRINT_{service}_KEY", "k-1")
    with publishing() as found:
        found.pages |= dict.fromkeys(_INFO, instruments)
        for publisher in PUBLISHERS.values():
            monkeypatch.setenv(f"TAPEPRINT_{publisher.variable}_DUMPS_URL", found.url)
        yield found


@dataclass
class Desk:
    """The command of one publisher with its store."""

    publisher: Publisher
    server: DumpServer
    store: Path

    def arguments(self, first: date = DAYS[0], end: date = DAYS[-1] + timedelta(days=1)) -> list[str]:
        edges = [f"{(start_ns(day) - self.publisher.begins * 3600 * 10**9) // 10**9}" for day in (first, end)]
        where = ["--source", self.publisher.source, "--rest-url", self.server.url, "--store", str(self.store)]
        return ["backfill", self.publisher.market, "--from", edges[0], "--to", edges[1], *where]

    def run(self, *days: date) -> int:
        self.server.asked.clear()
        self.server.heads.clear()
        return run(self.arguments(*days))

    @property
    def fetched(self) -> list[str]:
        """The targets asked for, other than the venue's for the steps of the symbol."""
        return [target for target in self.server.asked if target.partition("?")[0] not in _INFO]

    def stored(self) -> list[Row]:
        opened = DiskStore(self.store, write=False)
        instrument = stored_instrument(opened, self.publisher.market)
        trades = opened.tape(instrument).trades(ALL)
        opened.close()
        return [
            (time_ns, instrument.grid().text(ticks), instrument.quantity_text(lots), {1: "buy", -1: "sell"}[side], trade_id)
            for time_ns, ticks, lots, side, trade_id in zip(*(column.tolist() for column in trades.columns), strict=True)
        ]

    def expected(self, *numbers: int) -> list[Row]:
        unit = 10**3 if self.publisher.source.startswith("tardis") or self.publisher.market == "binance:BTCUSDT" else 10**6
        return [(t // unit * unit, p, q, s, i) for number in numbers for t, p, q, s, i in self.publisher.rows(number)]


def desk_of(name: str, server: DumpServer, store: Path, numbers: range = range(4)) -> Desk:
    """A desk whose publisher has these days."""
    desk = Desk(PUBLISHERS[name], server, store)
    for number in numbers:
        desk.publisher.publish(server, DAYS[number], desk.publisher.rows(number))
    return desk


def without_ids(rows: list[Row]) -> list[tuple[int, str, str, str]]:
    return [row[:4] for row in rows]


@pytest.mark.parametrize("name", PUBLISHERS)
def test_each_publisher_fills_a_span_once(name: str, server: DumpServer, tmp_path: Path, capfd: Any) -> None:
    """D7, D8, D9: files are fetched and stored, a day without trades is one of them, and a second run fetches nothing."""
    desk = desk_of(name, server, tmp_path)
    assert desk.run() == 0, capfd.readouterr().err
    assert "120 new trades" in capfd.readouterr().err
    stored = desk.stored()
    assert without_ids(stored) == without_ids(desk.expected(0, 1, 3))
    if desk.publisher.numbered:
        assert [row[4] for row in stored] == list(range(1000, 1120))
    assert not list(tmp_path.rglob("downloads"))
    assert desk.run() == 0
    assert desk.fetched == []
    err = capfd.readouterr().err
    assert "0 new trades" in err and "missing" not in err and "Traceback" not in err
    assert run(["verify", "--store", str(tmp_path), "--quiet"]) == 0


def test_an_interrupted_download_is_taken_up_after_a_kill(server: DumpServer, tmp_path: Path) -> None:
    """D7, B1: a kill in the middle of a download loses nothing, and what was fetched is not fetched again."""
    desk = desk_of("binance", server, tmp_path)
    stuck = next(path for path in server.files if path.endswith(f"{DAYS[1]}.zip"))
    with zipfile.ZipFile(io.BytesIO(server.files[stuck])) as archive:
        with_checksum(server, stuck, zipped(archive.read("trades.csv").decode(), bytes(100_000)))
    server.stuck[stuck] = 50_000
    child = subprocess.Popen([sys.executable, "-m", "app", *desk.arguments()], stderr=subprocess.DEVNULL)
    part = tmp_path / "binance" / "BTCUSDT" / "downloads" / f"spot-BTCUSDT-aggTrades-{DAYS[1]}.zip.part"
    try:
        for _ in range(3000):
            if part.exists() and part.stat().st_size > 8000:
                break
            assert child.poll() is None
            time.sleep(0.01)
        else:
            raise AssertionError("no download within 30 s")
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert without_ids(desk.stored()) == without_ids(desk.expected(0))
    server.stuck.clear()
    assert desk.run() == 0
    assert [target for target in desk.fetched if str(DAYS[0]) in target] == []
    (begun,) = server.ranges_asked()
    assert 8000 < int(begun.removeprefix("bytes=").removesuffix("-")) <= 50_000
    assert desk.stored() == desk.expected(0, 1, 3)
    assert desk.run() == 0 and desk.fetched == []


def test_a_bad_checksum_costs_its_day_only(server: DumpServer, tmp_path: Path, capfd: Any) -> None:
    """D7, C1: a file that does not match its checksum is not imported, and the days after it are."""
    desk = desk_of("binance-usdm", server, tmp_path)
    path = next(path for path in server.files if path.endswith(f"{DAYS[0]}.zip"))
    good = server.files[path]
    server.files[path] = good + b"x"
    assert desk.run() == 1
    err = capfd.readouterr().err
    assert "checksum mismatch; not imported" in err and "still missing" in err and "Traceback" not in err
    assert desk.stored() == desk.expected(1, 3)
    server.files[path] = good
    assert desk.run() == 0
    assert set(desk.fetched) == {path, f"{path}.CHECKSUM"}
    assert desk.stored() == desk.expected(0, 1, 3)


@pytest.mark.parametrize("name", [name for name in PUBLISHERS if name != "kaiko"])  # which publishes no files by day
def test_a_day_that_is_not_out_yet_comes_later(name: str, server: DumpServer, tmp_path: Path, capfd: Any) -> None:
    """D9: what is not published yet is said, the rest goes on, and the next run has only that day to fetch."""
    publisher = PUBLISHERS[name]
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=number) for number in (3, 2, 1)]
    desk = Desk(publisher, server, tmp_path)
    rows = {day: rows_of(number, start_ns(day) - publisher.begins * 3600 * 10**9) for number, day in enumerate(days)}
    rows[days[2]] = rows_of(3, start_ns(days[2]) - publisher.begins * 3600 * 10**9)
    for day in days[:2]:
        publisher.publish(server, day, rows[day])
    if name == "tardis":  # it calls a day out of range until it is out
        server.faults = [None] * 4 + [Fault(status=400, body=b'{"code":107,"message":"There is no data available for that date yet"}')]
    assert desk.run(days[0], today) == 1
    err = capfd.readouterr().err
    assert err.count("is not published yet, try again later") == 1 and "still missing" in err
    assert without_ids(desk.stored()) == without_ids(rows[days[0]] + rows[days[1]])
    publisher.publish(server, days[2], rows[days[2]])
    assert desk.run(days[0], today) == 0
    assert not [target for target in desk.fetched if str(days[0]) in target]
    assert without_ids(desk.stored()) == without_ids([row for day in days for row in rows[day]])


def test_a_redirect_is_followed_once_without_the_key(server: DumpServer, tmp_path: Path, capfd: Any) -> None:
    """D9: a file may lie elsewhere; the key does not go there, and a second hop is refused."""
    desk = desk_of("tardis", server, tmp_path)
    with publishing() as elsewhere:
        for path in [path for path in server.files if path.startswith("/v1/")]:
            elsewhere.files[f"/signed{path}"] = server.files.pop(path)
            server.redirects[path] = f"{elsewhere.url}/signed{path}?signature=1"
        elsewhere.files |= {f"{path}?signature=1": content for path, content in elsewhere.files.items()}
        assert desk.run() == 0, capfd.readouterr().err
        assert {head.get("authorization") for head in server.heads if "authorization" in head} == {"Bearer k-1"}
        assert len(elsewhere.heads) == 4 and not any("authorization" in head for head in elsewhere.heads)
        assert without_ids(desk.stored()) == without_ids(desk.expected(0, 1, 3))
        again = Desk(desk.publisher, server, tmp_path / "again")
        path = next(iter(server.redirects))
        elsewhere.redirects[server.redirects[path].removeprefix(elsewhere.url)] = f"{server.url}/third"
        assert again.run() == 1
        assert "redirects more than once" in capfd.readouterr().err


@pytest.mark.parametrize("name", PUBLISHERS)
def test_one_odd_row_costs_one_row(name: str, server: DumpServer, tmp_path: Path, capfd: Any) -> None:
    """D3: a row that is no trade is left out and listed with its line; the others and the other days are stored."""
    desk = desk_of(name, server, tmp_path)
    rows = desk.publisher.rows(0)
    bad = (rows[5][0], "60000.53", *rows[5][2:])
    desk.publisher.publish(server, DAYS[0], [*rows[:5], bad, *rows[6:]])
    code = desk.run()
    err = capfd.readouterr().err
    line = 6 if name == "binance" else 7  # the only layout without a header
    assert f"line {line}: found price 60000.53, expected a multiple of 0.1" in err and "left out 1 row that is not a valid trade" in err
    assert code == int(desk.publisher.numbered)  # ids prove that a trade is missing
    assert ("still missing" in err) == desk.publisher.numbered
    assert without_ids(desk.stored()) == without_ids([row for row in desk.expected(0, 1, 3) if row[0] != desk.expected(0)[5][0]])
    assert desk.run() == code and desk.fetched == []


def test_rows_with_zero_price_and_quantity_are_no_trades(server: DumpServer, tmp_path: Path, capfd: Any) -> None:
    """D3: Binance leaves such rows for ids without a trade; they are counted, and nothing is missing."""
    desk = desk_of("binance-usdm", server, tmp_path)
    rows = desk.publisher.rows(1)
    void = (rows[7][0], "0.00000000", "0.00000000", *rows[7][3:])
    desk.publisher.publish(server, DAYS[1], [*rows[:7], void, *rows[8:]])
    assert desk.run() == 0, capfd.readouterr().err
    assert "1 row with zero quantity skipped" in capfd.readouterr().err
    assert desk.stored() == [row for row in desk.expected(0, 1, 3) if row[4] != void[4]]
    assert desk.run() == 0 and desk.fetched == []


@pytest.mark.parametrize("name", ["binance", "bybit"])
def test_a_day_on_a_finer_tick_does_not_keep_the_others_away(name: str, server: DumpServer, tmp_path: Path, capfd: Any) -> None:
    """D3: a day from before the venue changed its tick is stored in its own steps; the days after it are too."""
    desk = desk_of(name, server, tmp_path)
    desk.publisher.publish(server, DAYS[0], desk.publisher.rows(0, tick="0.01"))
    assert desk.run() == 0, capfd.readouterr().err
    assert "stored with tick 0.05 and lot 0.1, as the venue had other steps then" in capfd.readouterr().err
    files = sorted(tmp_path.glob("*/*/trades/*.parquet"))
    assert [read_meta(path).tick_size for path in files] == ["0.05", "0.1", "0.1"]
    assert desk.run() == 0 and desk.fetched == []


def test_an_id_gap_that_the_file_has_itself_is_said_and_not_fetched_again(server: DumpServer, tmp_path: Path, capfd: Any) -> None:
    """D8: what the publisher lacks is listed by id at each run; the file is fetched once."""
    desk = desk_of("binance", server, tmp_path)
    rows = desk.publisher.rows(1)
    desk.publisher.publish(server, DAYS[1], [*rows[:10], *rows[12:]])
    for fetched in (True, False):
        assert desk.run() == 1
        assert bool(desk.fetched) is fetched
        assert "2 trades by id" in capfd.readouterr().err


@pytest.mark.parametrize("name", PUBLISHERS)
def test_a_day_without_trades_is_an_answer(name: str, server: DumpServer, tmp_path: Path, capfd: Any) -> None:
    """D9: alone, with nothing stored next to it, it is complete, and it is not fetched again."""
    desk = desk_of(name, server, tmp_path, range(QUIET, QUIET + 1))
    assert desk.run(DAYS[QUIET], DAYS[QUIET + 1]) == 0, capfd.readouterr().err
    assert desk.fetched
    assert desk.run(DAYS[QUIET], DAYS[QUIET + 1]) == 0
    assert desk.fetched == []
    assert "missing" not in capfd.readouterr().err
