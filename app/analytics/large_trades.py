"""The large trades of some bars: the largest N, or all of at least a given size.

Closed bars are scanned once, and again only if they change.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.errors import BadInputError
from app.market.arrays import Int64Array
from app.market.trade import TradeBatch, concatenate

MOST_TRADES = 3_000_000
"""Maximum number of trades in view that are scanned: more would freeze the screen."""


@dataclass(frozen=True, slots=True)
class LargeTradeFilter:
    """The condition under which a trade is large.

    Attributes
    ----------
    top : int
        Number of the largest trades in view, of equal ones the earlier; 0: `size` decides.
    size : Decimal
        Minimum quantity, inclusive; used only if `top` is 0.
    """

    top: int = 30
    size: Decimal = Decimal(0)

    @property
    def text(self) -> str:
        """The filter as the text that `parse_large_trade_filter` reads, e.g. `top:30` or `2.5`."""
        return f"top:{self.top}" if self.top else format(self.size, "f")


USUAL_LARGE = LargeTradeFilter()


def parse_large_trade_filter(text: str) -> LargeTradeFilter:
    """Parse a large trade filter, written as `top:50` (up to 999) or as a minimum quantity above 0, e.g. `2.5`.

    Raises
    ------
    BadInputError
        If the text is neither.
    """
    if match := re.fullmatch(r"top:([1-9]\d{0,2})", text.strip()):
        return LargeTradeFilter(top=int(match[1]))
    if re.fullmatch(r"[0-9]{1,18}(\.[0-9]{1,18})?", text.strip()) and Decimal(text) > 0:
        return LargeTradeFilter(0, Decimal(text))
    raise BadInputError(f"large trades: found {text!r}, expected top:N (N up to 999) or a minimum size such as 2.5")


class _Bar(NamedTuple):
    """The large trades of one bar, the number of its trades that have been scanned, and the latest time and last id among those.

    `found_at` is the revision of the series at the last scan.
    """

    found_at: int
    large: TradeBatch
    scanned: int
    latest_ns: int
    last_id: int


class LargeTrades:
    """Finds the large trades in the bars of a series; only bars that have changed are scanned again.

    Parameters
    ----------
    series : FootprintSeries
        Shows which bars have changed.
    trades : callable
        Maps two times to the trades of `[start, end)`, in the order of the tape.
    rule : LargeTradeFilter
    lot_size : Decimal

    Attributes
    ----------
    trades_read : int
        Number of trades scanned so far: a count of work for the tests.
    """

    def __init__(
        self, series: FootprintSeries, trades: Callable[[int, int], TradeBatch], rule: LargeTradeFilter, lot_size: Decimal
    ) -> None:
        self.series, self.rule = series, rule
        self.trades_read = 0
        self._trades, self._least_lots = trades, math.ceil(Fraction(rule.size) / Fraction(lot_size))
        self._bars: dict[int, _Bar] = {}
        self._changes = 0  # number of times the large trades of a bar have changed
        self._scanned = 0, 0, -1  # range of bars that are scanned, and the revision of that scan
        self._asked: tuple[int, int, int] | None = None
        self._found = TradeBatch.empty()

    def of(self, first: int, end: int) -> TradeBatch | None:
        """The large trades of the bars `[first, end)`, in the order of the tape; None if the bars have over `MOST_TRADES` trades.

        A trade belongs to the bar at its time, under any bar rule. Returns the same object as before if the large trades are the same.
        """
        series = self.series
        if int(series.trades[first:end].sum()) > MOST_TRADES:
            return None
        begin = max(first, series.changed_since(self._scanned[2])) if self._scanned[:2] == (first, end) else first
        changed_at = series.changed_at[begin:end].tolist()
        stale = [bar for bar, at in enumerate(changed_at, begin) if bar not in self._bars or self._bars[bar].found_at < at]
        if stale and not (len(stale) == 1 and self._read_on(stale[0])):
            self._read(stale[0], stale[-1] + 1)
        self._scanned = first, end, series.revision
        if self._asked != (first, end, self._changes):
            found = concatenate([self._bars[bar].large for bar in range(first, end)])
            self._found = found[self._large(found.quantity_lots)]
            self._asked = first, end, self._changes
        return self._found

    def _read_on(self, bar: int) -> bool:
        """Scan only the new trades of `bar`, if it is the last bar; return False if all trades of the bar have to be scanned."""
        series, known = self.series, self._bars.get(bar)
        if bar != series.n_bars - 1 or known is None or not known.scanned:
            return False
        later = self._trades(known.latest_ns, np.iinfo(np.int64).max)
        fresh = later[(later.time_ns > known.latest_ns) | (later.trade_id > known.last_id)]
        self.trades_read += len(later)
        if known.scanned + len(fresh) != int(series.trades[bar]) or (fresh.trade_id <= known.last_id).any():
            return False  # some trades were late, or the bar was rebuilt
        self._store(bar, concatenate((known.large, fresh)), known.scanned + len(fresh), fresh, known)
        return True

    def _read(self, first: int, end: int) -> None:
        """Scan all trades of the bars `[first, end)`, and store the large ones."""
        series = self.series
        edges = series.times.of_bars(first, end)
        until_ns = series.start_ns(end) if end < series.n_bars else np.iinfo(np.int64).max
        trades = self._trades(int(edges[0]), int(until_ns))
        self.trades_read += len(trades)
        bar = np.searchsorted(edges, trades.time_ns, side="right") - 1
        order = np.argsort(bar, kind="stable")
        trades, bounds = trades[order], np.searchsorted(bar[order], np.arange(end - first + 1))
        for index in range(end - first):
            inside = trades[int(bounds[index]) : int(bounds[index + 1])]
            self._store(first + index, inside, len(inside), inside, self._bars.get(first + index))

    def _store(self, bar: int, candidates: TradeBatch, count: int, newest: TradeBatch, before: _Bar | None) -> None:
        """Select the large trades of a bar from the candidates, and store them.

        `count` is the number of the bar's trades scanned by now; `newest` are those that this scan added.
        """
        large = candidates[self._large(candidates.quantity_lots)]
        if before is not None and all(np.array_equal(*columns) for columns in zip(before.large.columns, large.columns, strict=True)):
            large = before.large
        else:
            self._changes += 1
        latest_ns = int(newest.time_ns.max()) if len(newest) else before.latest_ns if before and count else 0
        last_id = int(newest.trade_id.max()) if len(newest) else before.last_id if before and count else 0
        self._bars[bar] = _Bar(self.series.revision, large, count, latest_ns, last_id)

    def _large(self, lots: Int64Array) -> Int64Array:
        """Indices of the quantities that count as large, ascending."""
        return np.sort(_largest(lots, self.rule.top)) if self.rule.top else np.flatnonzero(lots >= self._least_lots)


def _largest(lots: Int64Array, count: int) -> Int64Array:
    """Indices of the `count` largest quantities, largest first; of equal ones the earlier comes first."""
    if len(lots) > 4 * count:  # most are far too small
        least = np.partition(lots, len(lots) - count)[len(lots) - count]
        likely = np.flatnonzero(lots >= least)
        return likely[np.argsort(-lots[likely], kind="stable")[:count]]
    return np.argsort(-lots, kind="stable")[:count]
