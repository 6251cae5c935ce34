"""POC, value area and imbalances of single bars, recomputed only after changes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from app.analytics.columns import GrowingColumns
from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import ImbalanceRule, Imbalances, imbalances
from app.analytics.value_area import ValueAreaMethod, value_areas
from app.market.arrays import Int64Array


class BarValues:
    """The POC, value area and imbalances of each bar of a series, cached until the bar or a setting changes.

    Each bar stores the revision at which it was computed. The series stamps the bars that it
    changes, including those added again after a `truncate`, so one comparison finds the stale ones.

    Parameters
    ----------
    series : FootprintSeries
        Read, never written.
    method, percent : ValueAreaMethod, int
        Settings of the value areas.
    rule : ImbalanceRule
        Settings of the imbalances.

    Attributes
    ----------
    value_areas_computed, imbalances_computed : int
        Number of bars computed so far: a count of work for the tests.

    Methods return read-only views that are valid until the next call.
    """

    def __init__(
        self,
        series: FootprintSeries,
        method: ValueAreaMethod = ValueAreaMethod.DALTON,
        percent: int = 70,
        rule: ImbalanceRule | None = None,
    ) -> None:
        self.series = series
        self.method = method
        self.percent = percent
        self.rule = rule or ImbalanceRule()
        self.value_areas_computed = 0
        self.imbalances_computed = 0
        # an empty series has revision 0 and no bar is that old, so a new entry is stale
        self._bars = GrowingColumns(dict.fromkeys(("poc", "low", "high", "areas_at", "imbalances_at"), np.int64))
        self._cells = GrowingColumns({"buy": np.bool_, "sell": np.bool_})

    def set_rules(self, method: ValueAreaMethod, percent: int, rule: ImbalanceRule) -> None:
        """Change the settings of value areas and imbalances; values that do not depend on a changed setting stay cached."""
        for stamp, changed in (
            ("areas_at", (method, percent) != (self.method, self.percent)),
            ("imbalances_at", (rule.ratio, rule.minimum_lots, rule.zeros) != (self.rule.ratio, self.rule.minimum_lots, self.rule.zeros)),
        ):
            if changed:
                self._bars.writable(stamp)[:] = 0
        self.method, self.percent, self.rule = method, percent, rule

    @property
    def computed(self) -> int:
        """Number of computations so far of a bar's value area or imbalances: a count of work for the tests."""
        return self.value_areas_computed + self.imbalances_computed

    def poc_rows(self, first: int, end: int) -> Int64Array:
        """The POC row of each of the bars `[first, end)`, int64."""
        self._refresh_areas(first, end)
        return self._bars["poc"][first:end]

    def value_areas(self, first: int, end: int) -> tuple[Int64Array, Int64Array]:
        """Lowest and highest row of the value area of each of the bars `[first, end)`, int64, both inclusive.

        VAL is the bottom edge of the lowest row, VAH the top edge of the highest.
        """
        self._refresh_areas(first, end)
        return self._bars["low"][first:end], self._bars["high"][first:end]

    def areas(self, first: int, end: int) -> tuple[Int64Array, Int64Array, Int64Array]:
        """POC row, and lowest and highest row of the value area, of each of the bars `[first, end)`, int64."""
        self._refresh_areas(first, end)
        return self._bars["poc"][first:end], self._bars["low"][first:end], self._bars["high"][first:end]

    def imbalances(self, first: int, end: int) -> Imbalances:
        """Imbalance marks for the cells of the bars `[first, end)`, in flat arrays: bar by bar, each from its lowest row up."""
        self._make_room()
        series = self.series
        for run in self._stale("imbalances_at", first, end):
            cells = series.cells_of(run.start, run.stop)
            found = imbalances(series, run.start, run.stop, self.rule)
            self._cells.writable("buy")[cells], self._cells.writable("sell")[cells] = found
            self._bars.writable("imbalances_at")[run] = series.revision
            self.imbalances_computed += run.stop - run.start
        cells = series.cells_of(first, end)
        return Imbalances(self._cells["buy"][cells], self._cells["sell"][cells])

    def _refresh_areas(self, first: int, end: int) -> None:
        self._make_room()
        series = self.series
        for run in self._stale("areas_at", first, end):
            cells = series.cells_of(run.start, run.stop)
            volume = series.cell_buy[cells] + series.cell_sell[cells] + series.cell_unknown[cells]
            found = value_areas(volume, series.n_rows[run], self.percent, self.method)
            for name, rows in zip(("poc", "low", "high"), found, strict=True):
                self._bars.writable(name)[run] = series.first_row[run] + rows
            self._bars.writable("areas_at")[run] = series.revision
            self.value_areas_computed += run.stop - run.start

    def _stale(self, stamp: str, first: int, end: int) -> Iterator[slice]:
        """Yield slices of consecutive bars in `[first, end)` whose values have not been computed since the bars last changed."""
        stale = self._bars[stamp][first:end] < self.series.changed_at[first:end]
        for start, stop in np.flatnonzero(np.diff(stale, prepend=False, append=False)).reshape(-1, 2).tolist():
            yield slice(first + start, first + stop)

    def _make_room(self) -> None:
        if len(self._bars) != self.series.n_bars:
            self._bars.resize(self.series.n_bars)
        n_cells = len(self.series.cell_buy)
        if len(self._cells) != n_cells:
            self._cells.resize(n_cells)
