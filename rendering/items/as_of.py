"""Looking at the chart as it was known at an earlier moment: which moment that is, and how it is written.

The moment is the close of a bar. Figures then hold what a chart would hold that was fed the trades up to the last one of that bar
and not one more; so a level that the next bar's first trade brings to light is not there yet. The bar in progress, and all to
the right of it, is now.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF

from rendering.style.axis_labels import clock_text, date_text
from rendering.view.frame import Frame

if TYPE_CHECKING:
    from app.analytics.footprint import FootprintSeries
    from app.storage.trade_store import Gap
    from rendering.view.layout import PaneLayout
    from rendering.view.viewport import Viewport

_LINE_PX = 4.0
"""Lines are a little wide, and their ends a little round."""


class AsOf:
    """From which moment the user looks: now, that of the bar under the mouse, or one that is kept.

    Attributes
    ----------
    held : bool
        Whether the moment follows the mouse, as long as that is over the bars.
    kept_ns : int or None
        A moment that stays: known are the bars that had closed by then. A time, because bars may get other numbers.
    """

    def __init__(self, kept_ns: int | None = None) -> None:
        self.held = False
        self.kept_ns = kept_ns

    def bar(self, series: FootprintSeries, pointed: int | None) -> int | None:
        """The number of the last bar that is known; None for now.

        Parameters
        ----------
        series : FootprintSeries
        pointed : int or None
            Number of the bar under the mouse, whether or not it traded.
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
    """Number of the bar under the mouse, whether or not it traded; None when it is not over the panes of the bars."""
    if cursor is None or not 0 <= cursor[0] < layout.price.right or cursor[1] >= layout.time_axis.bottom:
        return None
    return math.floor(viewport.bar_at(cursor[0]))


def closed_ns(series: FootprintSeries, bar: int) -> int:
    """When a bar closed, by its number: of bars that are not of time, when the next one opened."""
    return series.times.start_ns(bar + 1)


def moment_ns(frame: Frame) -> int | None:
    """When the last bar that is known closed; None for now."""
    return None if frame.as_of is None else closed_ns(frame.chart.series, frame.as_of)


def known_gaps(frame: Frame) -> list[Gap]:
    """Trades that are missing among those up to the moment. A gap that is filled by now is none: the tape is what is held of it today."""
    until_ns = moment_ns(frame)
    return [hole for hole in frame.chart.holes if until_ns is None or hole.start_ns < until_ns]


def pane_after_moment(old: Frame, new: Frame, pane: QRectF) -> QRectF:
    """What of a pane lies behind the earlier of two moments, with the two bars before it: where lines that end there look different."""
    left = max(pane.left(), min(old.known_x, new.known_x) - 2 * new.viewport.bar_px - _LINE_PX)
    return QRectF(left, pane.top(), pane.right() - left, pane.height())


def as_of_text(frame: Frame) -> str:
    """The moment as it is written on the chart, as `AS OF 14:31 UTC`, with its day unless that is the newest bar's; empty for now."""
    time_ns = moment_ns(frame)
    if time_ns is None:
        return ""
    series = frame.chart.series
    day, newest = date_text(time_ns), date_text(series.start_ns(series.n_bars - 1))
    clock = clock_text(time_ns, seconds=series.times.fine)
    return f"AS OF {clock if day == newest else f'{day} {clock}'} UTC"
