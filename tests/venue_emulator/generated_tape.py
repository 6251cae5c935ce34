"""A tape generated from a seed: the same arguments always give the same trades."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from tests.venue_emulator.market import Market
from tests.venue_emulator.tape import Rows, Tape

_SWEEP_SHARE = 0.3  # trades that belong to the taker order of the trade before
_MOVE_PER_ROOT_SECOND = 9e-5  # of the price; some 50 % a year, which is a usual year for BTC
_2024_08_09_US = 1_723_161_600_000_000


class GeneratedTape(Tape):
    """An endless tape: trade `i` depends only on the seed and the other arguments.

    Orders arrive as a Poisson process; three in ten trades continue the order before them, at the
    same time, one tick further. Prices are a random walk, sizes are log-normal.

    Parameters
    ----------
    seed : int
        Different seeds give different tapes.
    rate : float
        Trades per second after the venue opens.
    history_s, history_rate : float
        Seconds by which the tape starts before the opening, and the rate until then (by default `rate`, but at most 50).
    first_id : int
        Id of the oldest trade.
    """

    def __init__(
        self,
        seed: int = 1,
        rate: float = 100.0,
        *,
        market: Market = Market.SPOT,
        symbol: str = "BTCUSDT",
        history_s: float = 0.0,
        history_rate: float | None = None,
        first_id: int = 3_700_000_000,
        price: Decimal = Decimal(60_000),
        origin_us: int = _2024_08_09_US,
        tick_size: Decimal | None = None,
        lot_size: Decimal | None = None,
    ) -> None:
        super().__init__(symbol, market, origin_us, tick_size, lot_size)
        if rate <= 0:
            raise ValueError(f"rate: found {rate}, expected trades a second above 0")
        self._seed = seed
        self._rate = rate
        self._history_rate = history_rate or min(rate, 50.0)
        self._sigma_ticks = float(price / self.tick_size) * _MOVE_PER_ROOT_SECOND
        self._log_lots = float(np.log(float(Decimal("0.02") / self.lot_size)))  # a median of 0.02 coins
        # What block `n` starts from: time, price and id.
        self._carries: list[tuple[int, int, int]] = [(-round(history_s * 1e6), int(price / self.tick_size), first_id)]

    def _make(self, number: int) -> Rows:
        offset, mid, trade_id = self._carries[number]
        history = offset < 0
        rate = self._history_rate if history else self._rate
        n = int(min(max(rate * 2, 256), 8192))
        random = np.random.default_rng([self._seed, number])

        goes_on = random.random(n) < _SWEEP_SHARE
        goes_on[0] = False  # a block does not continue the last order of the block before
        gap_us = np.maximum(np.rint(random.exponential(1e6 / (rate * (1 - _SWEEP_SHARE)), n)).astype(np.int64), 1)
        gap_us[goes_on] = 0
        opener = np.maximum.accumulate(np.where(goes_on, 0, np.arange(n)))
        side = np.where(random.random(n) < 0.5, 1, -1).astype(np.int8)[opener]
        steps = np.rint(random.normal(0, self._sigma_ticks, n) * np.sqrt(gap_us / 1e6)).astype(np.int64)
        lots = np.maximum(np.rint(np.exp(random.normal(self._log_lots, 1.6, n))), 1).astype(np.int64)

        offset_us = offset + np.cumsum(gap_us)
        offset_us -= offset_us % self.market.facts.time_step_us
        mids = np.maximum(mid + np.cumsum(steps), 64)  # a sweep from there down still ends above nought
        prices = mids - (side < 0) + side * (np.arange(n) - opener)

        # Where history meets the opening, cut: what follows comes at the other rate.
        kept = int(np.searchsorted(offset_us, 0, "left")) if history else n
        if kept == 0:
            kept, offset_us = 1, np.full(n, -self.market.facts.time_step_us)
        if number + 1 == len(self._carries):
            after = 0 if kept < n else int(offset_us[-1])
            self._carries.append((after, int(mids[kept - 1]), trade_id + kept))
        return Rows(offset_us[:kept], prices[:kept], lots[:kept], side[:kept], trade_id + np.arange(kept, dtype=np.int64))
