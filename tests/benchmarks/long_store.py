"""A store of invented trades over years, for the benchmark of long histories and its tests."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np

from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter

MARKET = Instrument("binance", "BTCUSDT", Decimal("0.1"), Decimal("0.001"))
FIRST_DAY = 18_628
"""2021-01-01, as the number of days since 1970-01-01."""
_MINUTES = 1440
_USUAL_TICKS = 640_000
_STEP_TICKS = 60.0  # of a trade: a minute of 38 trades spans about a dozen rows of default size


class LongMarket:
    """An invented market with trades in every minute: a random walk, which is drawn to its usual price from day to day.

    Parameters
    ----------
    per_minute : int
        Trades in each minute.
    seed : int
    """

    def __init__(self, per_minute: int, seed: int = 7) -> None:
        self.per_minute = per_minute
        self.day = FIRST_DAY
        """The day that `next_day` returns next."""
        self._price, self._next_id, self._rng = float(_USUAL_TICKS), 1, np.random.default_rng(seed)

    def next_day(self) -> TradeBatch:
        """The trades of the next UTC day, with ids that continue those of the day before."""
        n, rng = _MINUTES * self.per_minute, self._rng
        begin = self._price + 0.02 * (_USUAL_TICKS - self._price)
        walk = np.maximum(begin + np.cumsum(rng.normal(0, _STEP_TICKS, n)), 1.0)
        time_ns = self.day * DAY_NS + np.arange(n) * (DAY_NS // n)
        ids = np.arange(self._next_id, self._next_id + n)
        self._price, self._next_id, self.day = float(walk[-1]), self._next_id + n, self.day + 1
        return TradeBatch.of(time_ns, walk.astype(np.int64), rng.integers(1, 5000, n), rng.choice((-1, 1), n), ids)


def write_store(folder: Path, days: int, per_minute: int) -> LongMarket:
    """Write a store with some days of trades, by the store's own writer; return the market, which can go on with the next day."""
    market = LongMarket(per_minute)
    store = DiskStore(folder)
    writer = TapeWriter(store, MARKET)
    try:
        for _ in range(days):
            writer.insert_bulk(market.next_day(), Source.ARCHIVE)
    finally:
        writer.close()
        store.close()
    return market
