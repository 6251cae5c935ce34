"""A simulated market generated from a seed, for a demo without a network and for tests.

It resembles a real one where that matters to a footprint: trades come in bursts, sizes have fat tails and round numbers, a large
order sweeps several prices at one instant, price bounces between bid and ask, balanced auctions around a value price alternate
with trends in which one side is aggressive, and activity follows the hours of the day.

The tape is made minute by minute; a minute depends on the seed and on the minute before, never on how the trades are read. Same
seed and same origin: the same trades, on every machine with the same numpy.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from app.market.arrays import Float64Array, Int8Array, Int64Array
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument
from app.market.trade import TradeBatch, concatenate

TAPE = Instrument("demo", "TAPE", Decimal("0.1"), Decimal("0.001"))
"""The only instrument: priced near 64,000 in ticks of 0.1, traded in lots of 0.001."""

MINUTE_NS = 60_000_000_000
_FIRST_PRICE = 640_000.0  # ticks
_TICK_S = 0.016  # one batch per frame
_PAGE = 50_000  # historical trades returned at once, about 5 ms of work for the receiver
_PRINTS_AN_ORDER = 3.4  # mean number of resting orders that an aggressive one meets


@dataclass(frozen=True, slots=True)
class _State:
    """State of the simulated market from which the next minute is generated."""

    minute: int
    price: float = _FIRST_PRICE  # ticks
    value: float = _FIRST_PRICE  # price at which an auction would settle
    trend: int = 0  # -1, 0, 1
    unrest: float = 0.0  # logarithm of the activity
    next_id: int = 1


class SimulatedMarket:
    """A simulated market that opens at `origin_ns`; its trades are generated when they are requested.

    Parameters
    ----------
    seed : int
    origin_ns : int
        Time at which the market opens; rounded down to the minute.
    trades_per_s : float
        Average rate over a day.
    """

    def __init__(self, seed: int = 1, origin_ns: int = 0, trades_per_s: float = 14.0) -> None:
        self.instrument = TAPE
        self._seed, self._rate = seed, trades_per_s
        self._state = _State(origin_ns // MINUTE_NS)
        self._waiting = TradeBatch.empty()  # generated, but not due yet

    def until(self, end_ns: int) -> TradeBatch:
        """The trades before `end_ns` that have not been returned yet."""
        parts = [self._waiting]
        while self._state.minute * MINUTE_NS < end_ns:
            trades, self._state = _minute(self._seed, self._state, self._rate)
            parts.append(trades)
        ready = concatenate(parts)
        due = int(np.searchsorted(ready.time_ns, end_ns))
        self._waiting = ready[due:]
        return ready[:due]


class SimulatedFeed:
    """A feed of the simulated market: first the trades from the market's opening to now, then new trades at `speed` times real time.

    Parameters
    ----------
    market : SimulatedMarket
    speed : float
        Market seconds per second; 1 is real time.
    wall_ns, sleep : callables
        Clock and wait, for tests.
    """

    def __init__(
        self,
        market: SimulatedMarket,
        *,
        speed: float = 1.0,
        wall_ns: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.instrument = market.instrument
        self.status = FeedStatus(FeedState.SIMULATED)
        self.arrived_s: Sequence[float] = ()
        self._market, self._speed, self._wall_ns, self._sleep = market, speed, wall_ns, sleep
        self._open = True

    async def batches(self) -> AsyncIterator[TradeBatch]:
        """Iterate over trades as they become due, at most one batch per screen frame (16 ms).

        The trades up to now come first, in batches of at most 50,000.
        """
        start_ns = self._wall_ns()
        past = await asyncio.to_thread(self._market.until, start_ns)  # eight hours take a fifth of a second
        for start in range(0, len(past), _PAGE):
            if not self._open:
                return
            yield past[start : start + _PAGE]  # not received now, so they count in no rate and no lag
            await self._sleep(0)
        while self._open:
            batch = self._market.until(start_ns + round((self._wall_ns() - start_ns) * self._speed))
            if len(batch):
                yield self._received(batch)
            await self._sleep(_TICK_S)

    async def aclose(self) -> None:
        """Stop the feed, which ends `batches`."""
        self._open = False

    def _received(self, batch: TradeBatch) -> TradeBatch:
        self.arrived_s = (time.monotonic(),)
        self.status = replace(
            self.status,
            last_trade_ns=int(batch.time_ns[-1]),
            received_at_ns=self._wall_ns(),
            messages=self.status.messages + len(batch),
            trades=self.status.trades + len(batch),
        )
        return batch


def _minute(seed: int, state: _State, trades_per_s: float) -> tuple[TradeBatch, _State]:
    """Generate the trades of the next minute, and the market's state after it."""
    rng = np.random.default_rng((seed, state.minute))
    state = _mood(rng, state)
    liveliness = math.exp(state.unrest)
    at_ns, cluster = _orders(rng, trades_per_s / _PRINTS_AN_ORDER * liveliness * _hour_of_day(state.minute))
    if not len(at_ns):
        return TradeBatch.empty(), replace(state, minute=state.minute + 1)
    side = _sides(rng, cluster, state.trend)
    n_prints, depth = _sweeps(rng, len(at_ns))
    lots = _sizes(rng, len(depth))
    first = np.cumsum(n_prints) - n_prints
    reach = depth[first + n_prints - 1]
    middle, end = _path(rng, state, side * _impact(rng, reach, np.add.reduceat(lots, first)) * (0.6 + 0.4 * liveliness))
    touch = np.floor(middle).astype(np.int64) + (side > 0)  # buyers pay the ask, one tick above the bid
    price = np.maximum(np.repeat(touch, n_prints) + np.repeat(side, n_prints) * depth, 1)
    time_ns = state.minute * MINUTE_NS + np.repeat(at_ns, n_prints)
    n = len(price)
    trades = TradeBatch.of(time_ns, price, lots, np.repeat(side, n_prints), np.arange(state.next_id, state.next_id + n))
    value = state.value + (end - state.value) * (0.3 if state.trend else 0.02)
    return trades, replace(state, minute=state.minute + 1, price=max(end, 1000.0), value=value, next_id=state.next_id + n)


def _mood(rng: np.random.Generator, state: _State) -> _State:
    """The state with the next minute's trend and activity; on average trends last about 7 minutes, balanced auctions about 12.

    `unrest`, the logarithm of the activity, decays, varies at random, and rises when a trend begins.
    """
    trend = state.trend
    if rng.random() < (1 / 7 if trend else 1 / 12):
        trend = 0 if trend else int(rng.choice((-1, 1)))
    unrest = 0.85 * state.unrest + rng.normal(0, 0.22) + (0.5 if trend and not state.trend else 0.0)
    return replace(state, trend=trend, unrest=min(unrest, 1.6))


def _hour_of_day(minute: int) -> float:
    """Factor for the activity by time of day, 1 on average: low at night in London and New York, high during their day.

    `minute` counts from 1970 UTC.
    """
    hour = minute % 1440 / 60
    return 1 + 0.45 * math.sin((hour - 9) / 24 * 2 * math.pi) + 0.2 * math.sin((hour - 12) / 12 * 2 * math.pi)


def _orders(rng: np.random.Generator, rate_per_s: float) -> tuple[Int64Array, Int64Array]:
    """Times of a minute's aggressive orders in ns, ascending, and the number of the cluster of each.

    An order triggers others (a Hawkes process, drawn by its branches): few or many, at once or within seconds.
    """
    mean_size = 2.9
    begin = rng.integers(0, MINUTE_NS, rng.poisson(rate_per_s * 60 / mean_size))
    clusters = len(begin)
    size = np.minimum(rng.pareto(1.5, clusters) + 1, 80).astype(np.int64)  # limited, or one cluster would fill a minute
    cluster = np.repeat(np.arange(clusters), size)
    lag = rng.exponential(1.0, len(cluster)) * np.repeat(rng.choice((2e6, 2e8, 4e9), clusters), size)
    lag[np.cumsum(size) - size] = 0
    at = (begin[cluster] + lag.astype(np.int64)) % MINUTE_NS  # times after the minute wrap around, or the first seconds would be quiet
    at -= at % 1_000_000  # venues give milliseconds
    order = np.argsort(at, kind="stable")
    return at[order], cluster[order]


def _sides(rng: np.random.Generator, cluster: Int64Array, trend: int) -> Int8Array:
    """The side of each aggressive order: mostly the same within a cluster, and more often that of the trend."""
    leaning = np.where(rng.random(int(cluster.max()) + 1) < 0.5 + 0.05 * trend, 1, -1)
    return np.where(rng.random(len(cluster)) < 0.88, leaning[cluster], -leaning[cluster]).astype(np.int8)


def _sweeps(rng: np.random.Generator, n_orders: int) -> tuple[Int64Array, Int64Array]:
    """The number of trades of each order and, for all trades in one array, the ticks between their price and the best price."""
    n_prints = rng.geometric(0.42, n_orders) + np.where(rng.random(n_orders) < 0.055, rng.integers(5, 36, n_orders), 0)
    prints = int(n_prints.sum())
    step = np.where(rng.random(prints) < 0.3, np.minimum(rng.pareto(1.3, prints) + 1, 60), 0).astype(np.int64)
    first = np.cumsum(n_prints) - n_prints
    step[first] = 0
    depth = np.cumsum(step)
    return n_prints, depth - np.repeat(depth[first], n_prints)


def _impact(rng: np.random.Generator, reach: Int64Array, lots: Int64Array) -> Float64Array:
    """The lasting price move in ticks that each order causes, from the ticks that the order sweeps and its size.

    The size counts by its square root, as in real tapes.
    """
    return 0.5 * reach + 0.7 * np.sqrt(lots) * rng.exponential(1.0, len(lots))


def _path(rng: np.random.Generator, state: _State, impact: Float64Array) -> tuple[Float64Array, float]:
    """The price between bid and ask in ticks, before each order and at the end of the minute.

    In an auction resting orders absorb part of the aggression, and the price returns to value; in a trend the price moves on.
    """
    n = len(impact)
    drift = 40.0 * state.trend if state.trend else 0.06 * (state.value - state.price)
    absorbed = 0.3 if state.trend else 0.5
    quotes = rng.normal(0, 1.0, n) * np.where(rng.random(n) < 0.2, 30.0, 2.0)  # makers move their quotes without a trade
    after = state.price + np.cumsum(impact - absorbed * impact.mean() + quotes + drift / n)
    return np.concatenate(([state.price], after[:-1])), float(after[-1])


def _sizes(rng: np.random.Generator, n: int) -> Int64Array:
    """Random trade sizes in lots: mostly lognormal, some round numbers, and a few very large (Pareto)."""
    body = rng.lognormal(2.6, 1.25, n)
    tail = (rng.pareto(1.6, n) + 1) * 180
    round_sizes = rng.choice((1, 10, 50, 100, 500, 1000), n, p=(0.3, 0.3, 0.15, 0.17, 0.05, 0.03))
    draw = rng.random(n)
    lots = np.where(draw < 0.045, tail, np.where(draw < 0.28, round_sizes, body))
    return np.clip(lots, 1, 60_000).astype(np.int64)
