"""The visible bars and prices of a chart, and how they move with the market.

The view follows the newest bar until the user moves away from that bar. After a change of bar type or row size the view stays at its
price, and at its time or the newest bar.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rendering.view.viewport import Viewport

if TYPE_CHECKING:
    from app.chart.chart import Chart

_BAR_PX, _ROW_PX = 112.0, 17.0
"""Size of a bar and a row at first: digits of the usual size have space around them."""
_MIN_ROW_PX = 13.0
_RIGHT_MARGIN_PX = 12.0
_LAST_PRICE_ZONE = 0.3
"""At first the last price is at most this share of the height away from the middle."""
_SCROLL_ZONE, _SCROLL_BY = 0.06, 0.25
"""Shares of the height: a last price nearer to an edge than the first scrolls the view by the second, seldom but visibly."""


class ViewState:
    """The visible bars and prices of one chart, and whether they follow the newest bar.

    Parameters
    ----------
    chart : Chart
        The chart shown; it may still be empty, then the view is fitted when the first bars arrive.
    width_px, height_px : float
        Size of the price pane, logical pixels.

    Attributes
    ----------
    viewport : Viewport
        The visible bars and prices.
    following : bool
        Whether the view moves on with each new bar.
    """

    def __init__(self, chart: Chart, width_px: float, height_px: float) -> None:
        self.chart = chart
        self.viewport: Viewport = Viewport(0.0, _BAR_PX, 0.0, _ROW_PX / chart.series.grid.ticks_per_row, width_px, height_px)
        self.following = True
        self._fitted = self._moved_by_hand = False
        self._last_number = self._middle_ns = 0
        self._times = chart.series.times
        self._shown = (chart.generation, chart.series.rule, chart.series.grid)

    def move_to(self, viewport: Viewport) -> None:
        """Move the view to a viewport; it follows the newest bar from then on if that bar is in view."""
        self.viewport = viewport
        self._fitted = self._moved_by_hand = True
        self._note_middle()
        if self.chart.series.n_bars:
            first, last = viewport.visible_bars()
            self.following = first <= int(self.chart.series.number[-1]) <= last

    def resize(self, width_px: float, height_px: float) -> None:
        """Set the size of the price pane, logical pixels; the bar at the right edge and the middle price stay in place."""
        if (width_px, height_px) != (self.viewport.width_px, self.viewport.height_px):
            self.viewport = self.viewport.resized(width_px, height_px)

    def show_last(self, n_bars: int | None = None) -> None:
        """Show and follow the newest bars: `n_bars` of them, or as many as fit with legible cells."""
        self.following, self._moved_by_hand = True, False
        series = self.chart.series
        if not series.n_bars:
            self._fitted = False
            return
        last, free = int(series.number[-1]), self.viewport.width_px - _RIGHT_MARGIN_PX
        bar_px = _BAR_PX if n_bars is None else max(0.02, free / max(n_bars, 1))
        vp = replace(self.viewport, bar_px=bar_px).with_bar_at(last + 1, free)
        self.viewport = self._fitted_to_rows(vp)
        self._fitted, self._last_number = True, last

    def show_all(self) -> None:
        """Show every bar and every price, and follow the newest bar; do nothing without bars."""
        series = self.chart.series
        if series.n_bars:
            self.show_last(int(series.number[-1] - series.number[0]) + 1)
            lowest, highest = series.price_range()
            self.viewport = self.viewport.fitted(lowest, highest + 1)

    def fit_price(self) -> None:
        """Fit the visible prices to the bars in view; do nothing if there are none."""
        series = self.chart.series
        first, last = self.viewport.visible_bars()
        start, end = series.index_of(first), series.index_of(last + 1)
        if end > start:
            self.viewport = self.viewport.fitted(int(series.low[start:end].min()), int(series.high[start:end].max()) + 1)

    def go_to_newest(self) -> None:
        """Move to the newest bar, and to its close if that is out of view, and follow the newest bar; the scale does not change."""
        series, vp = self.chart.series, self.viewport
        self.following = True
        if series.n_bars:
            last, close = int(series.number[-1]), int(series.close[-1])
            vp = vp.with_bar_at(last + 1, vp.width_px - _RIGHT_MARGIN_PX)
            self.viewport = vp if 0 < vp.y(close + 0.5) < vp.height_px else vp.centred(close + 0.5)
            self._fitted, self._last_number = True, last

    def take_after(self, other: ViewState) -> None:
        """Copy the view of another chart of the same market; the newest bars of both charts may differ."""
        self.viewport, self.following = other.viewport, other.following
        self._fitted, self._last_number = other._fitted, other._last_number
        if self.chart is other.chart:
            self._shown = other._shown

    def move_with_the_market(self) -> None:
        """Adjust the view to new trades, new bars, and another bar type or row size; called once per frame."""
        series = self.chart.series
        if not series.n_bars:
            return
        last = int(series.number[-1])
        if not self._fitted:
            self.show_last()
        elif self._shown != (self.chart.generation, series.rule, series.grid):
            self._keep_place()
        elif self.following:
            if last != self._last_number:
                self.viewport = self.viewport.following(self._last_number, last)
            self.viewport = self._with_price_in_view(self.viewport, int(series.close[-1]))
        self._last_number = last
        self._shown = (self.chart.generation, series.rule, series.grid)
        self._times = series.times
        self._note_middle()

    def _note_middle(self) -> None:
        """Store the time in the middle of the view, so that this time stays in the middle after a change of bars."""
        self._middle_ns = self._times.at(self.viewport.bar_at(self.viewport.width_px / 2))

    def _keep_place(self) -> None:
        """After a change of bars or rows, keep the sizes of both in pixels, the middle price, and the middle time.

        While the view follows the newest bar, it keeps the place of that bar instead of the middle time.
        """
        generation, rule, grid = self._shown
        series, vp = self.chart.series, self.viewport
        if grid != series.grid:
            middle = vp.ticks_at(vp.height_px / 2) * float(grid.tick_size / series.grid.tick_size)
            vp = replace(vp, tick_px=vp.tick_px * grid.ticks_per_row / series.grid.ticks_per_row).centred(middle)
        if rule == series.rule and (rule.is_time or generation == self.chart.generation):
            self.viewport = vp
        elif rule == series.rule:  # older trades were loaded, and bars are numbered differently now
            where = series.times.position(self._middle_ns)
            follow = vp.following(self._last_number, int(series.number[-1]))
            self.viewport = follow if self.following else vp.with_bar_at(where, vp.width_px / 2)
        elif self.following:
            self.viewport = vp.with_bar_at(int(series.number[-1]) + 1, vp.width_px - _RIGHT_MARGIN_PX)
        else:
            self.viewport = vp.with_bar_at(series.times.number(self._middle_ns), vp.width_px / 2)

    def _with_price_in_view(self, vp: Viewport, close: int) -> Viewport:
        y = vp.y(close + 0.5)
        zone, step = _SCROLL_ZONE * vp.height_px, _SCROLL_BY * vp.height_px
        if not -step < y < vp.height_px + step:  # the user has moved to other prices, or history has just been loaded
            return vp if self._moved_by_hand else self._fitted_to_rows(vp)
        if y < zone:
            return vp.panned(0, step)
        return vp.panned(0, -step) if y > vp.height_px - zone else vp

    def _fitted_to_rows(self, vp: Viewport) -> Viewport:
        """A viewport fitted to the prices of the bars in view; rows stay legible if bars are at least as wide as by default.

        If not all prices fit, the last price stays near the middle.
        """
        series = self.chart.series
        first, last = vp.visible_bars()
        start, end = series.index_of(first), series.index_of(last + 1)
        if end <= start:
            return vp
        rows = series.grid.ticks_per_row
        low, high = int(series.low[start:end].min()), int(series.high[start:end].max()) + rows
        fitted = vp.fitted(low, high)
        if vp.bar_px < _BAR_PX:
            return fitted
        row_px = min(max(fitted.tick_px * rows, _MIN_ROW_PX), _ROW_PX)
        legible = replace(vp, tick_px=row_px / rows)
        max_offset = _LAST_PRICE_ZONE * vp.height_px / legible.tick_px
        close = int(series.close[-1]) + 0.5
        return legible.centred(min(max((low + high) / 2, close - max_offset), close + max_offset))
