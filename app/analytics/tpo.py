"""TPO profiles: a letter in each price row for each bracket (half an hour by default) in which the row traded.

A session is divided into brackets of equal length from its start, even if clocks change during the session. A row gets a bracket's
letter if a trade was in that row: rows that price jumped over get no letter.

Rules on which publications differ, decided here:

- Initial balance, midpoint and rotation factor use traded prices, not row edges.
- Single prints are rows with one letter strictly between the highest and the lowest row; these two rows do not count.
- POC and value area count letters, over all rows from the lowest to the highest, including rows without letters; ties as for
  volume.
- The rotation factor compares each traded bracket with the previous traded one: +1 for a higher high, +1 for a higher low, -1 for a
  lower high, -1 for a lower low, summed over the session.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from app.analytics.bar_groups import first_bar_at
from app.analytics.footprint import FootprintSeries
from app.analytics.value_area import ValueArea, ValueAreaMethod, value_areas
from app.errors import BadInputError, EmptyProfileError, GridTooFineError
from app.market.arrays import BoolArray, Int64Array
from app.market.bar_rule import NS_PER_S
from app.market.price_grid import PriceGrid
from app.market.span import Span

LETTERS = string.ascii_uppercase + string.ascii_lowercase
"""The letters of the brackets, in order; after the last letter they start again."""
HALF_HOUR_NS = 1800 * NS_PER_S
_MAX_MARKS = 1 << 28
_INITIAL = 2  # brackets of the initial balance


@dataclass(frozen=True, slots=True, eq=False)
class TpoProfile:
    """The TPO letters of one session, as marks by row and bracket.

    Attributes
    ----------
    start_ns : int
        Start of the session.
    bracket_ns : int
        Length of a bracket.
    first_row : int
        The lowest row that traded.
    marks : bool [shape=(n_rows, n_brackets)]
        True where a row traded in a bracket, lowest row first; the last bracket is the last traded one.
    high, low : int64 [shape=(n_brackets,)]
        Highest and lowest price of each bracket, ticks; low is above high if nothing traded.
    """

    start_ns: int
    bracket_ns: int
    first_row: int
    marks: BoolArray
    high: Int64Array
    low: Int64Array

    def until(self, bracket: int) -> TpoProfile | None:
        """The TPO profile of the brackets before `bracket`, by index; None if nothing traded in them."""
        marks = self.marks[:, :bracket]
        rows = np.flatnonzero(marks.any(axis=1))
        if not len(rows):
            return None
        return replace(
            self,
            first_row=self.first_row + int(rows[0]),
            marks=marks[rows[0] : rows[-1] + 1],
            high=self.high[:bracket],
            low=self.low[:bracket],
        )

    def followed_by(self, later: TpoProfile, bracket: int) -> TpoProfile:
        """Join this profile, all of whose letters are before `bracket`, with the letters of `later` from `bracket` on."""
        first = min(self.first_row, later.first_row)
        end = max(self.first_row + len(self.marks), later.first_row + len(later.marks))
        marks = np.zeros((end - first, later.marks.shape[1]), bool)
        for part, brackets in ((self, slice(0, self.marks.shape[1])), (later, slice(bracket, None))):
            marks[part.first_row - first : part.first_row - first + len(part.marks), brackets] = part.marks[:, brackets]
        high, low = later.high.copy(), later.low.copy()
        high[: len(self.high)], low[: len(self.low)] = self.high, self.low
        return replace(later, first_row=first, marks=marks, high=high, low=low)

    def has_same_letters(self, other: TpoProfile) -> bool:
        """True if another TPO profile has the same letters in the same rows, and the same high and low in each bracket."""
        if (self.first_row, self.marks.shape) != (other.first_row, other.marks.shape):
            return False
        pairs = ((self.marks, other.marks), (self.high, other.high), (self.low, other.low))
        return all(np.array_equal(mine, theirs) for mine, theirs in pairs)

    @property
    def counts(self) -> Int64Array:
        """Number of letters in each row, int64."""
        return self.marks.sum(axis=1)

    def letters(self) -> list[str]:
        """The letters of each row, in order of time, as one string per row, lowest row first."""
        names = np.array(list(LETTERS))[np.arange(self.marks.shape[1]) % len(LETTERS)]
        return ["".join(names[row]) for row in self.marks]

    def value_area(self, percent: int = 70, method: ValueAreaMethod = ValueAreaMethod.DALTON) -> ValueArea:
        """POC and value area, computed from the number of letters in each row; `volume` is the number of letters inside."""
        counts = self.counts
        poc, low, high = (int(found[0]) for found in value_areas(counts, np.array([len(counts)]), percent, method))
        first = self.first_row
        return ValueArea(first + low, first + high, first + poc, int(counts[low : high + 1].sum()))

    @property
    def single_prints(self) -> Int64Array:
        """Numbers of the rows with exactly one letter, except the highest and the lowest row; int64, ascending."""
        return self.first_row + 1 + np.flatnonzero(self.counts[1:-1] == 1)

    @property
    def poor_high(self) -> bool:
        """True if the highest row has two or more letters."""
        return bool(self.counts[-1] > 1)

    @property
    def poor_low(self) -> bool:
        """True if the lowest row has two or more letters."""
        return bool(self.counts[0] > 1)

    @property
    def initial_balance(self) -> tuple[int, int] | None:
        """Lowest and highest price of the first two brackets, ticks; None if nothing traded in them."""
        low, high = int(self.low[:_INITIAL].min()), int(self.high[:_INITIAL].max())
        return (low, high) if low <= high else None

    @property
    def initial_balance_complete(self) -> bool:
        """True if each of the first two brackets has trades, and a later bracket has trades, too.

        Before the first trade of a later bracket, the second bracket may still be in progress.
        """
        traded = self.low <= self.high
        return len(traded) > _INITIAL and bool(traded[:_INITIAL].all())

    @property
    def range_ticks(self) -> tuple[int, int]:
        """Lowest and highest price of the session, ticks."""
        return int(self.low.min()), int(self.high.max())

    @property
    def midpoint_ticks(self) -> Fraction:
        """The middle of the session's range in ticks, as an exact fraction."""
        return Fraction(sum(self.range_ticks), 2)

    @property
    def rotation_factor(self) -> int:
        """The sum over the traded brackets: +1 for a higher high and for a higher low than in the previous one, -1 for each lower one."""
        traded = self.high >= self.low
        return int(np.sign(np.diff(self.high[traded])).sum() + np.sign(np.diff(self.low[traded])).sum())


def tpo_of_trades(time_ns: Int64Array, price_ticks: Int64Array, grid: PriceGrid, start_ns: int, bracket_ns: int) -> TpoProfile:
    """The TPO profile of one session's trades.

    Times and prices are int64 [shape=(n,)], in any order, no time before `start_ns`, the session's start.

    Raises
    ------
    EmptyProfileError
        If there are no trades.
    BadInputError
        If a bracket is shorter than 1 s.
    GridTooFineError
        If there are too many rows and brackets.
    """
    bracket = (time_ns - start_ns) // bracket_ns
    return _profile(grid, start_ns, bracket_ns, bracket, grid.rows(price_ticks), (bracket, price_ticks, price_ticks))


def tpo_of_bars(series: FootprintSeries, first_bar: int, end_bar: int, start_ns: int, bracket_ns: int) -> TpoProfile:
    """The TPO profile of one session's bars `[first_bar, end_bar)`, by index.

    Each bar must be inside one bracket (see `bars_fit_brackets`). Raises the same errors as `tpo_of_trades`.
    """
    bars = slice(first_bar, end_bar)
    bracket = (series.times.of_bars(first_bar, end_bar) - start_ns) // bracket_ns
    n_rows = series.n_rows[bars]
    start = int(series.cell_start[first_bar]) if first_bar < end_bar else 0
    cells = slice(start, start + int(n_rows.sum()))
    traded = np.flatnonzero(series.cell_buy[cells] + series.cell_sell[cells] + series.cell_unknown[cells])
    row = traded + np.repeat(series.first_row[bars] - (series.cell_start[bars] - start), n_rows)[traded]
    return _profile(
        series.grid, start_ns, bracket_ns, np.repeat(bracket, n_rows)[traded], row, (bracket, series.high[bars], series.low[bars])
    )


def bars_fit_brackets(bar_ns: int, start_ns: int, bracket_ns: int) -> bool:
    """True if each time bar of a session that starts at `start_ns` lies inside one bracket; False for other bars (length 0)."""
    return bar_ns > 0 and bracket_ns % bar_ns == 0 and start_ns % bar_ns == 0


def _profile(
    grid: PriceGrid,
    start_ns: int,
    bracket_ns: int,
    bracket: Int64Array,
    row: Int64Array,
    ranges: tuple[Int64Array, Int64Array, Int64Array],
) -> TpoProfile:
    if bracket_ns < NS_PER_S:
        raise BadInputError(f"bracket: found {bracket_ns} ns, expected at least 1 s")
    if not len(row):
        raise EmptyProfileError("TPO: found no trades, expected at least one")
    first, n_rows, n_brackets = int(row.min()), int(row.max() - row.min()) + 1, int(bracket.max()) + 1
    if n_rows * n_brackets > _MAX_MARKS:
        wanted = -(-n_rows * n_brackets * grid.ticks_per_row // _MAX_MARKS)
        raise GridTooFineError(f"TPO: found {n_rows:,} rows in {n_brackets:,} brackets; use {wanted} or more ticks per row")
    marks = np.zeros((n_rows, n_brackets), bool)
    marks[row - first, bracket] = True
    high, low = np.full(n_brackets, -(1 << 62)), np.full(n_brackets, 1 << 62)
    np.maximum.at(high, ranges[0], ranges[1])
    np.minimum.at(low, ranges[0], ranges[2])
    return TpoProfile(start_ns, bracket_ns, first, marks, high, low)


class _Cached(NamedTuple):
    """The cached TPO profile of the bars `[first_bar, end_bar)`, and the series revision at which it was computed."""

    revision: int
    first_bar: int
    end_bar: int
    letters: TpoProfile


class TpoSessions:
    """Caches the TPO profiles of a series' sessions; a live trade recomputes only the last bracket.

    Attributes
    ----------
    sessions_computed, bars_read : int
        Counts of work, for the tests.
    """

    def __init__(self) -> None:
        self.sessions_computed = self.bars_read = 0
        self._cached: dict[tuple[Span, int], _Cached] = {}  # by session and length of a bracket
        self._series: FootprintSeries | None = None

    def of(self, series: FootprintSeries, first_bar: int, end_bar: int, session: Span, bracket_ns: int) -> TpoProfile:
        """The TPO profile of a session's bars `[first_bar, end_bar)`; brackets that have not changed are reused.

        Returns the same object as before if no letter, high or low has changed. Needs at least one bar.
        """
        if series is not self._series:
            self._cached.clear()
            self._series = series
        key = session, bracket_ns
        known = self._cached.get(key)
        newest = int(series.changed_at[end_bar - 1])  # never decreases from bar to bar
        if known is not None and (known.first_bar, known.end_bar) == (first_bar, end_bar) and known.revision >= newest:
            return known.letters
        if known is None or known.first_bar != first_bar:
            letters = tpo_of_bars(series, first_bar, end_bar, session.start_ns, bracket_ns)
            self.bars_read += end_bar - first_bar
        else:
            changed = min(series.changed_since(known.revision), known.end_bar, end_bar - 1)
            letters = self._again(known.letters, series, max(first_bar, changed), first_bar, end_bar)
        self._cached[key] = _Cached(series.revision, first_bar, end_bar, letters)
        self.sessions_computed += 1
        return letters

    def _again(self, known: TpoProfile, series: FootprintSeries, changed: int, first_bar: int, end_bar: int) -> TpoProfile:
        """Recompute the brackets from the one that contains the bar `changed` on; reuse the earlier brackets of `known`."""
        bracket = (series.start_ns(changed) - known.start_ns) // known.bracket_ns
        begin = max(first_bar, first_bar_at(series, known.start_ns + bracket * known.bracket_ns))
        self.bars_read += end_bar - begin
        fresh = tpo_of_bars(series, begin, end_bar, known.start_ns, known.bracket_ns)
        reused = known.until(bracket)
        letters = fresh if reused is None else reused.followed_by(fresh, bracket)
        return known if letters.has_same_letters(known) else letters
