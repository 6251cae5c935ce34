"""Levels as lines and zones over the bars, one overlay per family of levels.

A level starts at the first bar from which it counts, and ends at the bar that ended it, or at the right edge. Active levels
are named there, ended ones are faint.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from app.analytics.level_detection import LevelKind
from app.chart.levels import PERIODS
from app.market.price_grid import TICK_MIDDLE
from app.market.session import Period
from rendering.hit_tests.hit_target import HitTarget
from rendering.hit_tests.level_hits import level_questions
from rendering.items.chart_item import OVER_CELLS_Z, READING_REST_S, UNDER_CELLS_Z, ChartItem
from rendering.items.levels.vwap_item import period_text
from rendering.style.colour import Colour
from rendering.style.text import Labels, qcolor, qrect
from rendering.style.theme import Theme
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view

_LABEL_PX = 10
_NAME_SPACING_PX = 11.0
_MAX_ENDED = 400
"""Maximum number of ended levels in view; the oldest are left out, as more would be a blur."""
NAMES = {
    LevelKind.POC: "nPOC",
    LevelKind.VAH: "nVAH",
    LevelKind.VAL: "nVAL",
    LevelKind.HVN: "HVN",
    LevelKind.LVN: "LVN",
    LevelKind.SINGLE_PRINTS: "single prints",
    LevelKind.POOR_HIGH: "poor high",
    LevelKind.POOR_LOW: "poor low",
    LevelKind.UNFINISHED_HIGH: "unfinished high",
    LevelKind.UNFINISHED_LOW: "unfinished low",
    LevelKind.STACKED_BUY: "stacked buy",
    LevelKind.STACKED_SELL: "stacked sell",
}
"""The name of each kind on the screen."""
_DASHED = (LevelKind.VAH, LevelKind.VAL, LevelKind.LVN, LevelKind.POOR_HIGH, LevelKind.POOR_LOW)


class DrawnLevel(NamedTuple):
    """A level on the screen: its edges in logical pixels, and whether it is active."""

    kind: LevelKind
    period: Period | None
    left: float
    right: float
    top: float
    bottom: float
    living: bool

    def touches(self, rect: QRectF) -> bool:
        """Whether any part of the level, including its lines, lies in a rectangle."""
        across = self.left <= rect.right() and self.right >= rect.left()
        return across and self.top - 1 <= rect.bottom() and self.bottom + 2 >= rect.top()

    @property
    def text(self) -> str:
        """The name of the level, with the period for naked POC, VAH and VAL."""
        return f"{NAMES[self.kind]} {self.period.value}" if self.period and self.kind <= LevelKind.VAL else NAMES[self.kind]


class LevelItem(ChartItem):
    """A layer that draws one family of levels."""

    shown_at_first = False
    z, z_without_digits = UNDER_CELLS_Z, OVER_CELLS_Z
    rest_s = READING_REST_S
    kept = True
    kinds: tuple[LevelKind, ...] = ()
    """The kinds of levels it draws."""
    shows_ended = True
    names_at_px = 4.0
    """Distance of its names from the right edge: each family has its own column."""

    def __init__(self) -> None:
        super().__init__()
        self._labels = Labels(_LABEL_PX)
        self._shown: tuple[DrawnLevel, ...] = ()
        self._key: tuple[object, ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        self.due_ns = new.now_ns if new.chart.levels.refresh() else None
        before = self._shown
        return None if before is self._drawn(new) or before == self._shown else self.pane(new)

    def hits(self, frame: Frame, x: float, y: float) -> list[HitTarget]:
        """Hit targets of the levels under the mouse."""
        if not frame.layout.price.holds(x, y):
            return []
        return level_questions(frame, self.kinds, x, y, names=NAMES, living=not self.shows_ended)

    def settle(self) -> None:
        if self._frame is not None:
            self._frame.chart.levels.settle()

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        drawn, theme = self._drawn(frame), frame.theme
        lines: dict[tuple[bool, Colour, Qt.PenStyle], list[QLineF]] = {}
        for level in drawn:
            if not level.touches(exposed):
                continue
            colour = level_colour(level.kind, theme)
            if level.bottom - level.top > 1:
                rect = QRectF(level.left, level.top, level.right - level.left, level.bottom - level.top)
                painter.fillRect(rect, qcolor(colour.faded(0.22 if level.living else 0.07)))
                edges, look = (level.top + 0.5, level.bottom - 0.5), (colour.faded(0.8 if level.living else 0.2), Qt.PenStyle.SolidLine)
            else:
                style = Qt.PenStyle.DashLine if level.kind in _DASHED else Qt.PenStyle.SolidLine
                edges, look = (level.top + 0.5,), (colour if level.living else colour.faded(0.3), style)
            lines.setdefault((level.living, *look), []).extend(QLineF(level.left, y, level.right, y) for y in edges)
        for (_, colour, style), of_look in sorted(lines.items(), key=lambda drawn: drawn[0][0]):  # active ones over ended ones
            painter.setPen(QPen(qcolor(colour), 1, style))
            painter.drawLines(of_look)
        self._name(painter, frame, [level for level in drawn if level.living], exposed)

    def _name(self, painter: QPainter, frame: Frame, living: list[DrawnLevel], exposed: QRectF) -> None:
        """Write the names of levels at the right edge or after the as-of moment; of names that would overlap, only the newest level's."""
        taken: dict[int, float] = {}  # by the height of a name
        edge = frame.layout.price.right
        for level in reversed(living):
            y = (level.top + level.bottom) / 2 if level.bottom - level.top > _NAME_SPACING_PX else level.top - _LABEL_PX / 2 - 1
            place = int(y // _NAME_SPACING_PX)
            if any(abs(y - taken[near]) < _NAME_SPACING_PX for near in (place - 1, place, place + 1) if near in taken):
                continue
            taken[place] = y
            if not exposed.top() - _LABEL_PX < y < exposed.bottom() + _LABEL_PX:
                continue
            width = self._labels.width(level.text)
            right = edge - (self.names_at_px if edge - level.left > self.names_at_px + width else 4)
            if frame.as_of is not None and frame.known_x + self.names_at_px + width + 2 < edge:
                right = frame.known_x + self.names_at_px + width
            painter.fillRect(QRectF(right - width - 2, y - _LABEL_PX / 2, width + 4, _LABEL_PX), qcolor(frame.theme.background.faded(0.75)))
            self._labels.draw(painter, right, y, level.text, level_colour(level.kind, frame.theme), 1.0)

    def _drawn(self, frame: Frame) -> tuple[DrawnLevel, ...]:
        """The levels in view as they are drawn; the same tuple object while none of them changes."""
        levels = frame.chart.levels
        key = levels, levels.revision, frame.viewport, frame.dpr, frame.chart.series.n_bars, frame.as_of
        if key != self._key:
            found = self._find(frame)
            self._shown, self._key = self._shown if found == self._shown else found, key
        return self._shown

    def _find(self, frame: Frame) -> tuple[DrawnLevel, ...]:
        series, viewport = frame.chart.series, frame.viewport
        if not series.n_bars:
            return ()
        found = frame.chart.levels.columns(self.kinds, *bars_in_view(frame), living=not self.shows_ended, known_end=frame.known_end)
        low, high = viewport.visible_ticks()
        seen = np.flatnonzero((found["bottom"] <= high) & (found["top"] + 1 >= low))
        ended = found["end"][seen] >= 0
        seen = seen[~ended | (np.cumsum(ended) > ended.sum() - _MAX_ENDED)]
        kind, period, bottom, top, start, end = (found[name][seen] for name in ("kind", "period", "bottom", "top", "start", "end"))
        left = np.maximum(0.0, _x(frame, series.number[start]))
        right = np.where(end < 0, frame.known_x, np.minimum(viewport.width_px, _x(frame, series.number[end] + 0.5)))
        # a zone covers its rows completely, up to the start of the next row; a price is drawn at the middle of its tick
        zone = top > bottom
        upper, lower = (_y(frame, np.where(zone, ticks, bottom + TICK_MIDDLE)) for ticks in (top + 1, bottom))
        columns = (kind, period, left, right, upper, lower, end < 0)
        return tuple(
            DrawnLevel(LevelKind(kind), PERIODS[period] if period >= 0 else None, *place)
            for kind, period, *place in zip(*(column.tolist() for column in columns), strict=True)
        )


class NakedLevelsItem(LevelItem):
    """Naked POC, VAH and VAL of finished periods."""

    name, title = "naked", "Naked POC, VAH and VAL"
    help = "POC, VAH and VAL of past days, weeks and months until touched"
    help_page = "values.md#levels"
    kinds = LevelKind.POC, LevelKind.VAH, LevelKind.VAL

    def legend(self, frame: Frame) -> str:
        periods = frame.rules.levels.periods
        return f"naked levels by {', '.join(period_text(frame, period) for period in periods)}" if periods else ""


class VolumeNodesItem(LevelItem):
    """High and low volume nodes of the last finished day."""

    name, title = "nodes", "HVN and LVN"
    help = "HVN and LVN of the previous day"
    help_page = "values.md#levels"
    kinds = LevelKind.HVN, LevelKind.LVN
    shows_ended = False
    names_at_px = 84.0

    def legend(self, frame: Frame) -> str:
        return f"HVN and LVN by {frame.rules.levels.nodes}"


class SinglePrintsItem(LevelItem):
    """Single prints, poor highs and poor lows of finished days."""

    name, title = "prints", "Single prints, poor highs and lows"
    help = "Single prints, poor highs and poor lows of past days until traded through"
    help_page = "values.md#levels"
    kinds = LevelKind.SINGLE_PRINTS, LevelKind.POOR_HIGH, LevelKind.POOR_LOW
    names_at_px = 110.0


class UnfinishedAuctionsItem(LevelItem):
    """Unfinished auctions of closed bars."""

    name, title = "unfinished", "Unfinished auctions"
    help = "Bar highs and lows where both sides traded, until traded through"
    help_page = "values.md#levels"
    kinds = LevelKind.UNFINISHED_HIGH, LevelKind.UNFINISHED_LOW
    names_at_px = 196.0

    def legend(self, frame: Frame) -> str:
        ticks = frame.chart.series.grid.ticks_per_row
        return "unfinished auctions" + (f" (rows of {ticks} ticks)" if ticks > 1 else "")


class StackedImbalancesItem(LevelItem):
    """Zones of stacked imbalances."""

    name, title = "stacked", "Stacked imbalances"
    help = "Stacked imbalance zones until touched or closed through"
    help_page = "values.md#levels"
    kinds = LevelKind.STACKED_BUY, LevelKind.STACKED_SELL
    names_at_px = 292.0

    def legend(self, frame: Frame) -> str:
        rule = "touched" if frame.rules.levels.zones_end == "touch" else "closed through"
        return f"stacked {frame.rules.imbalance.stacked} until {rule}"


def _x(frame: Frame, number: np.ndarray) -> np.ndarray:
    """Left edges of bars, logical pixels."""
    return (number - frame.viewport.first_bar) * frame.viewport.bar_px


def _y(frame: Frame, ticks: np.ndarray) -> np.ndarray:
    """Heights of prices, logical pixels; see `price_y`."""
    return (frame.pixels.price_y(ticks) - frame.pixels.top) / frame.dpr


def level_colour(kind: LevelKind, theme: Theme) -> Colour:
    """The colour of a kind of level."""
    if kind in (LevelKind.POC, LevelKind.HVN):
        return theme.poc
    if kind in (LevelKind.VAH, LevelKind.VAL, LevelKind.LVN):
        return theme.value_area
    if kind in (LevelKind.STACKED_BUY, LevelKind.UNFINISHED_LOW, LevelKind.POOR_LOW):
        return theme.buy
    return theme.simulated if kind is LevelKind.SINGLE_PRINTS else theme.sell
