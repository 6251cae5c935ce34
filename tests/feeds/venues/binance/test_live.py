"""Binance spot and futures against the venue emulator: opening, live trades, the past, and what goes wrong with them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest
from structlog.testing import LogCapture

from app.errors import BadInputError, DecodeError, FeedError, VenueBusyError, VenueRefusedError
from app.ingest.ingest import Ingest
from app.market.feed import FeedState
from app.market.instrument import Instrument, parse_instrument_id
from app.market.trade import TradeBatch, concatenate
from app.settings.settings import FeedSettings, Settings
from app.storage.trade_store import TradeStore
from feeds.network.rest_client import RestClient
from feeds.venues.all_venues import VENUES, open_venue
from feeds.venues.binance.live import SPOT, USDM, BinanceHistory, BinanceMarket, fetch_instrument, wire
from feeds.venues.live_feed import LiveFeed
from tests.feeds.lines import QUICK, run, until
from tests.sameness import same
from tests.venue_emulator import GeneratedTape, Market, PageFault, Refusal, VenueEmulator

MARKETS = {Market.SPOT: SPOT, Market.USDM: USDM}
CALM = replace(QUICK, silent_after=5.0)
"""Quick to come back, slow to suspect."""


@asynccontextmanager
async def emulator(
    market: Market = Market.SPOT, history_s: float = 60.0, rate: float = 100.0, **options: object
) -> AsyncIterator[VenueEmulator]:
    """A venue that trades when the test says so."""
    tape = GeneratedTape(7, rate, market=market, history_s=history_s, history_rate=50)
    async with VenueEmulator(tape, **{"speed": 0.0, "message_limit": False, "connection_limit": None} | options) as venue:  # type: ignore[arg-type]
        yield venue


@asynccontextmanager
async def watched(
    venue: VenueEmulator, patience=CALM, wall_ns=time.time_ns, monotonic_ns=time.monotonic_ns
) -> AsyncIterator[tuple[LiveFeed, BinanceHistory]]:
    """Feed and history of a venue."""
    market = MARKETS[venue.market]
    rest = RestClient(venue.rest_url, weight_limit=market.weight_limit)
    instrument = Instrument(market.venue, "BTCUSDT", venue.tape.tick_size, venue.tape.lot_size)
    history = BinanceHistory(instrument, market, rest)
    feed = LiveFeed(instrument, wire(instrument, market, venue.ws_url), history, patience, wall_ns=wall_ns, monotonic_ns=monotonic_ns)
    try:
        yield feed, history
    finally:
        await feed.aclose()


async def listening(venue: VenueEmulator) -> None:
    await until(lambda: any(connection.is_open for connection in venue.connections))


async def collect(feed: LiveFeed, got: list[TradeBatch]) -> None:
    async with aclosing(feed.batches()) as batches:
        async for batch in batches:
            got.append(batch)


async def all_of(pages: AsyncIterator[TradeBatch]) -> TradeBatch:
    return concatenate([page async for page in pages])


# -- opening ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("market", Market)
def test_market_opens_by_id_with_the_venues_steps(market: Market) -> None:
    async def story() -> None:
        async with emulator(market) as venue:
            name = MARKETS[market].venue
            settings = Settings(data=FeedSettings(history_hours=0.5)).with_hosts(name, venue.ws_url, venue.rest_url)
            opened = await open_venue(f"{name}:BTCUSDT", settings)
            assert (opened.instrument.tick_size, opened.instrument.lot_size) == (venue.tape.tick_size, venue.tape.lot_size)
            assert opened.instrument.id == f"{name}:BTCUSDT" and opened.history_ns == 1800 * 10**9
            assert opened.feed.status.state is FeedState.CONNECTING
            await opened.feed.aclose()

    run(story())


@pytest.mark.parametrize("market", Market)
def test_unknown_symbol_is_named(market: Market) -> None:
    async def story() -> None:
        async with emulator(market) as venue:
            name = MARKETS[market].venue
            with pytest.raises(VenueRefusedError, match="NOSUCH"):
                await open_venue(f"{name}:NOSUCH", Settings().with_hosts(name, venue.ws_url, venue.rest_url))

    run(story())


@pytest.mark.parametrize("text", ["nasdaq:AAPL", "BTCUSDT", "binance:", "binance:../x y"])
def test_malformed_id_gets_the_expected_form(text: str) -> None:
    async def story() -> None:
        with pytest.raises(BadInputError, match="expected"):
            await open_venue(text, Settings())

    run(story())


def test_every_venue_name_is_valid_in_an_id() -> None:
    assert {"binance", "binance-usdm", "coinbase", "hyperliquid", "kraken"} <= set(VENUES)
    assert [parse_instrument_id(f"{venue}:X")[0] for venue in VENUES] == list(VENUES)


class _Answering(RestClient):
    """A venue that answers with what is given."""

    def __init__(self, answer: object) -> None:
        super().__init__("http://127.0.0.1")
        self.answer = answer

    async def get(self, path, params, kind, *, weight, urgent=False):
        return msgspec.convert(self.answer, kind)


def info(status: str = "TRADING", tick: str = "0.01000000", lot: str = "0.00001000") -> dict[str, object]:
    filters = [{"filterType": "PRICE_FILTER", "tickSize": tick}, {"filterType": "LOT_SIZE", "stepSize": lot}, {"filterType": "OTHER"}]
    return {"symbols": [{"symbol": "BTCUSDT", "status": status, "filters": filters}]}


def opened_with(answer: object, market: BinanceMarket = SPOT) -> Instrument:
    async def story() -> Instrument:
        rest = _Answering(answer)
        try:
            return await fetch_instrument(rest, market, "BTCUSDT")
        finally:
            await rest.aclose()

    return asyncio.run(story())


def test_steps_are_read_as_decimals() -> None:
    assert opened_with(info()) == Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))


def test_symbol_that_does_not_trade_shows_its_status() -> None:
    with pytest.raises(VenueRefusedError, match="status BREAK"):
        opened_with(info(status="BREAK"))


@pytest.mark.parametrize("tick", ["", "0.00000000", "much"])
def test_impossible_tick_is_the_venues_fault(tick: str) -> None:
    with pytest.raises(DecodeError, match="binance:BTCUSDT: tick size"):
        opened_with(info(tick=tick))


def test_recorded_exchange_information_is_read(real_data: Path) -> None:
    answer = json.loads((real_data / "venues" / "binance_spot_http_exchange_info.json").read_text())
    assert [entry["symbol"] for entry in answer["symbols"]] == ["ETHBTC"]
    with pytest.raises(VenueRefusedError, match="has no symbol"):
        opened_with(answer)


# -- live ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("market", Market)
def test_live_trades_are_those_that_happened(market: Market) -> None:
    async def story() -> None:
        async with emulator(market) as venue, watched(venue) as (feed, _):
            got: list[TradeBatch] = []
            reading = asyncio.create_task(collect(feed, got))
            await listening(venue)
            first = int(venue.trades().trade_id[-1]) + 1
            await venue.emit(5000)
            await until(lambda: sum(map(len, got)) == 5000)
            assert same(concatenate(got), venue.trades(first_id=first))
            status = feed.status
            assert status.state is FeedState.LIVE and status.reason == ""
            assert (status.trades, status.messages, status.rejected, status.connects) == (5000, 5000, 0, 1)
            assert status.last_trade_ns == int(venue.trades().time_ns[-1])
            assert abs(time.time_ns() - status.received_at_ns) < 10**10
            await feed.aclose()
            await asyncio.wait_for(reading, 1)

    run(story())


def test_bad_messages_cost_no_other_trades(logged: LogCapture) -> None:
    async def story() -> None:
        async with emulator() as venue, watched(venue) as (feed, _):
            got: list[TradeBatch] = []
            reading = asyncio.create_task(collect(feed, got))
            await listening(venue)
            first = int(venue.trades().trade_id[-1]) + 1
            await venue.emit(200)
            venue.inject("frame")
            await venue.emit(200)
            await until(lambda: sum(map(len, got)) >= 400)
            assert same(concatenate(got), venue.trades(first_id=first))
            assert feed.status.rejected > 30 and feed.status.connects == 1
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_refusal_ends_the_feed_with_its_reason(logged: LogCapture) -> None:
    async def story() -> None:
        async with emulator() as venue, watched(venue) as (feed, _):
            venue.faults.handshake = Refusal(451)
            await collect(feed, [])
            assert feed.status.state is FeedState.STOPPED and "country" in feed.status.reason

    run(story())


def test_silent_stream_is_reopened_while_the_market_trades() -> None:
    async def story() -> None:
        async with emulator(Market.USDM, speed=1.0, rate=200) as venue, watched(venue, QUICK) as (feed, _):
            got: list[TradeBatch] = []
            venue.faults.silent_subscribe = True  # what the old futures addresses do
            reading = asyncio.create_task(collect(feed, got))
            await until(lambda: feed.status.connects == 3)
            venue.faults.silent_subscribe = False
            await until(lambda: bool(venue.connections) and not any(c.subscriptions.silent for c in venue.connections))
            await until(lambda: sum(map(len, got)) >= 10)
            assert feed.status.state is FeedState.LIVE
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_quiet_market_is_neither_stale_nor_reconnected() -> None:
    async def story() -> None:
        async with emulator() as venue, watched(venue, replace(QUICK, answer_within=5.0)) as (feed, _):
            got: list[TradeBatch] = []
            reading = asyncio.create_task(collect(feed, got))
            await listening(venue)
            await venue.emit(10)
            await until(lambda: sum(map(len, got)) == 10)
            asked = venue.stats()["rest_requests"].get("/api/v3/aggTrades", 0)
            await until(lambda: venue.stats()["rest_requests"].get("/api/v3/aggTrades", 0) >= asked + 2)
            assert feed.status.state in (FeedState.LIVE, FeedState.STALE) and feed.status.connects == 1
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_silence_is_stale_before_the_venue_has_answered() -> None:
    async def story() -> None:
        async with emulator() as venue, watched(venue, replace(QUICK, answer_within=5.0)) as (feed, _):
            got: list[TradeBatch] = []
            reading = asyncio.create_task(collect(feed, got))
            await listening(venue)
            venue.faults.rest_delay_s = 0.6
            await venue.emit(10)
            await until(lambda: feed.status.state is FeedState.STALE)
            assert feed.status.reason.startswith("no trade for")
            await venue.emit(10)
            await until(lambda: feed.status.state is FeedState.LIVE)
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_waiting_messages_make_the_feed_lag() -> None:
    """A10: nobody takes the frames for a second."""

    async def story() -> None:
        async with emulator() as venue, watched(venue) as (feed, _):
            seen = []
            async with aclosing(feed.batches()) as batches:
                following = asyncio.create_task(anext(batches))
                await listening(venue)
                await venue.emit(10)
                await following
                await venue.emit(10)
                for _ in range(110):
                    await asyncio.sleep(0.01)
                    seen.append(feed.status.state)
                    if seen[-1] is FeedState.LAGGING:
                        break
                assert seen[0] is FeedState.LIVE and seen[-1] is FeedState.LAGGING
                assert "behind the stream" in feed.status.reason
                await anext(batches)
                assert feed.status.state is FeedState.LIVE

    run(story())


def test_late_trades_make_the_feed_lag_with_any_clock() -> None:
    """A10, A14: late by 3 s, and a clock that is an hour off and set."""

    async def story() -> None:
        wall_s, late_s = [3600], [0]
        async with (
            emulator(restamp=True, speed=1.0, rate=200) as venue,
            watched(
                venue,
                wall_ns=lambda: time.time_ns() + wall_s[0] * 10**9,
                monotonic_ns=lambda: time.monotonic_ns() + late_s[0] * 10**9,
            ) as (feed, _),
        ):
            reading = asyncio.create_task(collect(feed, []))
            await until(lambda: feed.status.trades > 20)
            assert feed.status.state is FeedState.LIVE, "an hour of difference is no lag"
            wall_s[0] = 0
            before = feed.status.trades
            await until(lambda: feed.status.trades > before + 20)
            assert feed.status.state is FeedState.LIVE, "and the clock may be set"
            late_s[0] = 3
            await until(lambda: feed.status.state is FeedState.LAGGING)
            assert "late" in feed.status.reason
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_one_sided_tape_gets_a_warning() -> None:
    """A9: 5,000 trades that all say m: true."""

    async def story() -> None:
        async with emulator() as venue, watched(venue) as (feed, _):
            reading = asyncio.create_task(collect(feed, []))
            await listening(venue)
            await venue.emit(5000)
            await until(lambda: feed.status.trades == 5000)
            assert feed.status.reason == ""
            venue.faults.constant_side = True
            await venue.emit(5000)
            await until(lambda: feed.status.trades == 10_000)
            assert feed.status.state is FeedState.LIVE and "are sales; the venue may report sides incorrectly" in feed.status.reason
            venue.faults.constant_side = False
            await venue.emit(10_000)
            await until(lambda: feed.status.reason == "")
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


def test_announced_shutdown_leaves_no_gap() -> None:
    async def story() -> None:
        async with emulator(speed=1.0, rate=300) as venue, watched(venue) as (feed, _):
            got: list[TradeBatch] = []
            states = set()
            reading = asyncio.create_task(collect(feed, got))
            await until(lambda: feed.status.trades > 20)
            venue.inject("shutdown", after_s=0.5)
            started = time.monotonic()
            while time.monotonic() - started < 0.9:
                states.add(feed.status.state)
                await asyncio.sleep(0.01)
            assert states == {FeedState.LIVE} and feed.status.connects == 2
            ids = np.unique(concatenate(got).trade_id)
            assert np.all(np.diff(ids) == 1), "nothing is missing, the overlap is the store's business"
            reading.cancel()
            await asyncio.wait([reading])

    run(story())


# -- the past --------------------------------------------------------------------------------------


@pytest.mark.parametrize("market", Market)
def test_pages_by_id_have_every_trade_once(market: Market) -> None:
    async def story() -> None:
        async with emulator(market) as venue, watched(venue) as (_, history):
            truth = venue.trades()
            first, last = int(truth.trade_id[100]), int(truth.trade_id[2600])
            pages = [page async for page in history.between(first, last)]
            assert [len(page) for page in pages] == [1000, 1000, 501]
            assert same(concatenate(pages), truth[100:2601])
            assert same(await history.recent(), truth[-1:])

    run(story())


@pytest.mark.parametrize("market", Market)
@pytest.mark.parametrize("bounded", [True, False])
def test_since_ends_before_the_given_id_or_now(market: Market, bounded: bool) -> None:
    async def story() -> None:
        async with emulator(market) as venue, watched(venue) as (_, history):
            truth = venue.trades()
            start_ns = int(truth.time_ns[500])
            expected = truth[truth.time_ns >= start_ns]
            before_id = int(truth.trade_id[2000]) if bounded else None
            if before_id is not None:
                expected = expected[expected.trade_id < before_id]
            assert same(await all_of(history.since(start_ns, before_id)), expected)

    run(story())


def test_futures_search_goes_by_hours_within_the_venues_limit() -> None:
    asked: list[dict[str, int]] = []
    now_ms = 1_700_000_000_000

    class Counting(RestClient):
        async def get(self, path, params, kind, *, weight, urgent=False):
            asked.append({name: value for name, value in params.items() if isinstance(value, int)})
            found = params["endTime"] >= now_ms - 46 * 3_600_000 if "endTime" in params else False
            row = {"a": 5, "p": "1.0", "q": "1", "T": params.get("startTime", 0), "m": True}
            return msgspec.convert([row] if found else [], kind)

    async def story() -> None:
        rest = Counting("http://127.0.0.1")
        history = BinanceHistory(
            Instrument("binance-usdm", "BTCUSDT", Decimal("0.1"), Decimal("0.001")), USDM, rest, wall_ns=lambda: now_ms * 10**6
        )
        await all_of(history.since((now_ms - 100 * 3_600_000) * 10**6, before_id=6))
        await rest.aclose()

    run(story())
    assert all(now_ms - query["startTime"] < 48 * 3_600_000 and query["endTime"] - query["startTime"] < 3_600_000 for query in asked)
    assert len({query["startTime"] for query in asked}) == 2


def test_market_without_trades_has_empty_history() -> None:
    async def story() -> None:
        async with emulator() as venue, watched(venue) as (_, history):
            assert len(await all_of(history.since(time.time_ns() + 60 * 10**9))) == 0
            last = int(venue.trades().trade_id[-1])
            assert len(await all_of(history.between(last + 1, last + 10))) == 0

    run(story())


@pytest.mark.parametrize("kind", ["empty", "overlap", "stuck"])
@pytest.mark.parametrize("call", ["between", "since"])
def test_unexpected_page_is_requested_again(kind: str, call: str) -> None:
    """A12: empty, overlapping, the oldest one."""

    async def story() -> None:
        async with emulator() as venue, watched(venue) as (_, history):
            truth = venue.trades()
            expected = truth[500:2500]
            venue.faults.page = PageFault(kind, 1)  # type: ignore[arg-type]
            if call == "between":
                pages = history.between(int(expected.trade_id[0]), int(expected.trade_id[-1]))
            else:
                expected = truth[(truth.time_ns >= truth.time_ns[500]) & (truth.trade_id <= expected.trade_id[-1])]
                pages = history.since(int(truth.time_ns[500]), int(expected.trade_id[-1]) + 1)
            assert same(await all_of(pages), expected)

    run(story())


@pytest.mark.parametrize("call", ["between", "since"])
def test_pages_that_do_not_advance_end_after_three_tries(call: str) -> None:
    """A12: always the oldest page."""

    async def story() -> None:
        async with emulator() as venue, watched(venue) as (_, history):
            truth = venue.trades()
            venue.faults.page = PageFault("stuck", None)
            first, last = int(truth.trade_id[2000]), int(truth.trade_id[-1])
            with pytest.raises(DecodeError, match="keeps sending trades before"):
                await all_of(history.between(first, last) if call == "between" else history.since(int(truth.time_ns[2000]), last))
            assert venue.stats()["rest_requests"]["/api/v3/aggTrades"] == 3

    run(story())


@pytest.mark.parametrize("kind", ["truncated", "html", "blank", "cut"])
def test_unreadable_page_is_an_error_and_not_the_end(kind: str) -> None:
    """A12: cut short, HTML, nothing."""

    async def story() -> None:
        async with emulator() as venue, watched(venue) as (_, history):
            venue.faults.page = PageFault(kind, 1)  # type: ignore[arg-type]
            with pytest.raises(FeedError):
                await all_of(history.since(int(venue.trades().time_ns[0])))

    run(story())


def test_rest_ban_has_its_wait() -> None:
    async def story() -> None:
        async with emulator() as venue, watched(venue) as (_, history):
            venue.faults.rest = Refusal(429, retry_after_s=7, times=1)
            with pytest.raises(VenueBusyError) as caught:
                await history.recent()
            assert caught.value.retry_after_s == 7

    run(story())


# -- all of it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("market", Market)
def test_store_is_exact_after_breaks_and_losses(market: Market, logged: LogCapture) -> None:
    async def story() -> None:
        async with emulator(market, speed=1.0, rate=2000) as venue, watched(venue) as (feed, history):
            store = TradeStore()
            ingest = Ingest(feed, history, store, [])
            pump = asyncio.create_task(ingest.run())
            await until(lambda: store.n_trades > 100)
            venue.faults.duplicate, venue.faults.reorder, venue.faults.skip, venue.faults.garbage = 0.02, 0.02, 0.01, 0.01
            for fault, arguments in [
                ("drop", {}),
                ("vanish", {}),
                ("close", {"code": 1000}),
                ("shutdown", {"after_s": 0.1}),
                ("drop", {}),
                ("oversize", {}),
            ]:
                await asyncio.sleep(0.15)
                before = feed.status.connects
                venue.inject(fault, **arguments)
                await until(lambda before=before: feed.status.connects > before, 10)
            await asyncio.sleep(0.2)
            venue.faults.clear()
            await until(lambda: feed.status.state is FeedState.LIVE)
            await asyncio.sleep(0.1)
            venue.faults.stall = True
            await until(lambda: store.missing == 0, 10)
            got = store.trades()
            assert len(got) > 1000
            assert same(got, venue.trades(first_id=int(got.trade_id[0]), last_id=int(got.trade_id[-1])))
            pump.cancel()
            await asyncio.wait([pump])

    run(story())
