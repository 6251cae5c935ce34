"""Recorded trades come again in their own time, faster or slower, with pause, steps and jumps."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.chart.chart import Chart, build_series
from app.errors import BadInputError
from app.ingest.ingest import Ingest
from app.market.bar_rule import parse_bar_rule
from app.market.feed import FeedState
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.trade_store import TradeStore
from feeds.replay import ENDED, ReplayFeed
from tests.app.chart.test_chart import MARKET, MINUTE, columns, spec, tapes
from tests.builders import SECOND_NS, START_NS, random_trades, trades_of

FIVE = trades_of([(0, 100, 1, 1), (1, 101, 1, 1), (2, 102, 1, -1), (2, 103, 1, 1), (60, 104, 1, 1)])


class Clock:
    """A clock that moves when somebody sleeps; `at` says what happens then."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.at: list[tuple[float, Callable[[], object]]] = []

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        while self.at and self.now_s >= 100 + self.at[0][0]:
            self.at.pop(0)[1]()
        await asyncio.sleep(0)


def feed_of(trades: TradeBatch, clock: Clock, **options: float) -> ReplayFeed:
    return ReplayFeed(MARKET, trades, clock_s=lambda: clock.now_s, sleep=clock.sleep, **options)  # type: ignore[arg-type]


def played(feed: ReplayFeed, clock: Clock) -> list[tuple[float, list[int]]]:
    """Seconds since the start and ids of every batch, to the end."""

    async def story() -> list[tuple[float, list[int]]]:
        return [(round(clock.now_s - 100, 1), batch.trade_id.tolist()) async for batch in feed.batches()]

    return asyncio.run(story())


def test_trades_keep_their_distances_in_time():
    clock = Clock()
    assert played(feed_of(FIVE, clock), clock) == [(0, [1]), (1.0, [2]), (2.0, [3, 4]), (60.0, [5])]


def test_faster_replay_takes_less_time():
    clock = Clock()
    assert played(feed_of(FIVE, clock, speed=20), clock) == [(0, [1]), (0.1, [2]), (0.1, [3, 4]), (3.0, [5])]


def test_infinite_speed_plays_everything_at_once():
    clock = Clock()
    assert played(feed_of(FIVE, clock, speed=math.inf), clock) == [(0, [1, 2, 3, 4, 5])]


def test_replay_can_start_later_with_the_earlier_trades():
    clock = Clock()
    assert played(feed_of(FIVE, clock, start_ns=START_NS + 2 * SECOND_NS), clock) == [(0, [1, 2, 3, 4]), (58.0, [5])]


def test_pause_plays_nothing_and_is_not_made_up_for():
    clock = Clock()
    feed = feed_of(FIVE, clock)
    clock.at = [(1.5, feed.pause), (11.5, feed.resume)]
    assert [(at, ids) for at, ids in played(feed, clock) if ids != [1]] == [(1.0, [2]), (12.0, [3, 4]), (70.0, [5])]


def test_replay_continues_after_the_machine_slept():
    clock = Clock()

    def sleep_for_an_hour() -> None:
        clock.now_s += 3600

    clock.at = [(1.5, sleep_for_an_hour)]
    assert [(at, ids) for at, ids in played(feed_of(FIVE, clock), clock) if ids == [5]] == [(pytest.approx(3660, abs=1.1), [5])]


def test_paused_replay_shows_so_in_its_status():
    feed = feed_of(FIVE, Clock())
    feed.pause()
    assert feed.paused
    assert (feed.status.state, feed.status.reason) == (FeedState.REPLAY, "paused")
    feed.resume()
    assert not feed.paused
    assert feed.status.reason == ""


def test_step_plays_one_trade_even_if_others_have_its_time():
    clock = Clock()
    feed = feed_of(FIVE, clock, paused=True)
    clock.at = [(second, feed.step_trade) for second in (1, 2, 3, 4)]
    assert played(feed, clock) == [(0, [1]), (1.0, [2]), (2.0, [3]), (3.0, [4]), (4.0, [5])]
    assert feed.now_ns == START_NS + 60 * SECOND_NS


def test_two_steps_within_a_frame_are_two_trades():
    clock = Clock()
    feed = feed_of(FIVE, clock, paused=True)
    clock.at = [(1, feed.step_trade), (1, feed.step_trade), (2, feed.step_trade), (3, feed.step_trade)]
    assert [ids for _, ids in played(feed, clock)] == [[1], [2, 3], [4], [5]]


def test_trades_of_the_same_time_follow_after_a_step():
    clock = Clock()
    feed = feed_of(FIVE, clock, paused=True)
    clock.at = [(1, feed.step_trade), (1, feed.step_trade), (2, feed.resume)]
    assert [ids for _, ids in played(feed, clock)] == [[1], [2, 3], [4], [5]]


def test_step_by_bar_plays_the_rest_of_the_bar():
    trades = trades_of([(0, 100, 1, 1), (59, 101, 1, 1), (60, 102, 1, -1), (61, 103, 1, 1), (300, 104, 1, 1)])
    clock = Clock()
    feed = feed_of(trades, clock, paused=True)
    clock.at = [(second, lambda: feed.step_bar(MINUTE)) for second in (1, 2, 3)]
    assert played(feed, clock) == [(0, [1]), (1.0, [2]), (2.0, [3, 4]), (3.0, [5])]


def test_step_by_a_counted_bar_ends_where_the_charts_bar_ends():
    trades = trades_of([(0, 100, 1, 1), (59, 101, 1, 1), (60, 102, 1, -1), (60, 103, 1, 1), (300, 104, 1, 1)])
    clock = Clock()
    feed = feed_of(trades, clock, paused=True)
    clock.at = [(second, lambda: feed.step_bar(parse_bar_rule("2t"))) for second in (1, 2, 3)]
    assert played(feed, clock) == [(0, [1]), (1.0, [2]), (2.0, [3, 4]), (3.0, [5])]


def test_jump_plays_at_once_and_never_goes_back():
    clock = Clock()
    feed = feed_of(FIVE, clock, paused=True)
    clock.at = [(1, lambda: feed.jump(START_NS + 30 * SECOND_NS)), (2, lambda: feed.jump(START_NS)), (3, lambda: feed.jump(10**19))]
    assert played(feed, clock) == [(0, [1]), (1.0, [2, 3, 4]), (3.0, [5])]
    assert feed.now_ns == START_NS + 60 * SECOND_NS


def test_end_is_shown_in_the_status():
    clock = Clock()
    feed = feed_of(FIVE, clock, speed=math.inf)
    assert not feed.ended
    played(feed, clock)
    assert feed.ended
    assert (feed.status.state, feed.status.reason) == (FeedState.REPLAY, ENDED)
    feed.pause()
    feed.resume()
    assert feed.status.reason == ENDED


def test_span_covers_first_to_last_trade():
    assert feed_of(FIVE, Clock()).span == Span(START_NS, START_NS + 60 * SECOND_NS + 1)


def test_speed_can_change_during_the_replay():
    clock = Clock()
    feed = feed_of(FIVE, clock)
    clock.at = [(2.5, lambda: setattr(feed, "speed", 10.0))]
    assert played(feed, clock)[-1] == (pytest.approx(2.5 + 5.75, abs=0.15), [5])


@pytest.mark.parametrize("speed", [0, -1, math.nan])
def test_speed_of_zero_is_refused(speed: float):
    with pytest.raises(BadInputError, match="expected a number above 0"):
        feed_of(FIVE, Clock(), speed=speed)


def test_late_trade_is_played_with_the_trade_before_it():
    late = trades_of([(0, 100, 1, 1), (5, 101, 1, 1), (3, 102, 1, -1), (6, 103, 1, 1)])
    clock = Clock()
    assert played(feed_of(late, clock), clock) == [(0, [1]), (5.0, [2, 3]), (6.0, [4])]


def test_many_trades_due_come_in_pages_and_complete():
    trades = random_trades(1, 120_000)
    clock = Clock()
    feed = feed_of(trades, clock, speed=math.inf)

    async def story() -> list[TradeBatch]:
        return [batch async for batch in feed.batches()]

    batches = asyncio.run(story())
    assert [len(batch) for batch in batches] == [50_000, 50_000, 20_000]
    assert concatenate(batches).trade_id.tolist() == trades.trade_id.tolist()
    assert feed.share == 1
    assert (feed.status.trades, feed.status.last_trade_ns) == (120_000, int(trades.time_ns[-1]))


def test_closed_replay_ends():
    clock = Clock()
    feed = feed_of(FIVE, clock)
    clock.at = [(1.5, lambda: asyncio.ensure_future(feed.aclose()))]
    assert [ids for _, ids in played(feed, clock)] == [[1], [2]]
    assert feed.share == 0.4


def test_empty_recording_ends_at_once():
    clock = Clock()
    feed = feed_of(TradeBatch.empty(), clock)
    assert played(feed, clock) == []
    assert feed.share == 1
    assert (feed.ended, feed.span) == (True, Span(0, 0))


# -- gaps ----------------------------------------------------------------------------------------

GAPS = (Span(START_NS + SECOND_NS // 2, START_NS + SECOND_NS), Span(START_NS + 3 * SECOND_NS, START_NS + 60 * SECOND_NS))


def test_gaps_are_reported_once_passed_and_no_batch_crosses_one():
    clock = Clock()
    feed = ReplayFeed(MARKET, FIVE, gaps=GAPS, speed=math.inf, clock_s=lambda: clock.now_s, sleep=clock.sleep)

    async def story() -> list[tuple[list[int], tuple[Span, ...]]]:
        return [(batch.trade_id.tolist(), feed.status.gaps) async for batch in feed.batches()]

    assert asyncio.run(story()) == [([1], ()), ([2, 3, 4], GAPS[:1]), ([5], GAPS)]


def test_coverage_of_a_replayed_chart_excludes_the_gaps():
    clock = Clock()
    market = replace(MARKET, numbered=False)
    feed = ReplayFeed(market, FIVE, gaps=GAPS, speed=math.inf, clock_s=lambda: clock.now_s, sleep=clock.sleep)
    chart = Chart(replace(spec(), instrument=market))
    asyncio.run(Ingest(feed, None, TradeStore(by_time=True), [chart]).run())
    spans = [((c.span.start_ns - START_NS) / SECOND_NS, (c.span.end_ns - 1 - START_NS) / SECOND_NS, c.proven) for c in chart.covered]
    assert spans == [(0, 0, False), (1, 2, False), (60, 60, False)]
    assert [Span(hole.start_ns, hole.end_ns) for hole in chart.holes] == list(GAPS)


# -- however it is played ------------------------------------------------------------------------

ACTIONS = ("pause", "resume", "trade", "trades", "bar", "slow", "fast", "max", "ahead", "back")


@given(
    tapes(),
    st.booleans(),
    st.lists(st.tuples(st.floats(0, 30), st.sampled_from(ACTIONS)), max_size=12),
    st.sampled_from([0.5, 7.0, 1000.0]),
)
def test_values_do_not_depend_on_how_the_recording_was_played(
    trades: TradeBatch, by_time: bool, schedule: list[tuple[float, str]], speed: float
):
    if by_time:  # as a market without numbers is recorded
        trades = trades[np.argsort(trades.time_ns, kind="stable")]
    clock = Clock()
    feed = feed_of(trades, clock, speed=speed)
    chart, store = Chart(spec()), TradeStore(by_time=by_time)
    waits = iter(schedule)

    def act(action: str) -> None:
        match action:
            case "pause":
                feed.pause()
            case "resume":
                feed.resume()
            case "trade":
                feed.step_trade()
            case "bar":
                feed.step_bar(MINUTE)
            case "ahead":
                feed.jump(feed.now_ns + 45 * SECOND_NS)
            case "back":
                feed.jump(feed.now_ns - 45 * SECOND_NS)
            case "trades":
                feed.step_trade()
                feed.step_trade()
            case _:
                feed.speed = {"slow": 0.1, "fast": 50.0, "max": math.inf}[action]

    def next_action() -> None:
        """Each says when the next one happens; behind the last the rest is played."""
        found = next(waits, None)
        if found is None:
            feed.resume()
            feed.speed = math.inf
        else:
            act(found[1])
            clock.at.append((clock.now_s - 100 + found[0], next_action))

    clock.at.append((0.0, next_action))
    pump = Ingest(feed, None, store, [chart])
    asyncio.run(pump.run())
    assert feed.ended
    assert columns(chart.series) == columns(build_series([trades], spec()))
    assert store.trades().trade_id.tolist() == trades.trade_id.tolist()
