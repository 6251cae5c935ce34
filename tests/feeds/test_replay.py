"""Recorded trades come again in their own time, faster or slower, with pause and step."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest

from app.errors import BadInputError
from app.market.feed import FeedState
from app.market.trade import TradeBatch, concatenate
from feeds.replay import ReplayFeed
from tests.app.test_chart import MARKET
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


def test_a_faster_replay_is_shorter():
    clock = Clock()
    assert played(feed_of(FIVE, clock, speed=20), clock) == [(0, [1]), (0.1, [2]), (0.1, [3, 4]), (3.0, [5])]


def test_at_infinite_speed_all_comes_at_once():
    clock = Clock()
    assert played(feed_of(FIVE, clock, speed=math.inf), clock) == [(0, [1, 2, 3, 4, 5])]


def test_a_replay_may_begin_later_with_what_was_before():
    clock = Clock()
    assert played(feed_of(FIVE, clock, start_ns=START_NS + 2 * SECOND_NS), clock) == [(0, [1, 2, 3, 4]), (58.0, [5])]


def test_while_paused_nothing_comes_and_time_is_not_made_up_for():
    clock = Clock()
    feed = feed_of(FIVE, clock)
    clock.at = [(1.5, feed.pause), (11.5, feed.resume)]
    assert [(at, ids) for at, ids in played(feed, clock) if ids != [1]] == [(1.0, [2]), (12.0, [3, 4]), (70.0, [5])]


def test_a_paused_replay_says_so():
    feed = feed_of(FIVE, Clock())
    feed.pause()
    assert feed.paused
    assert (feed.status.state, feed.status.reason) == (FeedState.REPLAY, "paused")
    feed.resume()
    assert not feed.paused
    assert feed.status.reason == ""


def test_a_step_goes_to_the_next_trade_or_by_a_length_of_time():
    clock = Clock()
    feed = feed_of(FIVE, clock)
    feed.pause()
    clock.at = [(1, feed.step), (2, feed.step), (3, lambda: feed.step(30 * SECOND_NS)), (4, lambda: feed.step(30 * SECOND_NS))]
    assert played(feed, clock) == [(0, [1]), (1.0, [2]), (2.0, [3, 4]), (4.0, [5])]
    assert feed.now_ns == START_NS + 62 * SECOND_NS


def test_the_speed_may_change_on_the_way():
    clock = Clock()
    feed = feed_of(FIVE, clock)
    clock.at = [(2.5, lambda: setattr(feed, "speed", 10.0))]
    assert played(feed, clock)[-1] == (pytest.approx(2.5 + 5.75, abs=0.15), [5])


@pytest.mark.parametrize("speed", [0, -1, math.nan])
def test_a_speed_of_nought_is_refused(speed: float):
    with pytest.raises(BadInputError, match="expected a number above 0"):
        feed_of(FIVE, Clock(), speed=speed)


def test_a_late_report_comes_with_the_trade_before_it_and_order_is_kept():
    late = trades_of([(0, 100, 1, 1), (5, 101, 1, 1), (3, 102, 1, -1), (6, 103, 1, 1)])
    clock = Clock()
    assert played(feed_of(late, clock), clock) == [(0, [1]), (5.0, [2, 3]), (6.0, [4])]


def test_long_stretches_come_in_pages_and_whole():
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


def test_a_closed_replay_ends():
    clock = Clock()
    feed = feed_of(FIVE, clock)
    clock.at = [(1.5, lambda: asyncio.ensure_future(feed.aclose()))]
    assert [ids for _, ids in played(feed, clock)] == [[1], [2]]
    assert feed.share == 0.4


def test_an_empty_recording_ends_at_once():
    clock = Clock()
    feed = feed_of(TradeBatch.empty(), clock)
    assert played(feed, clock) == []
    assert feed.share == 1
