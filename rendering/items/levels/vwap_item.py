"""VWAP lines with bands at ±1 and ±2 σ: by day, week, month or anchored profile.

While the cells show digits the lines run under them, like other lines over the bars.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.analytics.anchored_vwap import SessionVwap, VwapSums
from app.analytics.bar_groups import session_starts
from app.market.price_grid import TICK_MIDDLE
from app.market.session import Period, TimeDivision
from app.market.span import Span
from rendering.hit_tests.hit_target import HitTarget
from rendering.hit_tests.vwap_hits import vwap_questions
from rendering.items.as_of import pane_after_moment
from rendering.items.bars.coverage_text import CoverageText
from rendering.items.bars.curve import bars_of_part, curves, draw_curves
from rendering.items.chart_item import OVER_CELLS_Z, READING_REST_S, UNDER_CELLS_Z, ChartItem
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.bar_at import bar_at
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_around

_BANDS = (1, 2)
_ALL_BANDS = np.array([-2, -1, 0, 1, 2])
_DRAWN_BANDS = (-2, 2, -1, 1, 0)
"""The bands in drawing order: the line last, on top."""
_NAMED_BANDS = (-2, 2, 0)
_LABEL_PX = 12.0
"""Space that is drawn again left of the changed bars, for the end of a label."""
_LINE_MARGIN_PX = 4.0
"""Space around a line that is drawn again, for its width and its rounded heights."""
_EARLIEST_NS, _LATEST_NS = -(1 << 62), (1 << 62)


@dataclass(frozen=True, slots=True)
class AnchorDivision:
    """A division of time into two parts: the time before an anchor, and the time from the anchor on."""

    anchor_ns: int

    def starts_ns(self, span: Span) -> np.ndarray:
        """The starts of both parts and the end of the second, for any span: earliest time, anchor, latest time, ns; int64."""
        return np.array([_EARLIEST_NS, self.anchor_ns, _LATEST_NS], np.int64)


class _Line:
    """One VWAP: its values, its label, the division of time that restarts it, and the time from which it is drawn (None: always)."""

    def __init__(self, sums: VwapSums, division: TimeDivision, label: str, from_ns: int | None = None) -> None:
        self.figures, self.division, self.label, self.from_ns = SessionVwap(sums, division), division, label, from_ns

    def bars(self, frame: Frame) -> tuple[int, int]:
        """Indices `[first, end)` of the bars in view plus one on each side, without bars before the VWAP's start."""
        first, end = bars_around(frame)
        series = frame.chart.series
        return (first if self.from_ns is None else max(first, series.index_of(series.times.number(self.from_ns)))), end


class LineName(NamedTuple):
    """The name at the end of a line, with the name's left end, vertical middle and width in logical pixels."""

    x: float
    y: float
    width: float
    text: str

    @property
    def region(self) -> QRectF:
        """The rectangle that contains the name, logical pixels."""
        return QRectF(self.x - 1, self.y - _LABEL_PX, self.width + 2, 2 * _LABEL_PX)


class VwapItem(ChartItem):
    """VWAP of each day or session, from its start to the start of the next, with bands; the base class of all VWAP layers.

    Trades after a session's close are included.
    """

    name = "vwap-day"
    title = "Daily VWAP"
    help = "VWAP of each day or session with ±1 and ±2 σ bands"
    help_page = "values.md#vwap-and-bands"
    keys = ("Alt+6",)
    shown_at_first = False
    z, z_without_digits = UNDER_CELLS_Z, OVER_CELLS_Z
    rest_s = READING_REST_S
    kept = True
    period: ClassVar[Period] = Period.DAY
    dash: ClassVar[Qt.PenStyle] = Qt.PenStyle.SolidLine
    label_off_px: ClassVar[float] = -7.0
    """Distance from the line to its label: early in a week or month two lines coincide, and their labels must not overlap."""

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels()
        self._sums: VwapSums | None = None
        self._cached_for: tuple[object, ...] = ()
        self._cached: tuple[_Line, ...] = ()
        self._ends: tuple[object, ...] = ()
        self._end_heights: list[np.ndarray] = []
        self._end_names: tuple[LineName, ...] = ()
        self._coverage_text = CoverageText()

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def legend(self, frame: Frame) -> str:
        """The legend text: the VWAP's period, and what is missing of the newest period; empty without bars."""
        if not frame.chart.series.n_bars:
            return ""
        division = frame.rules.hours.from_start(self.period)
        return f"VWAP {period_text(frame, self.period)} ± 1, 2 σ{self._coverage_text.of(frame, division)}"

    def changed(self, old: Frame, new: Frame) -> QRectF | list[QRectF] | None:
        before, self._ends = self._ends, self._newest(new)
        if _look(old) != _look(new) or before[:1] != self._ends[:1]:
            self._note_ends(new)
            return self.pane(new)
        series = new.chart.series
        if old.as_of != new.as_of:
            self._note_ends(new)
            return pane_after_moment(old, new, self.pane(new))
        changed = series.changed_since(old.revision)
        if before == self._ends and changed >= series.n_bars - 1:
            return None  # the last bar's lines have not moved by a pixel
        pane = self.pane(new)
        x = max(0.0, new.viewport.x(int(series.number[max(0, min(changed, series.n_bars - 1) - 1)])) - _LABEL_PX)
        heights_before, names_before = self._note_ends(new)
        if changed < series.n_bars - 1 or len(heights_before) != len(self._end_heights):
            return QRectF(x, 0, pane.right() - x, pane.height())
        return self._moved_ends(pane, x, heights_before, names_before)

    def _note_ends(self, frame: Frame) -> tuple[list[np.ndarray], tuple[LineName, ...]]:
        """Store the heights and names at the ends of the lines as drawn in a frame; return those stored before."""
        before = self._end_heights, self._end_names
        self._end_heights = [line for _, _, lines in self._line_ends(frame) for line in lines]
        self._end_names = frame.once(self._names)
        return before

    def _moved_ends(self, pane: QRectF, x: float, before: list[np.ndarray], names: tuple[LineName, ...]) -> list[QRectF]:
        """The regions to paint again right of `x`: around the last two bars of each line, and the old and new places of moved names."""
        parts: list[QRectF] = []
        for was, now in zip(before, self._end_heights, strict=True):
            top, bottom = min(was.min(), now.min()) - _LINE_MARGIN_PX, max(was.max(), now.max()) + _LINE_MARGIN_PX
            parts.append(QRectF(x, top, pane.right() - x, bottom - top) & pane)
        return parts + [name.region & pane for name in {*names} ^ {*self._end_names}]

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """Hit targets of the VWAP lines and bands under the mouse."""
        if not frame.layout.price.holds(x, y):
            return []
        bar = bar_at(frame, x)
        found: list[HitTarget] = []
        for line in self._lines(frame) if bar is not None else ():
            first, end = line.bars(frame)
            if bar is not None and first <= bar < end:
                price, deviation = line.figures.values(bar, bar + 1)
                levels = {band: float(heights(frame, price + band * deviation)[0]) for band in (0, -1, 1, -2, 2)}
                found += vwap_questions(frame, line.label, line.division, bar, levels, y)
        return found

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        part = bars_of_part(frame, exposed, dashed=True)
        for line in self._lines(frame):
            first, end = max(part[0], line.bars(frame)[0]), part[1]
            if end > first:
                self._draw_line(painter, frame, exposed, line, first, end)
        for name in frame.once(self._names):
            if name.region.intersects(exposed):
                self._labels.draw(painter, name.x, name.y, name.text, frame.theme.vwap)

    def _draw_line(self, painter: QPainter, frame: Frame, exposed: QRectF, line: _Line, first: int, end: int) -> None:
        theme = frame.theme
        price, deviation = line.figures.values(first, end)
        sessions = session_starts(frame.chart.series, first, end, line.division)
        *bands, middle = curves(frame, first, end, [heights(frame, price + band * deviation) for band in _DRAWN_BANDS], sessions)
        draw_curves(painter, QPen(qcolor(theme.vwap_band), 1.0, Qt.PenStyle.DotLine), exposed, bands)
        draw_curves(painter, QPen(qcolor(theme.vwap), 1.8, self.dash), exposed, (middle,))

    def _names(self, frame: Frame) -> tuple[LineName, ...]:
        """The names at the right ends of the lines and of their ±2 σ bands."""
        names: list[LineName] = []
        for line in self._lines(frame):
            first, end = line.bars(frame)
            if end <= first:
                continue
            first = max(first, end - 2 - math.ceil(3 / (frame.viewport.bar_px * frame.dpr)))  # those of the last pixel
            price, deviation = line.figures.values(first, end)
            at_bands = [heights(frame, price + band * deviation) for band in _NAMED_BANDS]
            for band, found in zip(_NAMED_BANDS, curves(frame, first, end, at_bands, np.zeros(end - first, np.int64)), strict=True):
                text = f"{line.label}{f' {band:+d}σ' if band else ''}".replace("-", "−")
                width = self._labels.width(text)
                x = min(float(found.x[-1]) + 4, frame.layout.price.right - width - 2)
                names.append(LineName(x, float(found.y[-1]) + self.label_off_px, width, text))
        return tuple(names)

    def _lines(self, frame: Frame) -> tuple[_Line, ...]:
        sums = frame.chart.vwap_sums
        if self._sums is not sums:
            self._sums, self._cached_for = sums, ()
        requests = self._requests(frame)
        if requests != self._cached_for or not self._cached:
            self._cached = tuple(_Line(sums, *request) for request in requests)
            self._cached_for = requests
        return self._cached

    def _requests(self, frame: Frame) -> tuple[tuple[TimeDivision, str, int | None], ...]:
        """For each VWAP to draw, the division of time that restarts it, its label, and the time from which it is drawn (None: always)."""
        return ((frame.rules.hours.from_start(self.period), f"VWAP {period_text(frame, self.period)}", None),)

    def _newest(self, frame: Frame) -> tuple[object, ...]:
        """Values that differ after a visible change: the VWAPs drawn, and the heights of their right ends in half device pixels."""
        self._lines(frame)
        ends: list[object] = [self._cached_for]
        for _, end, lines in self._line_ends(frame):
            ends.append((end, *(round(float(line[-1]) * 2 * frame.dpr) for line in lines)))
        return tuple(ends)

    def _line_ends(self, frame: Frame) -> list[tuple[int, int, np.ndarray]]:
        """For each VWAP in view, the indices `[first, end)` of its last two bars, and the heights there, one row per band."""
        found: list[tuple[int, int, np.ndarray]] = []
        for line in self._lines(frame):
            first, end = line.bars(frame)
            if end > first:
                first = max(first, end - 2)
                price, deviation = line.figures.values(first, end)
                found.append((first, end, heights(frame, price + _ALL_BANDS[:, None] * deviation)))
        return found


class WeekVwapItem(VwapItem):
    """VWAP of each week, from the start of its first session, e.g. Monday's."""

    name = "vwap-week"
    title = "Weekly VWAP"
    help = "VWAP of each week with ±1 and ±2 σ bands"
    help_page = "values.md#vwap-and-bands"
    keys = ("Alt+7",)
    period = Period.WEEK
    dash = Qt.PenStyle.DashLine
    label_off_px = 7.0


class MonthVwapItem(VwapItem):
    """VWAP of each calendar month, from the start of its first session."""

    name = "vwap-month"
    title = "Monthly VWAP"
    help = "VWAP of each month with ±1 and ±2 σ bands"
    help_page = "values.md#vwap-and-bands"
    keys = ("Alt+8",)
    period = Period.MONTH
    dash = Qt.PenStyle.DashDotLine
    label_off_px = 19.0


class AnchoredVwapItem(VwapItem):
    """VWAP from the first bar of each anchored profile; range profiles and composites have none."""

    name = "vwap-anchored"
    title = "Anchored VWAP"
    help = "VWAP from the start of each anchored profile, with ±1 and ±2 σ bands"
    help_page = "values.md#vwap-and-bands"
    keys = ("Alt+9",)

    def legend(self, frame: Frame) -> str:
        return "anchored VWAP ± 1, 2 σ" if self._requests(frame) else ""

    def _requests(self, frame: Frame) -> tuple[tuple[TimeDivision, str, int | None], ...]:
        series = frame.chart.series
        if not series.n_bars:
            return ()
        anchored = [placed for placed in frame.chart.anchors.profiles if placed.end_ns is None and not placed.is_composite]
        found: list[tuple[TimeDivision, str, int | None]] = []
        for placed in anchored:
            start_ns = series.times.start_ns(series.times.number(placed.start_ns))  # an anchor is a bar
            found.append((AnchorDivision(start_ns), f"VWAP {placed.name}", start_ns))
        return tuple(found)


def period_text(frame: Frame, period: Period) -> str:
    """The name of a period, e.g. week; a day is called session if the chart has trading hours."""
    return frame.rules.hours.unit if period is Period.DAY else period.value


def heights(frame: Frame, ticks: np.ndarray) -> np.ndarray:
    """Y positions of prices in ticks, logical pixels from the top of the price pane; a whole number of ticks is at its tick's middle."""
    viewport = frame.viewport
    return viewport.height_px - (ticks + TICK_MIDDLE - viewport.low_ticks) * viewport.tick_px


def _look(frame: Frame) -> tuple[object, ...]:
    return frame.viewport, frame.generation
