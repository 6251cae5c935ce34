"""The older bars of a series: those of complete UTC days, which are read one day at a time when they are needed.

Of each day a summary is in memory: numbers of bars and cells, and the day's sums. With these, sums over years read only the days
at both ends.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from app.errors import StoreError
from app.market.arrays import Int64Array
from app.market.bar_rule import DAY_NS

DayColumns = Mapping[str, Int64Array]
"""The columns of a day's bars and cells by name, as `FootprintSeries.columns` returns them; `cell_start` counts from 0."""

_MOST_BYTES = 128 << 20  # some 200 days of 1-minute bars: more than a view can show
_LEAST_DAYS = 8  # of very large days as well: a view and the starts of sessions must not replace each other


class DayRows(NamedTuple):
    """The volume profile of a day.

    Attributes
    ----------
    first_row : int
    lots : int64 [shape=(3, n_rows)]
        Buy, sell and unknown volume.
    """

    first_row: int
    lots: Int64Array


class DaySummary(NamedTuple):
    """The sums of the bars of one UTC day.

    Attributes
    ----------
    day : int
        Days since 1970-01-01.
    n_bars, n_cells, first_number, last_number : int
        Numbers of bars and cells, and the numbers of the first and the last bar.
    trades, volume, delta : int
    low, high : int
        Ticks.
    turnover, squares : int
        Sums of price times quantity and of price squared times quantity, in ticks and lots, exact.
    rows : DayRows or None
        The volume profile of the day; None if it has too many rows to be in memory.
    """

    day: int
    n_bars: int
    n_cells: int
    first_number: int
    last_number: int
    trades: int
    volume: int
    delta: int
    low: int
    high: int
    turnover: int
    squares: int
    rows: DayRows | None


class OlderBars:
    """Time bars of complete UTC days, which never change.

    Parameters
    ----------
    days : sequence of DaySummary
        At least one; in order of time.
    read : callable
        Reads the columns of a day's bars and cells, from any thread.

    Attributes
    ----------
    bar_starts, cell_starts : int64 [shape=(n_days + 1,)]
        Index of the first bar and of the first cell of each day, and the number of all.
    delta_before : int64 [shape=(n_days + 1,)]
        Sum of the deltas of all bars before each day, and of all bars.
    days_read : int
        Number of times that a day was read: a count of work for the tests.
    trouble : str
        Text for the screen if a day could not be read; empty if all could.
    """

    CHANGED_AT = 1
    """The revision at which the older bars of a series count as changed."""

    def __init__(self, days: Sequence[DaySummary], read: Callable[[int], DayColumns], most_bytes: int = _MOST_BYTES) -> None:
        self.days, self.days_read, self.trouble = tuple(days), 0, ""
        self.bar_starts, self.cell_starts = _starts(day.n_bars for day in days), _starts(day.n_cells for day in days)
        self.delta_before = _starts(day.delta for day in days)
        self.n_trades, self.last_number = sum(day.trades for day in days), days[-1].last_number
        self.end_ns = (days[-1].day + 1) * DAY_NS
        """The end of the last day."""
        self._first_numbers = np.array([day.first_number for day in days], np.int64)
        self._volume, self._turnover, self._squares = (
            list(accumulate((getattr(day, name) for day in days), initial=0)) for name in ("volume", "turnover", "squares")
        )
        self._read, self._most_bytes, self._bytes = read, most_bytes, 0
        self._loaded: OrderedDict[int, dict[str, Int64Array]] = OrderedDict()  # by index of the day, that used last at the end
        self._lock = threading.Lock()  # a builder of bars may read while the screen does

    def column(self, index: int, name: str) -> Int64Array:
        """One column of the bars or cells of the day with an index, int64, read-only; reads the day if it is not loaded.

        Raises
        ------
        StoreError
            If the day cannot be read.
        """
        with self._lock:
            found = self._loaded.get(index)
            if found is None:
                found = self._load(index)
            else:
                self._loaded.move_to_end(index)
            return found[name]

    def day_of(self, bar: int) -> int:
        """Index of the day that contains the bar with index `bar`; the number of days if that bar is not an older one."""
        return int(np.searchsorted(self.bar_starts, bar, side="right")) - 1

    def index_of(self, number: int) -> int:
        """Index of the first bar whose number is at least `number`; `number` must be at most `last_number`."""
        index = int(np.searchsorted(self._first_numbers, number, side="right")) - 1
        if index < 0:
            return 0
        if number > self.days[index].last_number:
            return int(self.bar_starts[index + 1])
        return int(self.bar_starts[index]) + int(np.searchsorted(self.column(index, "number"), number))

    def price_range(self) -> tuple[int, int]:
        """Lowest and highest price of all older bars, in ticks."""
        return min(day.low for day in self.days), max(day.high for day in self.days)

    def sums_before(self, index: int, base: int) -> tuple[int, int, int]:
        """Sums over all bars before the day with an index: of volume, of volume times distance, and of volume times distance squared.

        Distances are those of the prices from the price `base`, in ticks.
        """
        volume, turnover, squares = self._volume[index], self._turnover[index], self._squares[index]
        return volume, turnover - base * volume, squares - base * (2 * turnover - base * volume)

    def _load(self, index: int) -> dict[str, Int64Array]:
        day = self.days[index]
        try:
            found = dict(self._read(day.day))
            if (len(found["number"]), len(found["cell_buy"])) != (day.n_bars, day.n_cells):
                raise StoreError(f"bars of day {day.day}: {len(found['number'])} bars, expected {day.n_bars}")
        except StoreError as error:
            self.trouble = error.user_message
            raise
        found["cell_start"] = found["cell_start"] + self.cell_starts[index]
        found["changed_at"] = np.full(day.n_bars, self.CHANGED_AT, np.int64)
        for column in found.values():
            column.flags.writeable = False
        self.days_read += 1
        self._loaded[index] = found
        self._bytes += _size(found)
        while self._bytes > self._most_bytes and len(self._loaded) > _LEAST_DAYS:
            self._bytes -= _size(self._loaded.popitem(last=False)[1])
        return found


def _starts(counts: Iterable[int]) -> Int64Array:
    return np.array(list(accumulate(counts, initial=0)), np.int64)


def _size(columns: Mapping[str, Int64Array]) -> int:
    return sum(column.nbytes for column in columns.values())
