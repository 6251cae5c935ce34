"""One odd entry in a list of a venue costs that entry, in listings of markets and in pages of trades."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from app.errors import DecodeError, VenuePausedError, VenueRefusedError
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from feeds.network.rest_client import RestClient
from feeds.venues.binance import live as binance
from feeds.venues.bybit import live as bybit
from feeds.venues.coinbase import live as coinbase
from feeds.venues.decoder import OddTrades
from feeds.venues.hyperliquid import live as hyperliquid
from feeds.venues.kraken import live as kraken
from feeds.venues.kraken.rest import fetch_instrument as kraken_instrument
from feeds.venues.okx import live as okx
from feeds.venues.okx.history import OkxHistory
from feeds.venues.okx.rest import OkxRest
from tests.feeds.lines import run
from tests.feeds.questions import answering

Row = dict[str, Any] | list[Any]
MS = 1_700_000_000_000
N = 40


@dataclass(frozen=True)
class Venue:
    """How a venue lists markets and trades."""

    market: Row
    listing: Callable[[list[Row]], object]
    instrument: Callable[[str], Awaitable[Instrument]]
    trade: Callable[[int], Row]
    page: Callable[[list[Row]], object]
    history: Callable[[str], Any]
    price: str | int
    quantity: str | int


def _bybit(url: str) -> bybit.BybitRest:
    return bybit.BybitRest(RestClient(url), bybit.LINEAR)


def _at(venue: str, symbol: str, *, numbered: bool = True) -> Instrument:
    return Instrument(venue, symbol, Decimal("0.1"), Decimal("0.001"), numbered=numbered)


_FILTERS = [{"filterType": "PRICE_FILTER", "tickSize": "0.1"}, {"filterType": "LOT_SIZE", "stepSize": "0.001"}]
VENUES = {
    "binance-usdm": Venue(
        {"symbol": "BTCUSDT", "status": "TRADING", "filters": _FILTERS},
        lambda rows: {"symbols": rows},
        lambda url: binance.fetch_instrument(RestClient(url), binance.USDM, "BTCUSDT"),
        lambda i: {"a": i, "p": "100.5", "q": "0.25", "T": MS + i, "m": True},
        lambda rows: rows,
        lambda url: binance.BinanceHistory(_at("binance-usdm", "BTCUSDT"), binance.USDM, RestClient(url)),
        "p",
        "q",
    ),
    "bybit-linear": Venue(
        {"symbol": "BTCUSDT", "status": "Trading", "priceFilter": {"tickSize": "0.1"}, "lotSizeFilter": {"qtyStep": "0.001"}},
        lambda rows: {"retCode": 0, "time": MS, "result": {"list": rows}},
        lambda url: bybit.fetch_instrument(_bybit(url), "BTCUSDT"),
        lambda i: {"execId": str(i), "symbol": "BTCUSDT", "price": "100.5", "size": "0.25", "side": "Buy", "time": MS + i},
        lambda rows: {"retCode": 0, "time": MS, "result": {"list": rows[::-1]}},
        lambda url: bybit.newest_trades(_at("bybit-linear", "BTCUSDT", numbered=False), _bybit(url)),
        "price",
        "size",
    ),
    "okx": Venue(
        {"instId": "BTC-USDT", "state": "live", "tickSz": "0.1", "lotSz": "0.001"},
        lambda rows: {"code": "0", "data": rows},
        lambda url: okx.fetch_instrument(OkxRest(url), okx.SPOT, "BTC-USDT"),
        lambda i: {"instId": "BTC-USDT", "tradeId": str(i), "px": "100.5", "sz": "0.25", "side": "buy", "ts": str(MS + i)},
        lambda rows: {"code": "0", "data": rows[::-1]},
        lambda url: OkxHistory(_at("okx", "BTC-USDT"), OkxRest(url)),
        "px",
        "sz",
    ),
    "kraken": Venue(
        {"wsname": "XBT/USD", "tick_size": "0.1", "lot_decimals": 3, "status": "online"},
        lambda rows: {"error": [], "result": {str(i): row for i, row in enumerate(rows)}},
        lambda url: kraken_instrument(RestClient(url), "BTC-USD"),
        lambda i: ["100.5", "0.25", MS / 1000 + i, "b", "l", "", i],
        lambda rows: {"error": [], "result": {"XXBTZUSD": rows, "last": "1"}},
        lambda url: kraken.KrakenHistory(_at("kraken", "BTC-USD"), RestClient(url)),
        0,
        1,
    ),
    "hyperliquid": Venue(
        {"name": "BTC", "szDecimals": 3},
        lambda rows: {"universe": rows},
        lambda url: hyperliquid.fetch_instrument(RestClient(url), "BTC"),
        lambda i: {"coin": "BTC", "side": "B", "px": "100.5", "sz": "0.25", "time": MS + i, "tid": i},
        lambda rows: rows[::-1],
        lambda url: hyperliquid.newest_trades(_at("hyperliquid", "BTC", numbered=False), RestClient(url)),
        "px",
        "sz",
    ),
    "coinbase": Venue(
        {},
        lambda rows: rows,
        lambda url: coinbase.fetch_instrument(RestClient(url), "BTC-USD"),
        lambda i: {"trade_id": i, "side": "buy", "size": "0.25", "price": "100.5", "time": f"2023-11-14T22:13:20.{i:03d}Z"},
        lambda rows: rows[::-1],
        lambda url: coinbase.CoinbaseHistory(_at("coinbase", "BTC-USD"), RestClient(url)),
        "price",
        "size",
    ),
}
ODD_MARKETS: list[object] = [None, 7, "x", [], {}, {"symbol": 3}, {"contractStatus": "TRADING", "symbol": "BTCUSD_PERP"}, {"name": None}]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", [name for name in VENUES if name != "coinbase"])
def test_odd_entries_in_a_listing_cost_only_themselves(name: str, seed: int, logged: object) -> None:
    """S6: at every venue with a list, in any place."""
    venue, chance = VENUES[name], random.Random(seed)
    rows: list[Any] = [*chance.choices(ODD_MARKETS, k=5), venue.market]
    chance.shuffle(rows)

    async def story() -> None:
        async with answering(lambda path, question: (200, venue.listing(rows))) as url:
            found = await venue.instrument(url)
            assert found.venue == name and found.lot_size == Decimal("0.001")

    run(story())


@pytest.mark.parametrize("name", [name for name in VENUES if name != "coinbase"])
def test_a_market_whose_own_entry_is_odd_is_said_to_be_unreadable(name: str, logged: object) -> None:
    venue = VENUES[name]
    assert isinstance(venue.market, dict)
    odd = {key: value if key in ("symbol", "instId", "wsname", "name") else [value] for key, value in venue.market.items()}
    other = {
        key: value.replace("BTC", "ETH").replace("XBT", "ETH") if isinstance(value, str) else value for key, value in venue.market.items()
    }

    async def story(rows: list[Row], error: type[Exception], match: str) -> None:
        async with answering(lambda path, question: (200, venue.listing(rows))) as url:
            with pytest.raises(error, match=match):
                await venue.instrument(url)

    run(story([odd, other], DecodeError, "cannot read"))
    run(story([other], VenueRefusedError, "has no"))


def test_a_contract_status_counts_as_the_status(logged: object) -> None:
    market = {"symbol": "BTCUSDT", "contractStatus": "TRADING", "filters": _FILTERS}

    async def story() -> None:
        async with answering(lambda path, question: (200, {"symbols": [{"symbol": "A"}, market]})) as url:
            assert (await VENUES["binance-usdm"].instrument(url)).status == "TRADING"
            market["contractStatus"] = "SETTLING"
            with pytest.raises(VenuePausedError, match="SETTLING"):
                await VENUES["binance-usdm"].instrument(url)

    run(story())


def spoilt(venue: Venue, trade: Row, kind: str) -> object:
    """A trade with one thing wrong."""
    row: Any = json.loads(json.dumps(trade))
    if kind == "off grid":
        row[venue.price] = "100.55"
    elif kind == "too fine for a tick":
        row[venue.price] = "100.5000001"
    elif kind == "nothing at no price":
        row[venue.price], row[venue.quantity] = "0", "0"
    elif kind == "negative":
        row[venue.quantity] = "-1"
    elif kind == "text":
        row[venue.price] = "hello"
    elif kind == "type":
        row[venue.price] = None
    elif kind == "short":
        row = row[:2] if isinstance(row, list) else {venue.price: "100.5"}
    elif kind == "null":
        row = None
    return row


KINDS = ["off grid", "nothing at no price", "negative", "text", "type", "short", "null"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", VENUES)
def test_odd_trades_in_a_page_cost_only_themselves(name: str, seed: int, logged: object) -> None:
    """D3: at every venue, in any place."""
    venue, chance = VENUES[name], random.Random(seed)
    rows: list[Any] = [venue.trade(i) for i in range(1, N + 1)]
    places = chance.sample(range(N), len(KINDS))
    for place, kind in zip(places, KINDS, strict=True):
        rows[place] = spoilt(venue, rows[place], kind)

    async def story() -> None:
        async with answering(lambda path, question: (200, venue.page(rows))) as url:
            history = venue.history(url)
            page: TradeBatch = await history.recent()
            odd: OddTrades = history.odd
            await history.aclose()
        assert len(page) == N - len(KINDS)
        assert sorted((page.time_ns // 10**6 - MS).tolist()) == sorted(page_times(name, [i + 1 for i in range(N) if i not in places]))
        assert odd.n == len(odd.latest) == 4 and any("100.55, expected a multiple of 0.1" in line for line in odd.latest)

    run(story())


def page_times(name: str, seconds: list[int]) -> list[int]:
    return [i * 1000 for i in seconds] if name == "kraken" else seconds


@pytest.mark.parametrize("name", VENUES)
def test_a_page_of_odd_trades_alone_is_refused(name: str, logged: object) -> None:
    venue = VENUES[name]

    async def story(kind: str) -> None:
        rows: list[Any] = [spoilt(venue, venue.trade(i), kind) for i in range(1, 4)]
        async with answering(lambda path, question: (200, venue.page(rows))) as url:
            history = venue.history(url)
            with pytest.raises(DecodeError):
                await history.recent()
            await history.aclose()

    for kind in ("too fine for a tick", "null"):
        run(story(kind))
