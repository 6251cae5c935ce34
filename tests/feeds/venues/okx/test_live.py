"""OKX against a scripted venue: opening, live trades over a break, the past by id and by time, candles, errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import LogCapture

from app.errors import DecodeError, FeedError, VenueBusyError, VenuePausedError, VenueRefusedError, VenueUnreachableError
from app.ingest.ingest import Ingest
from app.market.feed import FeedState
from app.market.instrument import Instrument
from app.market.span import Span
from app.storage.trade_store import TradeStore
from feeds.network.websocket_session import KeepAlive
from feeds.venues.live_feed import LiveFeed, StreamSpec
from feeds.venues.okx.history import OkxHistory, candles
from feeds.venues.okx.live import SPOT, SWAP, OkxMarket, fetch_instrument, wire
from feeds.venues.okx.rest import OkxRest
from feeds.venues.okx.wire import PING
from tests.feeds.lines import QUICK, Line, run, until, venue
from tests.feeds.opened import opened, told_by
from tests.feeds.questions import Answer, all_of, answering, ids

BTC = Instrument("okx", "BTC-USDT", Decimal("0.1"), Decimal("0.00000001"))
BEGAN_MS = 1_740_394_000_000
ACCEPTED = '{"event":"subscribe","arg":{"channel":"trades-all","instId":"BTC-USDT"},"connId":"accb8e21"}'

Answers = Callable[[str, dict[str, Any]], Answer]


def trade(number: int, time_ms: int | None = None) -> dict[str, object]:
    """Trade n at second n unless told otherwise."""
    at = BEGAN_MS + number * 1000 if time_ms is None else time_ms
    return {"instId": "BTC-USDT", "tradeId": str(number), "px": "95634.9", "sz": "0.1", "side": "buy", "source": "0", "ts": str(at)}


def told(*numbers: int) -> str:
    return json.dumps({"arg": {"channel": "trades-all", "instId": "BTC-USDT"}, "data": [trade(number) for number in numbers]})


def answer(*data: object, code: str = "0", message: str = "") -> Answer:
    return 200, {"code": code, "msg": message, "data": list(data)}


def listed(**fields: str) -> dict[str, object]:
    return {"instId": "BTC-USDT", "state": "live", "tickSz": "0.1", "lotSz": "0.00000001", "ctVal": "", "ctMult": ""} | fields


@dataclass
class Tape:
    """Trades by id and time, told a hundred at a time, newest first, as the venue does."""

    times_ms: dict[int, int] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, path: str, question: dict[str, Any]) -> Answer:
        if path == "/api/v5/public/instruments":
            return answer(listed()) if question == {"instType": "SPOT", "instId": "BTC-USDT"} else answer()
        assert path == "/api/v5/market/history-trades" and question["instId"] == "BTC-USDT"
        self.asked.append(question)
        after = int(question.get("after", 2**63))
        by_time = question.get("type", "1") == "2"
        earlier = [number for number, time_ms in self.times_ms.items() if (time_ms if by_time else number) < after]
        page = sorted(earlier, reverse=True)[: min(100, int(question["limit"]))]
        return answer(*(trade(number, self.times_ms[number]) for number in page))


def seconds(first: int, last: int) -> dict[int, int]:
    return {number: BEGAN_MS + number * 1000 for number in range(first, last + 1)}


@asynccontextmanager
async def rest_of(answers: Answers) -> AsyncIterator[OkxRest]:
    async with answering(answers) as url:
        rest = OkxRest(url)
        rest._rest._apart_s = 0.0  # nobody counts here
        try:
            yield rest
        finally:
            await rest.aclose()


# -- live ------------------------------------------------------------------------------------------


def breaking(first: str, second: str):
    async def talk(line: Line) -> None:
        assert line.socket.request is not None and line.socket.request.path == "/ws/v5/business"
        assert json.loads(await line.socket.recv()) == {"op": "subscribe", "args": [{"channel": "trades-all", "instId": "BTC-USDT"}]}
        await line.tell(ACCEPTED, first if line.number == 1 else second)
        if line.number == 1:
            await asyncio.sleep(0.05)
            line.reset()
        await line.stay()

    return talk


def test_trades_missed_in_a_break_show_in_the_ids_and_are_fetched() -> None:
    """A1: OKX."""
    tape = Tape(seconds(1, 400))

    async def story() -> None:
        async with opened("okx:BTC-USDT", breaking(told(1, 2, 3), told(260, 261)), tape.answer) as (market, _):
            assert market.instrument == BTC
            store = TradeStore()
            ingest = Ingest(market.feed, market.history, store, [])
            pumping = asyncio.create_task(ingest.run())
            await until(lambda: store.n_trades == 261)
            assert store.missing == 0 and store.trades().trade_id.tolist() == list(range(1, 262))
            assert market.feed.status.state is FeedState.LIVE and market.feed.status.gaps == ()
            pumping.cancel()
            await asyncio.wait([pumping])

    run(story())


def test_unknown_instrument_stops_with_the_venues_words(logged: LogCapture) -> None:
    async def talk(line: Line) -> None:
        await line.socket.recv()
        await line.tell('{"event":"error","msg":"channel:trades-all,instId:BTC-USDT doesn\'t exist.","code":"60018","connId":"x"}')
        await line.stay()

    async def story() -> None:
        async with opened("okx:BTC-USDT", talk, Tape().answer) as (market, _):
            assert await told_by(market.feed, 1) == []
            assert market.feed.status.state is FeedState.STOPPED
            assert market.feed.status.reason == "OKX: channel:trades-all,instId:BTC-USDT doesn't exist. (code 60018)"

    run(story())


def test_keep_alive_is_a_word_that_is_not_json() -> None:
    assert KeepAlive("ping", 20.0) == PING

    async def talk(line: Line) -> None:
        await line.socket.recv()
        await line.tell(ACCEPTED)
        assert await line.socket.recv() == "ping"
        await line.tell("pong", told(1))
        await line.stay()

    async def story() -> None:
        async with venue(talk) as there, rest_of(Tape().answer) as rest:
            usual = wire(BTC, there.url)
            assert usual.ping == PING
            quick = StreamSpec(there.url, usual.decoder, usual.greeting, KeepAlive(PING.text, 0.02))
            assert await told_by(LiveFeed(BTC, quick, OkxHistory(BTC, rest), QUICK), 1) == [1]
            assert (usual.decoder.ignored, usual.decoder.rejected) == (2, 0)

    run(story())


def test_announced_upgrade_leaves_no_gap() -> None:
    """A2: OKX announces an upgrade."""
    notice = '{"event":"notice","code":"64008","msg":"The connection will soon be closed.","connId":"x"}'

    async def talk(line: Line) -> None:
        await line.socket.recv()
        await line.tell(ACCEPTED, told(1) if line.number == 1 else told(2))
        if line.number == 1:
            await line.tell(notice)
        await line.stay()

    async def story() -> None:
        async with opened("okx:BTC-USDT", talk, Tape().answer) as (market, there):
            assert await told_by(market.feed, 2) == [1, 2]
            assert there.history[:2] == ["open 1", "open 2"] and there.most_open == 2

    run(story())


# -- opening ---------------------------------------------------------------------------------------


def opening(answers: Answers, symbol: str = "BTC-USDT", market: OkxMarket = SPOT) -> Instrument:
    found: list[Instrument] = []

    async def story() -> None:
        async with rest_of(answers) as rest:
            found.append(await fetch_instrument(rest, market, symbol))

    run(story())
    return found[0]


def test_swap_lot_is_in_base_units() -> None:
    entry = listed(instId="BTC-USDT-SWAP", lotSz="0.01", ctVal="0.01", ctMult="1", tickSz="0.1")
    instrument = opening(lambda path, question: answer(entry), "BTC-USDT-SWAP", SWAP)
    assert instrument == Instrument("okx-swap", "BTC-USDT-SWAP", Decimal("0.1"), Decimal("0.0001"), Decimal("0.01"))
    assert instrument.written_step == Decimal("0.01") and instrument.numbered


def test_recorded_lists_of_instruments_are_read(real_data: Path) -> None:
    swaps = json.loads((real_data / "venues" / "okx_http_instruments_swap.json").read_text())
    spot = json.loads((real_data / "venues" / "okx_http_instruments_spot.json").read_text())
    inverse = opening(lambda path, question: (200, swaps), "BTC-USD-SWAP", SWAP)
    assert (inverse.lot_size, inverse.multiplier, inverse.quantity_text(3)) == (100, 100, "300"), "in dollars"
    assert opening(lambda path, question: (200, swaps), "ETH-USDT-SWAP", SWAP).multiplier == Decimal("0.1")
    assert opening(lambda path, question: (200, spot), "ETH-USD") == Instrument("okx", "ETH-USD", Decimal("0.01"), Decimal("0.000001"))


@pytest.mark.parametrize(
    ("answers", "kind", "says"),
    [
        (lambda path, question: answer(), VenueRefusedError, "okx has no instrument BTC-USDT"),
        (lambda path, question: answer(listed(state="suspend")), VenuePausedError, "state suspend"),
        (lambda path, question: answer(listed(tickSz="")), DecodeError, "tick size"),
        (lambda path, question: answer(listed(lotSz="1e-30")), DecodeError, "lot size"),
        (lambda path, question: answer(code="51001", message="Instrument ID doesn't exist"), VenueRefusedError, "okx:BTC-USDT: OKX: Instr"),
        (lambda path, question: answer(code="50011", message="Too Many Requests"), VenueBusyError, "Too Many Requests"),
        (lambda path, question: answer(code="50026", message="System error"), VenueUnreachableError, "System error"),
        (lambda path, question: (429, {"code": "50011", "msg": "Too Many Requests"}), VenueBusyError, "rate limited until"),
        (lambda path, question: (200, {"code": 0}), DecodeError, "undocumented response"),
        (lambda path, question: (200, {"code": "0", "data": {}}), DecodeError, "undocumented response"),
        (lambda path, question: (200, b"<html>"), DecodeError, "undocumented response"),
    ],
)
def test_failure_to_open_has_its_kind_and_words(answers: Answers, kind: type[FeedError], says: str) -> None:
    with pytest.raises(kind) as caught:
        opening(answers)
    assert says in caught.value.user_message and type(caught.value) is kind


# -- the past --------------------------------------------------------------------------------------


def asking(tape: Tape, question: Callable[[OkxHistory], Any]) -> Any:
    """What an answer of the history is, all of it."""
    found: list[Any] = []

    async def story() -> None:
        async with rest_of(tape.answer) as rest:
            found.append(await question(OkxHistory(BTC, rest)))

    run(story())
    return found[0]


def test_pages_by_id_have_every_trade_once_oldest_first() -> None:
    tape = Tape(seconds(1, 400))
    pages = asking(tape, lambda history: all_of(history.between(51, 301)))
    assert [len(page) for page in pages] == [100, 100, 51] and ids(pages) == list(range(51, 302))


def test_trades_the_venue_skips_are_missing() -> None:
    tape = Tape(seconds(1, 100) | seconds(301, 400))
    assert ids(asking(tape, lambda history: all_of(history.between(50, 350)))) == [*range(50, 101), *range(301, 351)]


def test_missing_history_is_given_up_after_three_pages() -> None:
    """A12: OKX."""
    tape = Tape(seconds(100_000, 100_400))
    assert asking(tape, lambda history: all_of(history.between(1, 99_000))) == [] and len(tape.asked) == 3


@pytest.mark.parametrize("before_id", [250, None])
def test_since_begins_with_the_first_trade_of_the_time(before_id: int | None) -> None:
    tape = Tape(seconds(1, 400))
    pages = asking(tape, lambda history: all_of(history.since((BEGAN_MS + 123_000) * 10**6, before_id)))
    assert ids(pages) == list(range(123, before_id or 401))


def test_since_between_two_trades_begins_with_the_later_one() -> None:
    tape = Tape(seconds(1, 400))
    assert ids(asking(tape, lambda history: all_of(history.since((BEGAN_MS + 122_001) * 10**6, 125)))) == [123, 124]


def test_since_before_all_trades_begins_with_the_oldest() -> None:
    tape = Tape(seconds(5001, 5400))
    pages = asking(tape, lambda history: all_of(history.since((BEGAN_MS - 90 * 86_400_000) * 10**6)))
    assert ids(pages) == list(range(5001, 5401)) and len(tape.asked) < 60


def test_since_reads_all_of_a_millisecond_larger_than_a_page() -> None:
    tape = Tape({number: BEGAN_MS + (7 if number > 10 else 0) for number in range(1, 351)})
    assert ids(asking(tape, lambda history: all_of(history.since((BEGAN_MS + 7) * 10**6)))) == list(range(11, 351))
    tape = Tape(dict.fromkeys(range(1, 351), BEGAN_MS + 7))
    assert ids(asking(tape, lambda history: all_of(history.since(BEGAN_MS * 10**6)))) == list(range(1, 351))


def test_market_without_trades_has_empty_history() -> None:
    tape = Tape()
    assert asking(tape, lambda history: all_of(history.since(0))) == []
    assert len(asking(tape, lambda history: history.recent())) == 0


def test_recent_is_the_newest_trade() -> None:
    tape = Tape(seconds(1, 400))
    assert asking(tape, lambda history: history.recent()).trade_id.tolist() == [400]


def test_history_reaches_three_months_back() -> None:
    async def story() -> None:
        async with rest_of(Tape().answer) as rest:
            assert OkxHistory(BTC, rest, wall_ns=lambda: 100 * 86_400 * 10**9).reaches_ns == 10 * 86_400 * 10**9

    run(story())


def test_recorded_page_is_read_exactly(real_data: Path) -> None:
    recorded = json.loads((real_data / "venues" / "okx_http_trades.json").read_text())

    async def story() -> None:
        async with rest_of(lambda path, question: (200, recorded)) as rest:
            batch = await OkxHistory(BTC, rest).recent()
            assert batch.trade_id.tolist() == [734864332, 734864333] and batch.side.tolist() == [1, -1]
            assert batch.quantity_lots.tolist() == [1250, 13669] and batch.price_ticks.tolist() == [1025379] * 2

    run(story())


def test_new_and_old_candles_come_from_different_endpoints() -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    hour_ms = 3_600_000
    now_ms = BEGAN_MS // hour_ms * hour_ms

    def answers(path: str, question: dict[str, Any]) -> Answer:
        asked.append((path, question))
        rows = range((int(question["after"]) - 1) // hour_ms * hour_ms, int(question["before"]), -hour_ms)
        return answer(*([str(start), "3.7", "3.9", "3.6", "3.8", "0.5", "9", "9", "0" if start == now_ms else "1"] for start in rows))

    async def story() -> None:
        async with rest_of(answers) as rest:
            past = candles(BTC, rest, wall_ns=lambda: now_ms * 10**6)
            span = Span((now_ms - 1500 * hour_ms) * 10**6, (now_ms + hour_ms) * 10**6)
            batches = [each async for each in past.candles(hour_ms * 10**6, span)]
            starts = [start for batch in batches for start in batch.start_ns.tolist()]
            assert starts == [(now_ms + k * hour_ms) * 10**6 for k in range(-1500, 1)]
            assert [batch.closed.all() for batch in batches] == [True] * 15 + [False]
            assert batches[0].volume.tolist() == [50_000_000] * 100 and batches[0].buy.tolist() == [-1] * 100

    run(story())
    places = [path.rpartition("/")[2] for path, _ in asked]
    assert places == ["history-candles"] * 2 + ["candles"] * 14
    assert asked[0][1]["bar"] == "1H" and asked[0][1]["limit"] == "100"


def test_candle_contracts_become_lots_of_the_base() -> None:
    swap = Instrument("okx-swap", "BTC-USDT-SWAP", Decimal("0.1"), Decimal("0.0001"), Decimal("0.01"))
    row = [str(BEGAN_MS), "3.7", "3.9", "3.6", "3.8", "12.34", "0.1234", "9", "1"]

    async def story() -> None:
        async with rest_of(lambda path, question: answer(row)) as rest:
            span = Span(BEGAN_MS * 10**6, BEGAN_MS * 10**6 + 1)
            (batch,) = [each async for each in candles(swap, rest).candles(60 * 10**9, span)]
            assert swap.quantity_text(int(batch.volume[0])) == "0.1234"

    run(story())


def test_recorded_candles_are_read_exactly(real_data: Path) -> None:
    recorded = json.loads((real_data / "venues" / "okx_http_candles.json").read_text())
    start_ns = 1_625_097_600_000 * 10**6

    async def story() -> None:
        async with rest_of(lambda path, question: (200, recorded)) as rest:
            (batch,) = [each async for each in candles(BTC, rest).candles(60 * 10**9, Span(start_ns, start_ns + 120 * 10**9))]
            assert batch.start_ns.tolist() == [start_ns, start_ns + 60 * 10**9]
            assert batch.high.tolist() == [338700, 337839] and batch.low.tolist() == [335286, 337821]
            assert batch.volume.tolist() == [77883800000, 12300000] and batch.closed.tolist() == [False, False]

    run(story())
