"""TPO profiles of sessions over their bars: letters where they fit, else blocks.

Collapsed, the letters of a row are side by side from the session's left edge; split, each bracket is drawn at its own time.
Rows take their edges from the same rounded pixels as the cells.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from app.analytics.bar_groups import first_bar_at
from app.analytics.tpo import TpoProfile, TpoSessions, bars_fit_brackets
from app.market.span import Span
from rendering.hit_tests.flow_hits import letters_question
from rendering.hit_tests.hit_target import HitTarget
from rendering.items.chart_item import OVER_CELLS_Z, READING_REST_S, UNDER_CELLS_Z, ChartItem
from rendering.style.colour import Colour
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view, price_y
from rendering.view.layout import CHAR_ASPECT

_TEXT_PX = 10
_LETTER_PX = CHAR_ASPECT * _TEXT_PX
_BLOCK_PX = 5.0
_MAX_LETTERS = 3000
"""Maximum number of letters in view; more would be neither legible nor fast."""


class DrawnSession(NamedTuple):
    """A session in view: its letters, and its left and right edge in logical pixels."""

    letters: TpoProfile
    left: float
    right: float


class TpoItem(ChartItem):
    """Collapsed TPO profiles: each row's letters side by side."""

    name, title = "tpo", "TPO, collapsed"
    help = "TPO letters of each session, collapsed"
    help_page = "values.md#tpo"
    shown_at_first = False
    z, z_without_digits = UNDER_CELLS_Z, OVER_CELLS_Z
    rest_s = READING_REST_S
    kept = True
    split = False

    def __init__(self) -> None:
        super().__init__()
        self._sessions = TpoSessions()
        self._labels = Labels(_TEXT_PX)
        self._key: tuple[object, ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def legend(self, frame: Frame) -> str:
        rules, series = frame.rules, frame.chart.series
        if not bars_fit_brackets(series.rule.length_ns, 0, rules.tpo.bracket_ns):
            return f"TPO {rules.tpo.bracket}: needs time bars that divide the bracket evenly"
        return f"TPO {rules.tpo.bracket} by {rules.hours.unit}"

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._key = self._key, (new.viewport, new.generation, new.rules, *self.sessions(new))
        return None if before == self._key else self.pane(new)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        for session in self.sessions(frame):
            if session.right - session.left >= 2:
                self._draw_session(painter, frame, session)

    def sessions(self, frame: Frame) -> list[DrawnSession]:
        """The sessions in view, oldest first.

        Trades between two sessions belong to neither and have no letters.
        """
        series, bracket_ns, viewport = frame.chart.series, frame.rules.tpo.bracket_ns, frame.viewport
        start, end = bars_in_view(frame)
        if start >= end:
            return []
        found: list[DrawnSession] = []
        for span in frame.rules.hours.sessions(Span(series.start_ns(start), series.start_ns(end - 1) + 1)):
            begin, until = first_bar_at(series, span.start_ns), min(first_bar_at(series, span.end_ns), frame.known_end)
            if begin < until and bars_fit_brackets(series.rule.length_ns, span.start_ns, bracket_ns):
                letters = self._sessions.of(series, begin, until, span, bracket_ns)
                left, right = (viewport.x(int(series.number[bar]) + after) for bar, after in ((begin, 0), (until - 1, 1)))
                found.append(DrawnSession(letters, left, right))
        return found

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """Hit targets of the letters in the row under the mouse."""
        if not frame.layout.price.holds(x, y):
            return []
        row = frame.chart.series.grid.row(math.floor(frame.viewport.ticks_at(y)))
        under = [session.letters for session in self.sessions(frame) if session.left <= x < session.right]
        return [letters_question(frame, letters, row) for letters in under if 0 <= row - letters.first_row < len(letters.marks)]

    def _draw_session(self, painter: QPainter, frame: Frame, session: DrawnSession) -> None:
        letters, theme, rule = session.letters, frame.theme, frame.rules.value_area
        area = letters.value_area(rule.percent, rule.method)
        left, right = max(0.0, session.left), min(session.right, frame.viewport.width_px)
        height = frame.chart.series.grid.ticks_per_row
        top, bottom = price_y(frame, (area.high_row + 1) * height), price_y(frame, area.low_row * height)
        painter.fillRect(QRectF(left, top, right - left, bottom - top), qcolor(theme.value_area_fill))
        middle = price_y(frame, (area.poc_row + 0.5) * height) + 0.5
        painter.setPen(QPen(qcolor(theme.poc.faded(0.5) if self.split else theme.poc), 1))
        heaviest = int(letters.counts[area.poc_row - letters.first_row])
        # the line starts where the letters end
        offset = 0.0 if self.split else 8 + heaviest * min(_LETTER_PX, self._letter_room(frame, session))
        painter.drawLine(QLineF(min(left + offset, right), middle, right, middle))
        self._draw_rows(painter, frame, session, (area.low_row, area.high_row, area.poc_row))
        painter.setPen(QPen(qcolor(theme.text_muted), 1, Qt.PenStyle.DotLine))
        half = price_y(frame, float(letters.midpoint_ticks) + 0.5) + 0.5
        painter.drawLine(QLineF(left, half, right, half))
        balance = letters.initial_balance
        if balance is not None and session.left >= 0:
            high, low = price_y(frame, balance[1] + 1), price_y(frame, balance[0])
            painter.fillRect(QRectF(session.left, high, 3, low - high), qcolor(theme.live))
        foot = price_y(frame, letters.first_row * height) + _TEXT_PX
        text = f"RF {letters.rotation_factor:+d}"
        if right - left > self._labels.width(text) + 8:
            self._labels.draw(painter, left + 5, foot, text, theme.text_muted)

    def _draw_rows(self, painter: QPainter, frame: Frame, session: DrawnSession, area: tuple[int, int, int]) -> None:
        letters, height = session.letters, frame.chart.series.grid.ticks_per_row
        low, high = frame.viewport.visible_ticks()
        first = max(letters.first_row, low // height)
        end = min(letters.first_row + len(letters.marks), high // height + 1)
        if first >= end:
            return
        rows = np.arange(first, end)
        marks = letters.marks[first - letters.first_row : end - letters.first_row]
        colours = _row_colours(frame, rows, marks.sum(axis=1), area, letters)
        letters_allowed = frame.rules.tpo.draw == "auto" and frame.row_px >= _TEXT_PX
        if letters_allowed and marks.sum() <= _MAX_LETTERS and self._letter_room(frame, session) >= _LETTER_PX:
            self._draw_letters(painter, frame, session, rows, colours)
        else:
            self._draw_blocks(painter, frame, session, rows, marks, colours)

    def _letter_room(self, frame: Frame, session: DrawnSession) -> float:
        """Width available for each letter of a session, logical pixels."""
        letters = session.letters
        if self.split:
            return letters.bracket_ns / frame.chart.series.rule.length_ns * frame.viewport.bar_px
        return (session.right - session.left - 6) / max(1, int(letters.counts.max()))

    def _draw_letters(self, painter: QPainter, frame: Frame, session: DrawnSession, rows: np.ndarray, colours: list[Colour]) -> None:
        height, first = frame.chart.series.grid.ticks_per_row, session.letters.first_row
        lines = session.letters.letters()
        left, room = max(0.0, session.left) + 5, self._letter_room(frame, session)
        ground = qcolor(frame.theme.background.faded(0.7))
        row: int
        for row, colour in zip(rows.tolist(), colours, strict=True):
            top, bottom = price_y(frame, (row + 1) * height), price_y(frame, row * height)
            y = (top + bottom) / 2
            if not self.split:
                painter.fillRect(QRectF(left - 2, top, _LETTER_PX * len(lines[row - first]) + 4, bottom - top), ground)
                self._labels.draw(painter, left, y, lines[row - first], colour)
                continue
            for letter, bracket in zip(lines[row - first], np.flatnonzero(session.letters.marks[row - first]).tolist(), strict=True):
                x = self._bracket_x(frame, session.letters, bracket)
                if -room < x < frame.viewport.width_px:
                    self._labels.draw(painter, x + room / 2, y, letter, colour, 0.5)

    def _draw_blocks(
        self, painter: QPainter, frame: Frame, session: DrawnSession, rows: np.ndarray, marks: np.ndarray, colours: list[Colour]
    ) -> None:
        """Draw letters as coloured blocks: an image with one pixel per bracket, scaled to the width of the blocks."""
        height, grid = frame.chart.series.grid.ticks_per_row, frame.pixels
        filled = marks if self.split else np.arange(int(marks.shape[1])) < marks.sum(axis=1)[:, None]
        tops = grid.price_y((rows + 1) * height) - grid.top
        bottoms = grid.price_y(rows * height) - grid.top
        argb = np.array([colour.faded(0.3).argb for colour in colours], np.uint32)  # the bars are visible through them
        lines = np.where(filled, argb[:, None], np.uint32(0))[::-1]
        tall = (bottoms - tops)[::-1]
        picture = np.repeat(lines, tall, axis=0)
        if tall.min(initial=0) >= 4:
            picture[np.cumsum(tall) - tall] = 0  # a gap over each row, as between cells
        if not picture.size:
            return
        picture = np.ascontiguousarray(picture)
        image = QImage(picture.data, picture.shape[1], picture.shape[0], 4 * picture.shape[1], QImage.Format.Format_ARGB32_Premultiplied)
        if self.split:
            left = self._bracket_x(frame, session.letters, 0)
            width = self._letter_room(frame, session) * marks.shape[1]
        else:
            left, room = max(0.0, session.left) + 4, self._letter_room(frame, session)
            width = min(_BLOCK_PX, room) * marks.shape[1]
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(QRectF(left, tops[-1] / frame.dpr, width, picture.shape[0] / frame.dpr), image)

    def _bracket_x(self, frame: Frame, letters: TpoProfile, bracket: int) -> float:
        number = (letters.start_ns + bracket * letters.bracket_ns) // frame.chart.series.rule.length_ns
        return frame.viewport.x(number)


class TpoSplitItem(TpoItem):
    """Split TPO profiles: each bracket at its own time."""

    name, title = "tpo-split", "TPO, split"
    help = "TPO letters of each session, one column per bracket"
    help_page = "values.md#tpo"
    split = True

    def legend(self, frame: Frame) -> str:
        return "" if TpoItem.name in frame.shown else super().legend(frame)


def _row_colours(frame: Frame, rows: np.ndarray, counts: np.ndarray, area: tuple[int, int, int], letters: TpoProfile) -> list[Colour]:
    """The colour of each row: POC, single print, inside the value area, or outside."""
    low, high, poc = area
    theme, single = frame.theme, set(letters.single_prints.tolist())
    return [
        theme.poc
        if row == poc
        else theme.simulated
        if row in single
        else theme.text.faded(0.85)
        if low <= row <= high
        else theme.text_muted.faded(0.6)
        for row in rows.tolist()
    ]
