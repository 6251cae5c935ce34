"""Bars by trades, volume, delta and range, built one trade at a time as `BarRule` describes them."""

from __future__ import annotations

from app.market.bar_rule import DAY_NS, BarKind
from app.market.trade import TradeBatch
from tests.oracles.footprints import SlowBar


class SlowCountedBar(SlowBar):
    """A bar with its times: the latest trade time up to its first trade, and up to its last."""

    first_ns = 0
    last_ns = 0

    def is_complete(self, kind: BarKind, size: int) -> bool:
        """Whether the bar is full, so that the next trade opens another one."""
        if kind is BarKind.TRADES:
            return len(self.prices) >= size
        if kind is BarKind.VOLUME:
            return sum(self.quantities) >= size
        return kind is BarKind.DELTA and abs(self.deltas[-1]) >= size

    def is_left_by(self, price: int, kind: BarKind, size: int) -> bool:
        """Whether a trade at `price` would make a range bar too high."""
        return kind is BarKind.RANGE and max(*self.prices, price) - min(*self.prices, price) > size


def slow_counted_bars(trades: TradeBatch, kind: BarKind, size: int, ticks_per_row: int) -> list[SlowCountedBar]:
    """The bars of trades, day by day, with the trades of a day in the order of the tape."""
    rows = list(zip(*(column.tolist() for column in trades.columns[:4]), strict=True))
    bars: list[SlowCountedBar] = []
    latest_ns = None
    for day in sorted({time_ns // DAY_NS for time_ns, *_ in rows}):
        bar = None
        for time_ns, price, quantity, side in rows:
            if time_ns // DAY_NS != day:
                continue
            latest_ns = time_ns if latest_ns is None else max(latest_ns, time_ns)
            if bar is None or bar.is_complete(kind, size) or bar.is_left_by(price, kind, size):
                bar = SlowCountedBar(len(bars))
                bar.first_ns = latest_ns
                bars.append(bar)
            bar.add(price, quantity, side, ticks_per_row)
            bar.last_ns = latest_ns
    return bars
