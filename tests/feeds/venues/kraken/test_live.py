"""Kraken against a scripted venue: opening, live trades over a break, the past, and what goes wrong with them."""

from __future__ import annotations

import asyncio
import json
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from structlog.testing import LogCapture

from app.errors import DecodeError, FeedError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError
from app.ingest.ingest import Ingest
from app.market.feed import FeedState
from app.market.instrument import Instrument
from app.settings.settings import Settings
from app.storage.trade_store import TradeStore
from feeds.network.rest_client import RestClient
from feeds.venues.all_venues import open_venue
from feeds.venues.id_time_index import IdTimeIndex
from feeds.venues.kraken import rest as kraken_rest
from feeds.venues.kraken.live import KrakenHistory
from feeds.venues.kraken.wire import decoder, greeting
from feeds.venues.live_feed import LiveFeed, StreamSpec
from tests.feeds.lines import QUICK, Line, run, until, venue
from tests.feeds.questions import Answer, all_of, answering, ids

BTC = Instrument("kraken", "BTC-USD", Decimal("0.1"), Decimal("1e-8"))
PAIR = {
    "altname": "XBTUSD",
    "wsname": "XBT/USD",
    "tick_size": "0.1",
    "lot_decimals": 8,
    "pair_decimals": 1,
    "status": "online",
    "fees": [[0, 0.4]],
}
SECOND_NS = 10**9
BEGAN_NS = 1_700_000_000 * SECOND_NS
FIRST_ID = 61_000_000


@dataclass
class Tape:
    """The venue's own record: trades by time, told oldest first after a time, at most a thousand at once."""

    times_ns: Sequence[int]
    pair: dict[str, object] = field(default_factory=lambda: dict(PAIR))
    asked: list[dict[str, Any]] = field(default_factory=list)
    stuck: bool = False

    def answer(self, path: str, query: dict[str, Any]) -> Answer:
        if query.get("pair") != "XBTUSD":
            return 200, {"error": ["EQuery:Unknown asset pair"]}
        if path == "/0/public/AssetPairs":
            return 200, {"error": [], "result": {"XXBTZUSD": self.pair}}
        assert path == "/0/public/Trades"
        self.asked.append(query)
        count = int(query.get("count", 1000))
        begin = max(0, len(self.times_ns) - count)
        if "since" in query:
            begin = 7 if self.stuck else bisect_right(self.times_ns, int(query["since"]))
        rows = [self._row(index) for index in range(begin, min(len(self.times_ns), begin + count))]
        last = self.times_ns[begin + len(rows) - 1] if rows else query.get("since", 0)
        text = ",".join(rows)  # by hand: the digits of the time are the venue's own
        return 200, f'{{"error":[],"result":{{"XXBTZUSD":[{text}],"last":"{last}"}}}}'.encode()

    def _row(self, index: int) -> str:
        tenths_us = round(self.times_ns[index] / 100)
        seconds = f"{tenths_us // 10**7}.{tenths_us % 10**7:07d}"
        return f'["{30_000 + index % 50}.10000","0.25000000",{seconds},"{"bs"[index % 2]}","l","",{FIRST_ID + index}]'


def by_the_second(n: int) -> list[int]:
    return [BEGAN_NS + number * SECOND_NS for number in range(n)]


def in_bursts(n: int, seed: int) -> list[int]:
    """Trades as they come: sweeps of one moment, minutes without any, rushes."""
    rng = np.random.default_rng(seed)
    gaps = rng.choice([0, 0, 150, 40_000, SECOND_NS, 300 * SECOND_NS], n, p=[0.4, 0.2, 0.2, 0.15, 0.04, 0.01])
    return (BEGAN_NS + np.cumsum(gaps)).tolist()


@asynccontextmanager
async def past(tape: Tape, landmarks: IdTimeIndex | None = None) -> AsyncIterator[KrakenHistory]:
    async with answering(tape.answer) as url:
        history = KrakenHistory(BTC, RestClient(url, weight_limit=10_000), landmarks)
        try:
            yield history
        finally:
            await history.aclose()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not keep requests apart."""
    monkeypatch.setattr(kraken_rest, "_APART_S", 0.0)


# -- opening ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("symbol", ["BTC-USD", "btc-usd", "BTC/USD", "XBT-USD"])
def test_pair_opens_by_any_name_and_gets_a_safe_one(symbol: str) -> None:
    async def story() -> None:
        async with answering(Tape(by_the_second(50)).answer) as url:
            market = await open_venue(f"kraken:{symbol}", Settings().with_hosts("kraken", "ws://127.0.0.1:9", url))
            assert market.instrument == BTC and market.instrument.id == "kraken:BTC-USD"
            assert market.usual_price_ticks == 300_491 and market.candles is not None
            await market.feed.aclose()

    run(story())


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("symbol", "pair", "says"),
    [
        ("NO-SUCH", PAIR, "kraken:NO-SUCH: kraken: EQuery:Unknown asset pair"),
        ("BTCUSD", PAIR, "expected a pair such as BTC-USD"),
        ("BTC-USD", PAIR | {"wsname": "XBT/USDT"}, "has no pair BTC-USD"),
        ("BTC-USD", PAIR | {"status": "cancel_only"}, "not trading now .status cancel_only"),
    ],
)
def test_pair_that_cannot_open_is_refused_in_the_venues_words(symbol: str, pair: dict[str, object], says: str) -> None:
    async def story() -> None:
        async with answering(Tape(by_the_second(50), pair).answer) as url:
            with pytest.raises(VenuePausedError if "not trading" in says else VenueRefusedError, match=says):
                await open_venue(f"kraken:{symbol}", Settings().with_hosts("kraken", "", url))

    run(story())


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("wrong", [{"tick_size": "0"}, {"tick_size": "NaN"}, {"lot_decimals": -1}, {"lot_decimals": 10**22}])
def test_impossible_steps_are_the_venues_fault(wrong: dict[str, object]) -> None:
    async def story() -> None:
        async with answering(Tape(by_the_second(50), PAIR | wrong).answer) as url:
            with pytest.raises(DecodeError):
                await open_venue("kraken:BTC-USD", Settings().with_hosts("kraken", "", url))

    run(story())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("EAPI:Rate limit exceeded", VenueBusyError),
        ("EGeneral:Too many requests", VenueBusyError),
        ("EQuery:Unknown asset pair", VenueRefusedError),
        ("EService:Unavailable", VenueUnreachableError),
        ("EGeneral:Internal error", VenueUnreachableError),
    ],
)
def test_errors_in_answers_are_sorted_by_whether_a_retry_can_help(error: str, kind: type[FeedError]) -> None:
    async def story() -> None:
        async with answering(lambda path, query: (200, {"error": [error]})) as url:
            history = KrakenHistory(BTC, RestClient(url))
            with pytest.raises(kind, match=f"^kraken: {error}$"):
                await history.recent()
            await history.aclose()

    run(story())


# -- live ------------------------------------------------------------------------------------------

YES = json.dumps({"method": "subscribe", "result": {"channel": "trade", "snapshot": False, "symbol": "BTC/USD"}, "success": True})
STATUS = '{"channel":"status","type":"update","data":[{"system":"online","version":"2.0.0"}]}'
HEARTBEAT = '{"channel":"heartbeat"}'


def told(tape: Tape, *numbers: int) -> str:
    """A message of the stream; its times are whole microseconds."""
    trades = []
    for index in numbers:
        microseconds = tape.times_ns[index] // 1000
        at = datetime.fromtimestamp(microseconds // 10**6, UTC).replace(microsecond=microseconds % 10**6)
        trades.append(
            f'{{"symbol":"BTC/USD","side":"{("buy", "sell")[index % 2]}","price":{30_000 + index % 50}.1,"qty":0.25000000,'
            f'"ord_type":"limit","trade_id":{FIRST_ID + index},"timestamp":"{at:%Y-%m-%dT%H:%M:%S.%f}Z"}}'
        )
    return f'{{"channel":"trade","type":"update","data":[{",".join(trades)}]}}'


@pytest.mark.usefixtures("at_once")
def test_trades_missed_in_a_break_are_fetched() -> None:
    """A1: Kraken."""
    tape = Tape(in_bursts(4000, 3))
    heard: list[str] = []

    async def talk(line: Line) -> None:
        heard.append(str(await line.socket.recv()))
        if line.number == 1:
            await line.tell(STATUS, YES, told(tape, 500, 501), HEARTBEAT, told(tape, 502))
            await asyncio.sleep(0.05)
            line.reset()
        else:
            await line.tell(STATUS, YES, HEARTBEAT, told(tape, 3900), told(tape, *range(3901, 4000)))
        await line.stay()

    async def story() -> None:
        async with answering(tape.answer) as rest_url, venue(talk) as there:
            settings = Settings().with_hosts("kraken", there.url.removesuffix("/ws/x"), rest_url)
            market = await open_venue("kraken:BTC-USD", settings)
            store = TradeStore()
            pump = asyncio.create_task(Ingest(market.feed, market.history, store, []).run())
            await until(lambda: store.n_trades == 3500 and store.missing == 0)
            got = store.trades()
            assert got.trade_id.tolist() == list(range(FIRST_ID + 500, FIRST_ID + 4000))
            assert got.side.tolist() == [1, -1] * 1750 and got.price_ticks.tolist() == [300_001 + k % 50 * 10 for k in range(500, 4000)]
            assert np.abs(got.time_ns - tape.times_ns[500:]).max() < 1000
            status = market.feed.status
            assert status.state is FeedState.LIVE and (status.connects, status.rejected) == (2, 0)
            assert len(tape.asked) <= 6, "the trade before the break is where the search begins"
            await market.feed.aclose()
            await asyncio.wait([pump], timeout=1)

    run(story())
    assert [json.loads(message)["params"]["symbol"] for message in heard] == [["BTC/USD"]] * 2


def test_refused_subscription_ends_the_feed_with_the_venues_words(logged: LogCapture) -> None:
    async def talk(line: Line) -> None:
        await line.tell(STATUS, '{"error":"Currency pair not supported BTC/USD","method":"subscribe","success":false,"symbol":"BTC/USD"}')
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there, past(Tape(by_the_second(9))) as history:
            feed = LiveFeed(BTC, StreamSpec(there.url, decoder(BTC), greeting("BTC-USD")), history, QUICK)
            assert [batch async for batch in feed.batches()] == []
            assert feed.status.state is FeedState.STOPPED and "Currency pair not supported BTC/USD" in feed.status.reason

    run(story())


# -- the past --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("first", "last"), [(0, 0), (5, 1500), (3000, 3000), (8000, 9999), (11_999, 11_999)])
def test_gap_is_found_by_id_through_requests_by_time(seed: int, first: int, last: int) -> None:
    async def story() -> None:
        tape = Tape(in_bursts(12_000, seed))
        async with past(tape) as history:
            got = await all_of(history.between(FIRST_ID + first, FIRST_ID + last))
            assert ids(got) == list(range(FIRST_ID + first, FIRST_ID + last + 1))
            assert len(tape.asked) < 30

    run(story())


def test_gap_next_to_known_trades_is_found_at_once() -> None:
    async def story() -> None:
        tape, seen = Tape(in_bursts(12_000, 1)), IdTimeIndex()
        seen.saw(decoder(BTC).decode([told(tape, *range(5000, 5010)).encode()]))
        async with past(tape, seen) as history:
            assert ids(await all_of(history.between(FIRST_ID + 5010, FIRST_ID + 5500))) == list(range(FIRST_ID + 5010, FIRST_ID + 5501))
            assert len(tape.asked) == 1

    run(story())


def test_ids_the_venue_does_not_have_are_not_found() -> None:
    async def story() -> None:
        async with past(Tape(by_the_second(3000))) as history:
            assert ids(await all_of(history.between(FIRST_ID + 3000, FIRST_ID + 3005))) == []
            assert ids(await all_of(history.between(5, 10))) == []
        async with past(Tape([])) as history:
            assert ids(await all_of(history.between(1, 10))) == [] and len(await history.recent()) == 0

    run(story())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("before", [None, 4321])
def test_since_returns_trades_of_equal_time_once(seed: int, before: int | None) -> None:
    async def story() -> None:
        tape = Tape(in_bursts(6000, seed))
        async with past(tape) as history:
            first = 1234
            while tape.times_ns[first] == tape.times_ns[first - 1]:
                first += 1
            start_ns = tape.times_ns[first] // 100 * 100  # as REST rounds it
            got = ids(await all_of(history.since(start_ns, None if before is None else FIRST_ID + before)))
            assert got == list(range(FIRST_ID + first, FIRST_ID + (before or 6000)))

    run(story())


def test_since_a_future_time_is_empty() -> None:
    async def story() -> None:
        async with past(Tape(by_the_second(50))) as history:
            assert ids(await all_of(history.since(BEGAN_NS + 3600 * SECOND_NS))) == []

    run(story())


def test_repeated_page_ends_with_an_error() -> None:
    """A12: Kraken."""

    async def story() -> None:
        tape = Tape(by_the_second(3000), stuck=True)
        async with past(tape) as history:
            with pytest.raises(DecodeError, match=f"kraken keeps sending trades up to id {FIRST_ID + 1006} alone"):
                await all_of(history.since(BEGAN_NS))
            assert len(tape.asked) == 4

    run(story())


def test_more_than_a_page_of_equal_time_does_not_stop_the_rest() -> None:
    async def story() -> None:
        tape = Tape([BEGAN_NS] * 1500 + by_the_second(20)[1:])
        async with past(tape) as history:
            got = ids(await all_of(history.since(BEGAN_NS)))
            assert got == [*range(FIRST_ID, FIRST_ID + 1000), *range(FIRST_ID + 1500, FIRST_ID + 1519)], "REST cannot tell the rest"

    run(story())


def test_trade_off_the_grid_costs_one_trade_and_is_named(logged: object) -> None:
    async def story() -> None:
        row = ["30000.15", "0.25", 1_700_000_000.5, "b", "l", "", 1]
        async with answering(lambda path, query: (200, {"error": [], "result": {"XXBTZUSD": [row], "last": "nonsense"}})) as url:
            history = KrakenHistory(BTC, RestClient(url))
            assert (len(await history.recent()), history.odd.n) == (0, 1)
            assert "price: found 30000.15, expected a multiple of 0.1" in history.odd.latest[0]
            await history.aclose()

    run(story())
