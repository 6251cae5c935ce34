"""The as-of view: its moment, the gaps known at that moment, and its text on the chart.

The moment is the close of a bar. Values are those of a chart with all trades up to that bar's last trade, and without later
trades; a level that only the next bar's first trade reveals is not there yet. While the mouse is on the bar in progress, or to
the right of that bar, the chart shows all bars.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF

from app.market.times import clock_on_day_text
from rendering.view.frame import Frame

if TYPE_CHECKING:
    from app.analytics.footprint import FootprintSeries
    from app.storage.trade_store import Gap
    from rendering.view.layout import PaneLayout
    from rendering.view.viewport import Viewport

_LINE_PX = 4.0
"""Margin for the width and the rounded ends of lines."""


class AsOf:
    """The moment of the as-of view: the close of the bar under the mouse, a fixed time, or none.

    Attributes
    ----------
    held : bool
        Whether the moment follows the mouse while it is over the bars.
    kept_ns : int or None
        A fixed moment: values use the bars that had closed by then. It is a time, not a bar number, because bars may be numbered again.
    """

    def __init__(self, kept_ns: int | None = None) -> None:
        self.held = False
        self.kept_ns = kept_ns

    def bar(self, series: FootprintSeries, pointed: int | None) -> int | None:
        """The number of the last bar that values may use; None if they may use all bars, or there are none.

        Parameters
        ----------
        series : FootprintSeries
        pointed : int or None
            Number of the bar under the mouse, even without trades.
        """
        if not series.n_bars:
            return None
        if self.held and pointed is not None:
            bar = pointed
        elif self.kept_ns is not None:
            bar = series.times.number(self.kept_ns) - 1
        else:
            return None
        return None if bar >= int(series.number[-1]) else max(bar, int(series.number[0]))


def pointed_bar(layout: PaneLayout, viewport: Viewport, cursor: tuple[float, float] | None) -> int | None:
    """Number of the bar under the mouse, even without trades; None unless the mouse is over a pane with bars or the time axis."""
    if cursor is None or not 0 <= cursor[0] < layout.price.right or cursor[1] >= layout.time_axis.bottom:
        return None
    return math.floor(viewport.bar_at(cursor[0]))


def closed_ns(series: FootprintSeries, bar: int) -> int:
    """The time at which the bar with a given number closes, ns: the start time of the next bar."""
    return series.times.start_ns(bar + 1)


def moment_ns(frame: Frame) -> int | None:
    """The moment of the as-of view, ns; None if values use all bars."""
    return None if frame.as_of is None else closed_ns(frame.chart.series, frame.as_of)


def known_gaps(frame: Frame) -> list[Gap]:
    """The gaps that start before the as-of moment, or all gaps without an as-of moment; gaps that have been filled are left out."""
    until_ns = moment_ns(frame)
    return [gap for gap in frame.chart.holes if until_ns is None or gap.start_ns < until_ns]


def pane_after_moment(old: Frame, new: Frame, pane: QRectF) -> QRectF:
    """The part of a pane to repaint when the as-of moment moves, as a rectangle in logical pixels.

    It starts two bars before the earlier of the two moments, where lines may change, and ends at the pane's right edge.
    """
    left = max(pane.left(), min(old.known_x, new.known_x) - 2 * new.viewport.bar_px - _LINE_PX)
    return QRectF(left, pane.top(), pane.right() - left, pane.height())


def as_of_text(frame: Frame) -> str:
    """The as-of moment as text, e.g. `AS OF 14:31 UTC`; empty without an as-of moment.

    The text includes the date unless the newest bar starts on the same date.
    """
    time_ns = moment_ns(frame)
    if time_ns is None:
        return ""
    series = frame.chart.series
    return f"AS OF {clock_on_day_text(time_ns, series.start_ns(series.n_bars - 1), seconds=series.times.fine)} UTC"
