"""The made-up market: the same for a seed however it is taken out, and alike to a real one in what a footprint shows."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import numpy as np
import pytest

from app.analytics.delta import bar_delta
from app.analytics.footprint import FootprintSeries
from app.chart.chart import ChartSpec, build_series
from app.market.bar_rule import BarRule
from app.market.feed import FeedState
from app.market.trade import TradeBatch, concatenate
from feeds.simulated.market import MINUTE_NS, TAPE, SimulatedFeed, SimulatedMarket
from tests.builders import SECOND_NS

OPENING_NS = 1_700_000_040 * SECOND_NS  # a full minute
HOUR_NS = 60 * MINUTE_NS


@pytest.fixture(scope="module")
def tape() -> TradeBatch:
    """Twelve hours."""
    return SimulatedMarket(7, OPENING_NS).until(OPENING_NS + 12 * HOUR_NS)


@pytest.fixture(scope="module")
def minutes(tape: TradeBatch) -> FootprintSeries:
    return build_series([tape], ChartSpec(TAPE, BarRule(MINUTE_NS), 25))


@pytest.fixture(scope="module")
def same_instant(tape: TradeBatch) -> np.ndarray:
    """Whether each trade but the first came in the same millisecond as the one before."""
    return np.diff(tape.time_ns) == 0


def rows(batch: TradeBatch) -> list[bytes]:
    return [column.tobytes() for column in batch.columns]


def test_market_is_demo_tape_with_its_steps():
    assert (TAPE.id, TAPE.tick_size, TAPE.lot_size) == ("demo:TAPE", Decimal("0.1"), Decimal("0.001"))


def test_trades_do_not_depend_on_how_they_are_read():
    whole = SimulatedMarket(3, OPENING_NS).until(OPENING_NS + 5 * MINUTE_NS)
    market = SimulatedMarket(3, OPENING_NS)
    ends = OPENING_NS + np.sort(np.random.default_rng(1).integers(0, 5 * MINUTE_NS, 200))
    parts = [market.until(int(end)) for end in [*ends, OPENING_NS + 5 * MINUTE_NS]]
    assert rows(concatenate(parts)) == rows(whole)
    assert len(market.until(OPENING_NS + MINUTE_NS)) == 0  # a time that has been already


def test_another_seed_gives_another_market():
    first, second = (SimulatedMarket(seed, OPENING_NS).until(OPENING_NS + MINUTE_NS) for seed in (1, 2))
    assert rows(first) != rows(second)


def test_market_opens_at_the_start_of_a_minute():
    market = SimulatedMarket(1, OPENING_NS + 12 * SECOND_NS)
    assert rows(market.until(OPENING_NS + MINUTE_NS)) == rows(SimulatedMarket(1, OPENING_NS).until(OPENING_NS + MINUTE_NS))


def test_every_trade_is_valid(tape: TradeBatch):
    assert tape.trade_id.tolist() == list(range(1, len(tape) + 1))
    assert (np.diff(tape.time_ns) >= 0).all()
    assert tape.time_ns[0] >= OPENING_NS
    assert tape.time_ns[-1] < OPENING_NS + 12 * HOUR_NS
    assert (tape.time_ns % 1_000_000 == 0).all()
    assert tape.price_ticks.min() > 0
    assert tape.quantity_lots.min() >= 1
    assert set(tape.side.tolist()) == {-1, 1}


def test_one_minute_makes_a_readable_footprint(minutes: FootprintSeries):
    assert 15 <= np.median(minutes.n_rows) <= 40
    assert np.percentile(minutes.n_rows, 99) < 150
    assert np.median(minutes.trades) > 300
    assert minutes.n_bars == 720
    assert (minutes.low.min(), minutes.high.max()) > (500_000, 600_000)
    assert minutes.high.max() < 760_000


def test_prices_vary_without_endless_trend(minutes: FootprintSeries):
    moves = np.diff(minutes.close)
    share = moves.std() / minutes.close.mean()
    assert 3e-4 < share < 1e-3  # a minute of bitcoin: three to ten hundredths of a per cent
    assert ((moves - moves.mean()) ** 4).mean() / moves.var() ** 2 > 4  # fatter tails than a normal law's 3
    hours = (minutes.close[30:] - minutes.close[:-30]).var() / (30 * moves.var())
    assert 0.3 < hours < 3  # 1 for a random walk
    assert np.corrcoef(np.abs(moves[1:]), np.abs(moves[:-1]))[0, 1] > 0.05  # unrest lasts


def test_aggression_moves_the_price(minutes: FootprintSeries):
    assert 0.4 < np.corrcoef(bar_delta(minutes), minutes.close - minutes.open)[0, 1] < 0.9


def test_trades_come_in_bursts(tape: TradeBatch, same_instant: np.ndarray):
    assert 0.5 < same_instant.mean() < 0.85  # recorded: 0.67 and 0.75
    per_second = np.bincount((tape.time_ns - OPENING_NS) // SECOND_NS)
    assert per_second.var() / per_second.mean() > 15  # 1 if they came independently
    assert np.corrcoef(per_second[1:], per_second[:-1])[0, 1] > 0.05


def test_sweep_goes_one_way_over_several_prices_at_one_instant(tape: TradeBatch, same_instant: np.ndarray):
    one_side = same_instant & (tape.side[1:] == tape.side[:-1])
    ahead = np.diff(tape.price_ticks) * tape.side[1:]
    assert (ahead[one_side] >= 0).mean() > 0.98
    assert (ahead[one_side] > 0).mean() > 0.15
    starts = np.flatnonzero(~one_side) + 1
    lengths = np.diff(starts)
    assert lengths.max() >= 30


def test_most_trades_stay_at_the_price_and_the_touch_bounces(tape: TradeBatch, same_instant: np.ndarray):
    moves = np.abs(np.diff(tape.price_ticks))
    assert np.median(moves) == 0
    turned = ~same_instant & (tape.side[1:] != tape.side[:-1])
    bounce = (np.diff(tape.price_ticks) * tape.side[1:])[turned]
    assert np.median(bounce) > -20
    assert (bounce == 1).mean() > 0.02


def test_sizes_have_fat_tails_and_round_numbers(tape: TradeBatch):
    lots = tape.quantity_lots
    assert lots.mean() > 3 * np.median(lots)
    assert lots.max() > 100 * np.median(lots)
    share = lambda size: (lots == size).mean()  # noqa: E731
    assert share(100) > 5 * share(99)
    assert share(1000) > 5 * share(999)


def test_night_is_quieter_than_afternoon():
    market = SimulatedMarket(5, OPENING_NS // (24 * HOUR_NS) * 24 * HOUR_NS)
    trades = market.until(OPENING_NS // (24 * HOUR_NS) * 24 * HOUR_NS + 72 * HOUR_NS)
    per_hour = np.bincount(trades.time_ns // HOUR_NS % 24, minlength=24)
    assert per_hour[14:17].sum() > 1.4 * per_hour[2:5].sum()


def test_feed_begins_with_history_and_continues_in_real_time():
    async def story() -> None:
        now = [OPENING_NS + 2 * HOUR_NS]

        async def sleep(seconds: float) -> None:
            now[0] += round(seconds * SECOND_NS)

        feed = SimulatedFeed(SimulatedMarket(7, OPENING_NS), wall_ns=lambda: now[0], sleep=sleep)
        assert feed.status.state is FeedState.SIMULATED
        got: list[TradeBatch] = []
        async for batch in feed.batches():
            got.append(batch)
            assert int(batch.time_ns[-1]) < now[0]
            assert len(feed.arrived_s) == (int(batch.time_ns[-1]) >= OPENING_NS + 2 * HOUR_NS), "the past has no lag"
            if now[0] > OPENING_NS + 2 * HOUR_NS + 20 * SECOND_NS:
                await feed.aclose()
        assert max(map(len, got)) == 50_000
        expected = SimulatedMarket(7, OPENING_NS).until(int(got[-1].time_ns[-1]) + 1)
        assert rows(concatenate(got)) == rows(expected)
        live = expected.time_ns >= OPENING_NS + 2 * HOUR_NS
        assert feed.status.trades == live.sum()  # the past is in no rate
        assert feed.status.last_trade_ns == int(expected.time_ns[-1])

    asyncio.run(story())


def test_faster_feed_plays_more_market_time():
    async def story() -> None:
        now = [OPENING_NS]

        async def sleep(seconds: float) -> None:
            now[0] += round(seconds * SECOND_NS)

        feed = SimulatedFeed(SimulatedMarket(7, OPENING_NS), speed=60, wall_ns=lambda: now[0], sleep=sleep)
        last_ns = 0
        async for batch in feed.batches():
            last_ns = int(batch.time_ns[-1])
            if now[0] >= OPENING_NS + 10 * SECOND_NS:
                await feed.aclose()
        assert 9 * MINUTE_NS < last_ns - OPENING_NS <= 11 * MINUTE_NS

    asyncio.run(story())
