"""Bybit against a scripted venue: opening, live trades over a break, the newest trades, candles, errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import LogCapture

from app.errors import BadInputError, DecodeError, FeedError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError
from app.market.feed import FeedState
from app.market.instrument import Instrument
from app.market.span import Span
from feeds.network.rest_client import RestClient
from feeds.network.websocket_session import KeepAlive
from feeds.venues.bybit.live import LINEAR, SPOT, BybitRest, candles, fetch_instrument, newest_trades, wire
from feeds.venues.bybit.wire import PING
from feeds.venues.live_feed import LiveFeed, StreamSpec
from tests.feeds.lines import QUICK, Line, run, venue
from tests.feeds.opened import opened, told_by
from tests.feeds.questions import Answer, all_of, answering, ids

BTC = Instrument("bybit-linear", "BTCUSDT", Decimal("0.1"), Decimal("0.001"), numbered=False)
BEGAN_MS = 1_709_891_679_000
ACCEPTED = '{"success":true,"ret_msg":"","conn_id":"c","req_id":"publicTrade.BTCUSDT","op":"subscribe"}'


def told(*numbers: int) -> str:
    """A message of the stream: trade n at second n, with id n."""
    trades = [{"T": BEGAN_MS + n * 1000, "s": "BTCUSDT", "S": "Buy", "v": "0.1", "p": "1.5", "i": str(n), "BT": False} for n in numbers]
    return json.dumps({"topic": "publicTrade.BTCUSDT", "type": "snapshot", "ts": 1, "data": trades})


def page(*numbers: int) -> dict[str, object]:
    """The newest trades by REST, newest first."""
    trades = [
        {"execId": str(n), "symbol": "BTCUSDT", "price": "1.5", "size": "0.1", "side": "Buy", "time": str(BEGAN_MS + n * 1000)}
        for n in sorted(numbers, reverse=True)
    ]
    return answer({"category": "linear", "list": trades})


def answer(result: object, code: int = 0, message: str = "OK") -> dict[str, object]:
    return {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": BEGAN_MS}


def listed(symbol: str = "BTCUSDT", status: str = "Trading", tick: str = "0.10", **lots: str) -> dict[str, object]:
    return {"symbol": symbol, "status": status, "priceFilter": {"tickSize": tick}, "lotSizeFilter": lots or {"qtyStep": "0.001"}}


def venue_of(*numbers: int, asked: list[dict[str, Any]] | None = None) -> Callable[[str, dict[str, Any]], Answer]:
    """Knows one contract, and these newest trades."""

    def answers(path: str, question: dict[str, Any]) -> Answer:
        if asked is not None:
            asked.append({"path": path} | question)
        match path:
            case "/v5/market/instruments-info":
                known = [listed()] if question["symbol"] == "BTCUSDT" else []
                return 200, answer({"category": "linear", "list": known, "nextPageCursor": ""})
            case "/v5/market/recent-trade":
                return 200, page(*numbers)
        return 404, b""

    return answers


@asynccontextmanager
async def rest_of(answers: Callable[[str, dict[str, Any]], Answer], market=LINEAR) -> AsyncIterator[BybitRest]:
    async with answering(answers) as url:
        rest = BybitRest(RestClient(url), market)
        try:
            yield rest
        finally:
            await rest.aclose()


def breaking(first: str, second: str):
    """Subscribed as it should be, it tells one thing, breaks, and tells another on the next line."""

    async def talk(line: Line) -> None:
        assert line.socket.request is not None and line.socket.request.path == "/v5/public/linear"
        assert json.loads(await line.socket.recv())["args"] == ["publicTrade.BTCUSDT"]
        await line.tell(ACCEPTED, first if line.number == 1 else second)
        if line.number == 1:
            await asyncio.sleep(0.05)
            line.reset()
        await line.stay()

    return talk


# -- live ------------------------------------------------------------------------------------------


def test_trades_missed_in_a_break_come_once_and_in_order() -> None:
    """A1, A7: Bybit."""
    asked: list[dict[str, Any]] = []

    async def story() -> None:
        async with opened("bybit-linear:BTCUSDT", breaking(told(1, 2, 3), told(6, 7)), venue_of(2, 3, 4, 5, 6, asked=asked)) as (market, _):
            assert market.instrument == BTC and market.history_ns == 3600 * 10**9
            assert await told_by(market.feed, 7) == [1, 2, 3, 4, 5, 6, 7]
            status = market.feed.status
            assert (status.state, status.gaps, status.connects, status.rejected) == (FeedState.LIVE, (), 2, 0)

    run(story())
    recent = {"path": "/v5/market/recent-trade", "category": "linear", "symbol": "BTCUSDT", "limit": "1000"}
    assert [question for question in asked if "recent" in question["path"]] == [recent]


def test_newest_trades_that_do_not_reach_back_leave_a_gap() -> None:
    """A7: Bybit."""

    async def story() -> None:
        async with opened("bybit-linear:BTCUSDT", breaking(told(1, 2), told(60)), venue_of(50, 55, 60)) as (market, _):
            assert await told_by(market.feed, 5) == [1, 2, 50, 55, 60]
            assert market.feed.status.gaps == (Span((BEGAN_MS + 2000) * 10**6, (BEGAN_MS + 50_000) * 10**6),)

    run(story())


def test_unknown_topic_stops_with_the_venues_words(logged: LogCapture) -> None:
    async def talk(line: Line) -> None:
        await line.socket.recv()
        await line.tell('{"success":false,"ret_msg":"error:handler not found,topic:publicTrade.BTCUSDT","op":"subscribe"}')
        await line.stay()

    async def story() -> None:
        async with opened("bybit-linear:BTCUSDT", talk, venue_of()) as (market, _):
            assert await told_by(market.feed, 1) == []
            assert market.feed.status.state is FeedState.STOPPED
            assert market.feed.status.reason == "Bybit: error:handler not found,topic:publicTrade.BTCUSDT"

    run(story())


def test_keep_alive_is_sent_as_the_venue_requires() -> None:
    assert KeepAlive('{"op":"ping"}', 20.0) == PING

    async def talk(line: Line) -> None:
        await line.socket.recv()
        await line.tell(ACCEPTED)
        assert json.loads(await line.socket.recv()) == {"op": "ping"}
        await line.tell('{"success":true,"ret_msg":"pong","conn_id":"c","op":"ping"}', told(1))
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there, rest_of(venue_of()) as rest:
            usual = wire(BTC, LINEAR, there.url)
            assert usual.ping == PING
            quick = StreamSpec(there.url, usual.decoder, usual.greeting, KeepAlive(PING.text, 0.02))
            feed = LiveFeed(BTC, quick, newest_trades(BTC, rest), QUICK)
            assert await told_by(feed, 1) == [1]
            assert (usual.decoder.ignored, usual.decoder.rejected) == (2, 0), "two answers"

    run(story())


# -- opening ---------------------------------------------------------------------------------------


def opening(answers: Callable[[str, dict[str, Any]], Answer], symbol: str = "BTCUSDT", market=LINEAR) -> Instrument:
    found: list[Instrument] = []

    async def story() -> None:
        async with rest_of(answers, market) as rest:
            found.append(await fetch_instrument(rest, symbol))

    run(story())
    return found[0]


def symbols(*entries: dict[str, object]) -> Callable[[str, dict[str, Any]], Answer]:
    return lambda path, question: (200, answer({"list": list(entries)}))


def test_spot_lot_is_the_precision_of_the_base() -> None:
    entry = listed(tick="0.01", basePrecision="0.000001", quotePrecision="0.0000001")
    instrument = opening(symbols(entry), market=SPOT)
    assert instrument == Instrument("bybit", "BTCUSDT", Decimal("0.01"), Decimal("0.000001"), numbered=False)


@pytest.mark.parametrize(
    ("answers", "kind", "says"),
    [
        (symbols(), VenueRefusedError, "bybit-linear has no symbol BTCUSDT"),
        (symbols(listed("ETHUSDT")), VenueRefusedError, "has no symbol"),
        (symbols(listed(status="Closed")), VenuePausedError, "status Closed"),
        (symbols(listed(tick="0")), DecodeError, "tick size"),
        (symbols(listed(qtyStep="much")), DecodeError, "lot size"),
        (lambda path, question: (200, answer({}, 10001, "Not supported symbols")), VenueRefusedError, "bybit-linear:BTCUSDT: Bybit: Not"),
        (lambda path, question: (200, answer({}, 10006, "Too many visits!")), VenueBusyError, "Too many visits!"),
        (lambda path, question: (200, answer({}, 10016, "Server error")), VenueUnreachableError, "Server error"),
        (lambda path, question: (200, answer({}, 10404, "no route")), VenuePausedError, "no route"),
        (lambda path, question: (200, answer([])), DecodeError, "undocumented response"),
        (lambda path, question: (200, {"retCode": "0"}), DecodeError, "undocumented response"),
        (lambda path, question: (200, b"<html>"), DecodeError, "undocumented response"),
        (lambda path, question: (403, b"access too frequent"), VenueBusyError, "rate limited until"),
        (lambda path, question: (403, b"<html>not from your country"), VenuePausedError, "forbids"),
    ],
)  # fmt: skip
def test_failure_to_open_has_its_kind_and_words(answers: Callable[[str, dict[str, Any]], Answer], kind: type[FeedError], says: str) -> None:
    with pytest.raises(kind) as caught:
        opening(answers)
    assert says in caught.value.user_message and type(caught.value) is kind


def test_too_frequent_requests_wait_ten_minutes() -> None:
    """A6: Bybit says 403 and means busy."""
    with pytest.raises(VenueBusyError) as caught:
        opening(lambda path, question: (403, b'{"msg":"access too frequent"}'))
    assert caught.value.retry_after_s == 600


def test_recorded_list_of_contracts_is_read(real_data: Path) -> None:
    recorded = json.loads((real_data / "venues" / "bybit_http_instruments_linear.json").read_text())
    instrument = opening(lambda path, question: (200, recorded))
    assert instrument == Instrument("bybit-linear", "BTCUSDT", Decimal("0.5"), Decimal("0.001"), numbered=False)


# -- the past --------------------------------------------------------------------------------------


def test_history_is_the_page_of_newest_trades() -> None:
    async def story() -> None:
        async with rest_of(venue_of(*range(1, 11))) as rest:
            history = newest_trades(BTC, rest)
            assert ids(await all_of(history.since(0))) == list(range(1, 11))
            assert ids(await all_of(history.since((BEGAN_MS + 4000) * 10**6))) == list(range(4, 11))
            assert await all_of(history.since((BEGAN_MS + 11_000) * 10**6)) == []
            assert await all_of(history.between(1, 5)) == []

    run(story())


def test_impossible_trade_in_a_page_costs_one_trade(logged: object) -> None:
    bad = page(1, 2)
    bad["result"]["list"][0]["price"] = "0.05"  # type: ignore[index]

    async def story() -> None:
        async with rest_of(lambda path, question: (200, bad)) as rest:
            history = newest_trades(BTC, rest)
            assert len(await history.recent()) == history.odd.n == 1
            assert history.odd.latest[0].startswith("price: found 0.05, expected a multiple of 0.1: ")

    run(story())


def test_candles_come_oldest_first_and_the_open_one_is_marked() -> None:
    asked: list[dict[str, Any]] = []
    minute_ms = 60_000
    start_ms = BEGAN_MS // minute_ms * minute_ms - 2 * minute_ms

    def answers(path: str, question: dict[str, Any]) -> Answer:
        asked.append({"path": path} | question)
        rows = [[str(start_ms + k * minute_ms), "10", "12", "9.5", "11", f"{k}.5", "99"] for k in (2, 1, 0)]
        return 200, answer({"category": "linear", "symbol": "BTCUSDT", "list": rows})

    async def story() -> None:
        async with rest_of(answers) as rest:
            span = Span(start_ms * 10**6, (start_ms + 3 * minute_ms) * 10**6)
            past = candles(BTC, rest, wall_ns=lambda: BEGAN_MS * 10**6)
            (batch,) = [each async for each in past.candles(60 * 10**9, span)]
            assert batch.start_ns.tolist() == [(start_ms + k * minute_ms) * 10**6 for k in range(3)]
            assert [batch.open[0], batch.high[0], batch.low[0], batch.close[0]] == [100, 120, 95, 110]
            assert batch.volume.tolist() == [500, 1500, 2500] and batch.buy.tolist() == [-1, -1, -1]
            assert batch.closed.tolist() == [True, True, False]
            with pytest.raises(BadInputError, match="expected one of 1m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 12h, 1d, 7d"):
                await anext(past.candles(7 * 10**9, span))

    run(story())
    expected = {"category": "linear", "symbol": "BTCUSDT", "interval": "1", "start": str(start_ms), "limit": "1000"}
    assert asked == [{"path": "/v5/market/kline"} | expected | {"end": str(start_ms + 3 * minute_ms - 1)}]


def test_recorded_candle_is_read_exactly(real_data: Path) -> None:
    recorded = json.loads((real_data / "venues" / "bybit_http_klines_linear.json").read_text())
    start_ns = 1709891679000 * 10**6

    async def story() -> None:
        async with rest_of(lambda path, question: (200, recorded)) as rest:
            past = candles(Instrument("bybit-linear", "BTCUSDT", Decimal("0.5"), Decimal("0.01"), numbered=False), rest)
            (batch,) = [each async for each in past.candles(60 * 10**9, Span(start_ns, start_ns + 1))]
            assert [batch.open[0], batch.high[0], batch.low[0], batch.close[0]] == [54900, 54920, 54880, 54910]
            assert (batch.volume.tolist(), batch.closed.tolist()) == ([12345], [False])

    run(story())
