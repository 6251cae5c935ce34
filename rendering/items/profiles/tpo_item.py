"""TPO profiles of days or sessions, drawn over their bars: letters where they fit, else blocks.

Collapsed, the letters of a row are side by side from the session's left edge; split, each bracket is drawn at its own time.
The edges of rows are the same rounded pixels as the edges of cells.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen

from app.analytics.bar_groups import first_bar_at
from app.analytics.tpo import TpoProfile, TpoSessions, bars_fit_brackets
from app.analytics.value_area import ValueArea
from app.market.span import Span
from app.settings.calculation import ValueAreaSettings
from rendering.hit_tests.flow_hits import letters_question
from rendering.hit_tests.hit_target import HitTarget
from rendering.items.chart_item import OVER_CELLS_Z, READING_REST_S, UNDER_CELLS_Z, ChartItem
from rendering.style.colour import Colour
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view, line_y, price_y
from rendering.view.layout import CHAR_ASPECT

_TEXT_PX = 10
_LETTER_PX = CHAR_ASPECT * _TEXT_PX
_BLOCK_PX = 5.0
_REACH_PX = 160.0
"""Letters, blocks and texts of a session may lie this far outside its bars."""
_MOST_HELD = 64
"""Maximum number of sessions whose values and blocks stay computed."""
_MAX_LETTERS = 3000
"""Maximum number of letters in view; more would be neither legible nor fast."""


class DrawnSession(NamedTuple):
    """A day or session in view: its letters, and its left and right edge in logical pixels."""

    letters: TpoProfile
    left: float
    right: float


class TpoItem(ChartItem):
    """The layer of collapsed TPO profiles: the letters of each row are side by side."""

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
        self._held_values: dict[int, tuple[TpoProfile, ValueAreaSettings, _Values]] = {}
        self._held_blocks: dict[int, tuple[TpoProfile, tuple[object, ...], _Blocks]] = {}

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def legend(self, frame: Frame) -> str:
        rules, series = frame.rules, frame.chart.series
        if not bars_fit_brackets(series.rule.length_ns, 0, rules.tpo.bracket_ns):
            return f"TPO {rules.tpo.bracket}: needs time bars that divide the bracket evenly"
        return f"TPO {rules.tpo.bracket} by {rules.hours.unit}"

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        before, self._key = self._key, (new.viewport, new.generation, new.rules, *new.once(self.sessions))
        return None if before == self._key else self.pane(new)

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        for session in frame.once(self.sessions):
            reach = _REACH_PX + (self._letter_room(frame, session) if self.split else 0.0)
            out_of_part = session.left - reach > exposed.right() or session.right + reach < exposed.left()
            if session.right - session.left >= 2 and not out_of_part:
                self._draw_session(painter, frame, session, exposed)

    def sessions(self, frame: Frame) -> list[DrawnSession]:
        """The sessions in view, up to an as-of moment, oldest first; those whose TPO brackets do not fit the chart's bars are left out.

        Trades between two sessions belong to neither session and have no letters.
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
        """Hit targets of the TPO letters in the row under the mouse; empty if no session is there, or it has no such row."""
        if not frame.layout.price.holds(x, y):
            return []
        row = frame.chart.series.grid.row(math.floor(frame.viewport.ticks_at(y)))
        under = [session.letters for session in frame.once(self.sessions) if session.left <= x < session.right]
        return [letters_question(frame, letters, row) for letters in under if 0 <= row - letters.first_row < len(letters.marks)]

    def _draw_session(self, painter: QPainter, frame: Frame, session: DrawnSession, exposed: QRectF) -> None:
        letters, theme = session.letters, frame.theme
        values = self._values_of(frame, letters)
        area = values.area
        left, right = max(0.0, session.left), min(session.right, frame.viewport.width_px)
        height = frame.chart.series.grid.ticks_per_row
        top, bottom = price_y(frame, (area.high_row + 1) * height), price_y(frame, area.low_row * height)
        painter.fillRect(QRectF(left, top, right - left, bottom - top), qcolor(theme.value_area_fill))
        middle = line_y(frame, frame.chart.series.grid.row_price_ticks(area.poc_row)) + 0.5
        painter.setPen(QPen(qcolor(theme.poc.faded(0.5) if self.split else theme.poc), 1))
        # the line starts where the letters end
        offset = 0.0 if self.split else 8 + values.heaviest * min(_LETTER_PX, self._letter_room(frame, session))
        painter.drawLine(QLineF(min(left + offset, right), middle, right, middle))
        self._draw_rows(painter, frame, session, (area.low_row, area.high_row, area.poc_row), exposed)
        painter.setPen(QPen(qcolor(theme.text_muted), 1, Qt.PenStyle.DotLine))
        half = line_y(frame, values.midpoint_ticks) + 0.5
        painter.drawLine(QLineF(left, half, right, half))
        if values.balance is not None and session.left >= 0 and exposed.left() <= session.left + 3:
            high, low = price_y(frame, values.balance[1] + 1), price_y(frame, values.balance[0])
            painter.fillRect(QRectF(session.left, high, 3, low - high), qcolor(theme.live))
        foot = price_y(frame, letters.first_row * height) + _TEXT_PX
        text = f"RF {values.rotation_factor:+d}"
        if right - left > (width := self._labels.width(text)) + 8 and exposed.left() <= left + 6 + width:
            self._labels.draw(painter, left + 5, foot, text, theme.text_muted)

    def _values_of(self, frame: Frame, letters: TpoProfile) -> _Values:
        """The values drawn for a session, computed again only after its letters or the value area settings changed."""
        rule = frame.rules.value_area
        held = self._held_values.get(letters.start_ns)
        if held is None or held[0] is not letters or held[1] != rule:
            if len(self._held_values) > _MOST_HELD:
                self._held_values.clear()
            held = self._held_values[letters.start_ns] = letters, rule, _Values.of(letters, rule)
        return held[2]

    def _draw_rows(self, painter: QPainter, frame: Frame, session: DrawnSession, area: tuple[int, int, int], exposed: QRectF) -> None:
        letters, height = session.letters, frame.chart.series.grid.ticks_per_row
        low, high = frame.viewport.visible_ticks()
        first = max(letters.first_row, low // height)
        end = min(letters.first_row + len(letters.marks), high // height + 1)
        if first >= end:
            return
        letters_allowed = frame.rules.tpo.draw == "auto" and frame.row_px >= _TEXT_PX
        marks = letters.marks[first - letters.first_row : end - letters.first_row]
        if letters_allowed and marks.sum() <= _MAX_LETTERS and self._letter_room(frame, session) >= _LETTER_PX:
            rows = np.arange(first, end)
            self._draw_letters(painter, frame, session, rows, _row_colours(frame, rows, area, letters), exposed)
        else:
            self._draw_blocks(painter, frame, session, self._blocks_of(frame, letters, (first, end), area))

    def _letter_room(self, frame: Frame, session: DrawnSession) -> float:
        """The width available for each letter of a session, logical pixels."""
        letters = session.letters
        if self.split:
            return letters.bracket_ns / frame.chart.series.rule.length_ns * frame.viewport.bar_px
        return (session.right - session.left - 6) / max(1, int(letters.counts.max()))

    def _draw_letters(
        self, painter: QPainter, frame: Frame, session: DrawnSession, rows: np.ndarray, colours: list[Colour], exposed: QRectF
    ) -> None:
        height, first = frame.chart.series.grid.ticks_per_row, session.letters.first_row
        lines = session.letters.letters()
        left, room = max(0.0, session.left) + 5, self._letter_room(frame, session)
        ground = qcolor(frame.theme.background.faded(0.7))
        begin, end = exposed.left() - _REACH_PX, exposed.right() + _REACH_PX
        above, below = exposed.top() - _TEXT_PX, exposed.bottom() + _TEXT_PX
        row: int
        for row, colour in zip(rows.tolist(), colours, strict=True):
            top, bottom = price_y(frame, (row + 1) * height), price_y(frame, row * height)
            if bottom < above or top > below:
                continue
            y, text = (top + bottom) / 2, lines[row - first]
            if not self.split:
                if left <= end and left + _LETTER_PX * len(text) >= begin:
                    painter.fillRect(QRectF(left - 2, top, _LETTER_PX * len(text) + 4, bottom - top), ground)
                    self._labels.draw(painter, left, y, text, colour)
                continue
            for letter, bracket in zip(text, np.flatnonzero(session.letters.marks[row - first]).tolist(), strict=True):
                x = self._bracket_x(frame, session.letters, bracket)
                if -room < x < frame.viewport.width_px and begin <= x + room / 2 <= end:
                    self._labels.draw(painter, x + room / 2, y, letter, colour, 0.5)

    def _draw_blocks(self, painter: QPainter, frame: Frame, session: DrawnSession, blocks: _Blocks) -> None:
        """Draw letters as coloured blocks, from an image one pixel wide per bracket, which is scaled to the width of the blocks."""
        image, columns = blocks.image, blocks.image.width()
        if image.isNull():
            return
        if self.split:
            left = self._bracket_x(frame, session.letters, 0)
            width = self._letter_room(frame, session) * columns
        else:
            left, room = max(0.0, session.left) + 4, self._letter_room(frame, session)
            width = min(_BLOCK_PX, room) * columns
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(QRectF(left, blocks.top, width, image.height() / frame.dpr), image)

    def _blocks_of(self, frame: Frame, letters: TpoProfile, rows: tuple[int, int], area: tuple[int, int, int]) -> _Blocks:
        """The image of the blocks of some rows, drawn again only after the letters, the rows, their heights or their colours changed."""
        grid = frame.pixels
        key = rows, area, grid.tick_pitch, grid.top, frame.dpr, frame.theme
        held = self._held_blocks.get(letters.start_ns)
        if held is None or held[0] is not letters or held[1] != key:
            if len(self._held_blocks) > _MOST_HELD:
                self._held_blocks.clear()
            held = self._held_blocks[letters.start_ns] = letters, key, self._new_blocks(frame, letters, np.arange(*rows), area)
        return held[2]

    def _new_blocks(self, frame: Frame, letters: TpoProfile, rows: np.ndarray, area: tuple[int, int, int]) -> _Blocks:
        height, grid = frame.chart.series.grid.ticks_per_row, frame.pixels
        marks = letters.marks[rows[0] - letters.first_row : rows[-1] + 1 - letters.first_row]
        filled = marks if self.split else np.arange(int(marks.shape[1])) < marks.sum(axis=1)[:, None]
        tops = grid.price_y((rows + 1) * height) - grid.top
        bottoms = grid.price_y(rows * height) - grid.top
        colours = _row_colours(frame, rows, area, letters)
        faint = {colour: colour.faded(0.3).argb for colour in {*colours}}  # the bars are visible through them
        argb = np.array([faint[colour] for colour in colours], np.uint32)
        lines = np.where(filled, argb[:, None], np.uint32(0))[::-1]
        tall = (bottoms - tops)[::-1]
        picture = np.repeat(lines, tall, axis=0)
        if tall.min(initial=0) >= 4:
            picture[np.cumsum(tall) - tall] = 0  # a gap over each row, as between cells
        picture = np.ascontiguousarray(picture)
        image = QImage(picture.data, picture.shape[1], picture.shape[0], 4 * picture.shape[1], QImage.Format.Format_ARGB32_Premultiplied)
        return _Blocks(image if picture.size else QImage(), tops[-1] / frame.dpr, picture)

    def _bracket_x(self, frame: Frame, letters: TpoProfile, bracket: int) -> float:
        number = (letters.start_ns + bracket * letters.bracket_ns) // frame.chart.series.rule.length_ns
        return frame.viewport.x(number)


class TpoSplitItem(TpoItem):
    """The layer of split TPO profiles: the letters of each bracket are drawn at the bracket's time."""

    name, title = "tpo-split", "TPO, split"
    help = "TPO letters of each session, one column per bracket"
    help_page = "values.md#tpo"
    split = True

    def legend(self, frame: Frame) -> str:
        return "" if TpoItem.name in frame.shown else super().legend(frame)


class _Values(NamedTuple):
    """The values drawn for a session in addition to its letters; `heaviest` is the number of letters in the POC row."""

    area: ValueArea
    heaviest: int
    midpoint_ticks: float
    balance: tuple[int, int] | None
    rotation_factor: int

    @classmethod
    def of(cls, letters: TpoProfile, rule: ValueAreaSettings) -> _Values:
        area = letters.value_area(rule.percent, rule.method)
        heaviest = int(letters.counts[area.poc_row - letters.first_row])
        return cls(area, heaviest, float(letters.midpoint_ticks), letters.initial_balance, letters.rotation_factor)


class _Blocks(NamedTuple):
    """An image of blocks, and the y position of its upper edge in logical pixels; `pixels` is the image's memory."""

    image: QImage
    top: float
    pixels: np.ndarray


def _row_colours(frame: Frame, rows: np.ndarray, area: tuple[int, int, int], letters: TpoProfile) -> list[Colour]:
    """The colour of each row: that of the POC, of a single print, of the value area, or of rows outside."""
    low, high, poc = area
    theme, single = frame.theme, set(letters.single_prints.tolist())
    inside, outside = theme.text.faded(0.85), theme.text_muted.faded(0.6)
    return [
        theme.poc if row == poc else theme.simulated if row in single else inside if low <= row <= high else outside
        for row in rows.tolist()
    ]
