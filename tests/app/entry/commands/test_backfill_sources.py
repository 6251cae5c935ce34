"""`tapeprint backfill` from every publisher, through the command line, against servers on loopback that have their layouts."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
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
from app.market.trade import TradeBatch
from app.storage.disk import DiskStore, stored_instrument
from tests.feeds.archives.dump_server import DumpServer, publishing

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


def zipped(text: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trades.csv", text)
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
        entry = {"symbol": "BTCUSDT", "status": "Trading", "priceFilter": {"tickSize": "0.1"}}
        both = entry | {"lotSizeFilter": {"qtyStep": "0.1", "basePrecision": "0.1"}}
        return msgspec.json.encode({"retCode": 0, "retMsg": "OK", "time": 1, "result": {"list": [both]}})
    if "public/instruments" in path:
        swap = "instType=SWAP" in target
        entry = {"instId": "BTC-USDT-SWAP" if swap else "BTC-USDT", "tickSz": "0.1", "lotSz": "10" if swap else "0.1", "state": "live"}
        return msgspec.json.encode({"code": "0", "data": [entry | {"ctVal": "0.01" if swap else "", "ctMult": "1" if swap else ""}]})
    return msgspec.json.encode({"id": "BTC-USD", "quote_increment": "0.1", "base_increment": "0.1", "status": "online"})


_INFO = ("/api/v3/exchangeInfo", "/fapi/v1/exchangeInfo", "/v5/market/instruments-info", "/api/v5/public/instruments", "/products/BTC-USD")


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
