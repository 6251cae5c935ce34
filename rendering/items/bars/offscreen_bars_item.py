"""Counts of the bars above and below the visible prices, shown at the upper and lower edge of the price pane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from rendering.items.chart_item import ChartItem
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.frame import Frame, once_a_frame
from rendering.view.frame_coords import bars_in_view
from rendering.view.layout import CHAR_ASPECT, LEGEND_TEXT_PX, LEGEND_TOP, LINE_PX

_RIGHT_PX, _PADDING_PX, _FOOT_PX = 10.0, 7.0, 4.0


class OffscreenBars(NamedTuple):
    """Counts of the bars at visible times that lie completely above, and completely below, the visible prices."""

    above: int
    below: int

    @property
    def texts(self) -> tuple[str, str]:
        """The texts for the upper and the lower edge, e.g. `▲ 3 bars above`; a text is empty if its count is 0."""
        return _text("▲", self.above, "above"), _text("▼", self.below, "below")


class OffscreenBarsItem(ChartItem):
    """Texts at the upper and lower right of the price pane that count the bars above and below the visible prices."""

    z = 81.0

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(LEGEND_TEXT_PX)
        self._shown = OffscreenBars(0, 0)

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> list[QRectF]:
        before, self._shown = self._shown, count_offscreen_bars(new)
        pairs = zip(_rects(old, before.texts), _rects(new, self._shown.texts), before.texts, self._shown.texts, strict=True)
        return [rect for was, now, old_text, text in pairs if (was, old_text) != (now, text) for rect in (was, now) if not rect.isEmpty()]

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        texts = count_offscreen_bars(frame).texts
        for rect, text in zip(_rects(frame, texts), texts, strict=True):
            if text and rect.intersects(exposed):
                painter.fillRect(rect, qcolor(frame.theme.panel))
                self._labels.draw(painter, rect.left() + _PADDING_PX, rect.center().y(), text, frame.theme.text)


@once_a_frame
def count_offscreen_bars(frame: Frame) -> OffscreenBars:
    """Count the bars at visible times that lie completely above, and completely below, the visible prices, up to the as-of moment."""
    first, end = bars_in_view(frame)
    series, (low, high) = frame.chart.series, frame.viewport.visible_ticks()
    return OffscreenBars(int(np.count_nonzero(series.low[first:end] > high)), int(np.count_nonzero(series.high[first:end] < low)))


def _text(shape: str, bars: int, where: str) -> str:
    return f"{shape} {bars:,} bar{'s' if bars > 1 else ''} {where}" if bars else ""


def _rects(frame: Frame, texts: tuple[str, str]) -> tuple[QRectF, QRectF]:
    pane = frame.layout.price
    widths = [len(text) * CHAR_ASPECT * LEGEND_TEXT_PX + 2 * _PADDING_PX if text else 0.0 for text in texts]
    tops = LEGEND_TOP + LINE_PX + _FOOT_PX, pane.bottom - LINE_PX - _FOOT_PX  # under the badge, and below a notice
    rects = (QRectF(pane.right - _RIGHT_PX - width, top, width, LINE_PX) for width, top in zip(widths, tops, strict=True))
    above, below = (rect if rect.width() else QRectF() for rect in rects)
    return above, below
