"""Gaps: hatched bands over the times of missing trades, each with the number of missing trades if that is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QPainter

from rendering.items.chart_item import ChartItem
from rendering.style.text import Labels, qcolor
from rendering.view.frame import Frame, once_a_frame
from rendering.view.frame_coords import hairline

if TYPE_CHECKING:
    from app.storage.trade_store import Gap

_LEAST_PX = 6.0
"""Minimum width of a band: even a gap of one second must be visible."""
_LABEL_PX = 16.0


class GapBand(NamedTuple):
    """The band of one gap, or of several that touch on the screen: the band's edges in logical pixels, and the number of missing trades.

    `missing` is 0 if the number is unknown, and with `at_least` it is unknown for one of several gaps.
    """

    left: float
    right: float
    missing: int
    at_least: bool = False

    @property
    def text(self) -> str:
        """The label of the band, e.g. `⚠ 12 trades missing`, or `⚠ trades may be missing` if their number is unknown."""
        if not self.missing:
            return "⚠ trades may be missing"
        return f"⚠ {'at least ' if self.at_least else ''}{self.missing:,} trade{'' if self.missing == 1 else 's'} missing"


class GapItem(ChartItem):
    """The bands that mark gaps: they cover all panes with bars, and lie under the legend."""

    z = 55.0

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(bold=True)
        self._shown: tuple[GapBand, ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        return QRectF(0, 0, frame.layout.price.right, frame.layout.time_axis.top)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._shown = self._shown, visible_bands(new)
        return None if before == self._shown else self.pane(new)

    def draws_nothing(self, frame: Frame) -> bool:
        return not visible_bands(frame)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        theme, height = frame.theme, frame.layout.time_axis.top
        hatch = QBrush(qcolor(theme.hole.faded(0.55)), Qt.BrushStyle.BDiagPattern)
        for band in visible_bands(frame):
            if band.left > exposed.right() or band.right < exposed.left():
                self._draw_label(painter, frame, band, exposed)  # it may be wider than its band
                continue
            rect = QRectF(band.left, 0, band.right - band.left, height)
            painter.setBrushOrigin(QPointF(band.left, 0))  # the hatching moves with the band
            painter.fillRect(rect, qcolor(theme.hole.faded(0.10)))
            painter.fillRect(rect, hatch)
            for x in (band.left, band.right - hairline(frame)):
                painter.fillRect(QRectF(x, 0, hairline(frame), height), qcolor(theme.hole))
            self._draw_label(painter, frame, band, exposed)

    def _draw_label(self, painter: QPainter, frame: Frame, band: GapBand, exposed: QRectF) -> None:
        pane = frame.layout.price
        width = self._labels.width(band.text) + 10
        left = min(max((band.left + band.right - width) / 2, 0.0), max(0.0, pane.width - width))
        rect = QRectF(left, pane.bottom - _LABEL_PX - 4, width, _LABEL_PX)
        if not rect.intersects(exposed):
            return
        painter.fillRect(rect, qcolor(frame.theme.panel._replace(alpha=255)))
        self._labels.draw(painter, rect.left() + 5, rect.center().y(), band.text, frame.theme.hole_text)


@once_a_frame
def visible_bands(frame: Frame) -> tuple[GapBand, ...]:
    """The bands of the gaps in view, from left to right.

    Gaps that touch on the screen share a band, which has the sum of their missing trades: a minimum, if the number of one is unknown.
    """
    if not frame.chart.holes:
        return ()
    times, viewport = frame.chart.series.times, frame.viewport
    bands: list[GapBand] = []
    for gap in _in_view(frame, frame.chart.holes):
        left = viewport.x(times.position(gap.start_ns))
        right = max(viewport.x(times.position(gap.end_ns)), left + _LEAST_PX)
        if bands and left <= bands[-1].right:
            last = bands.pop()
            at_least = last.at_least or not gap.missing
            bands.append(GapBand(last.left, max(last.right, right), last.missing + gap.missing, at_least))
        else:
            bands.append(GapBand(left, right, gap.missing, not gap.missing))
    return tuple(band._replace(left=max(0.0, band.left), right=min(viewport.width_px, band.right)) for band in bands)


def _in_view(frame: Frame, gaps: Sequence[Gap]) -> list[Gap]:
    first, last = frame.viewport.visible_bars()
    times = frame.chart.series.times
    start_ns, end_ns = times.start_ns(first), times.start_ns(last + 1)
    return [gap for gap in gaps if gap.start_ns < end_ns and gap.end_ns >= start_ns]
