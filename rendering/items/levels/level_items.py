"""Levels as lines and zones over the bars, one overlay per family of levels.

A level's line or zone runs from the first bar at which the level is active to the bar that ended it; an active level runs to the
right edge of the price pane, or to the as-of moment, and has its name there. Ended levels are faint.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

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
_MAX_PARTS = 16
"""More changed levels and names than this have the complete pane drawn again."""
_DASHED = (LevelKind.VAH, LevelKind.VAL, LevelKind.LVN, LevelKind.POOR_HIGH, LevelKind.POOR_LOW)


class DrawnLevel(NamedTuple):
    """A level on the screen: its kind and period, its edges in logical pixels, and whether it is active."""

    kind: LevelKind
    period: Period | None
    left: float
    right: float
    top: float
    bottom: float
    living: bool

    @property
    def region(self) -> QRectF:
        """The rectangle that contains the level with its lines, logical pixels."""
        return QRectF(self.left - 1, self.top - 1, self.right - self.left + 2, self.bottom - self.top + 3)

    @property
    def text(self) -> str:
        """The name of the level, with the period for naked POC, VAH and VAL."""
        return f"{NAMES[self.kind]} {self.period.value}" if self.period and self.kind <= LevelKind.VAL else NAMES[self.kind]


class LevelName(NamedTuple):
    """The name of an active level on the screen, with the name's right end, vertical middle and width in logical pixels."""

    right: float
    y: float
    width: float
    text: str
    kind: LevelKind

    @property
    def rect(self) -> QRectF:
        """The rectangle that is filled under the name."""
        return QRectF(self.right - self.width - 2, self.y - _LABEL_PX / 2, self.width + 4, _LABEL_PX)

    @property
    def region(self) -> QRectF:
        """The rectangle that contains the filled rectangle and all of the letters."""
        return self.rect.adjusted(-1, -3, 1, 3)


class LevelItem(ChartItem):
    """A layer that draws one family of levels, e.g. single prints with poor highs and lows; the base class of these layers."""

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
        self._edges = np.zeros((4, 0))  # left, top, right, bottom of these levels
        self._key: tuple[object, ...] = ()
        self._names: tuple[LevelName, ...] = ()
        self._names_key: tuple[object, ...] = ()

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def changed(self, old: Frame, new: Frame) -> QRectF | list[QRectF] | None:
        self.due_ns = new.now_ns if new.chart.levels.refresh() else None
        before, names = self._shown, self._names
        if before is self._drawn(new) and names is self._named(new):
            return None
        if old.viewport != new.viewport or old.as_of != new.as_of:
            return self.pane(new)
        parts = [drawn.region for drawn in ({*before} ^ {*self._shown}) | ({*names} ^ {*self._named(new)})]
        return parts if len(parts) <= _MAX_PARTS else self.pane(new)

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
        left, top, right, bottom = self._edges
        across = (left <= exposed.right()) & (right >= exposed.left())
        touching = np.flatnonzero(across & (top - 1 <= exposed.bottom()) & (bottom + 2 >= exposed.top()))
        looks: dict[tuple[LevelKind, bool, bool], _Look] = {}
        for place in touching.tolist():
            level = drawn[place]
            key = level.kind, level.living, level.bottom - level.top > 1
            look = looks.get(key)
            if look is None:
                look = looks[key] = _look(*key, theme)
            if look.fill is not None:
                painter.fillRect(QRectF(level.left, level.top, level.right - level.left, level.bottom - level.top), look.fill)
                look.lines.append(QLineF(level.left, level.bottom - 0.5, level.right, level.bottom - 0.5))
            look.lines.append(QLineF(level.left, level.top + 0.5, level.right, level.top + 0.5))
        for _, look in sorted(looks.items(), key=lambda pair: (pair[0][1], pair[0])):  # active ones over ended ones
            painter.setPen(look.pen)
            painter.drawLines(look.lines)
        above, below = exposed.top() - _LABEL_PX, exposed.bottom() + _LABEL_PX
        begin, end = exposed.left() - 3, exposed.right() + 3
        ground = qcolor(theme.background.faded(0.75))
        for name in self._named(frame):
            if above < name.y < below and name.right >= begin and name.right - name.width <= end:
                painter.fillRect(name.rect, ground)
                self._labels.draw(painter, name.right, name.y, name.text, level_colour(name.kind, theme), 1.0)

    def _named(self, frame: Frame) -> tuple[LevelName, ...]:
        """The names of active levels, at the right edge or after the as-of moment; the same tuple object while none of them changes.

        Of names that would overlap, only the newest level's name is included.
        """
        drawn, edge = self._drawn(frame), frame.layout.price.right
        key = drawn, edge, frame.known_x, frame.as_of is None
        if len(key) == len(self._names_key) and key[0] is self._names_key[0] and key[1:] == self._names_key[1:]:
            return self._names
        self._names_key = key
        taken: dict[int, float] = {}  # by the height of a name
        names: list[LevelName] = []
        for level in reversed(drawn):
            if not level.living:
                continue
            y = (level.top + level.bottom) / 2 if level.bottom - level.top > _NAME_SPACING_PX else level.top - _LABEL_PX / 2 - 1
            place = int(y // _NAME_SPACING_PX)
            if any(abs(y - taken[near]) < _NAME_SPACING_PX for near in (place - 1, place, place + 1) if near in taken):
                continue
            taken[place] = y
            width = self._labels.width(level.text)
            right = edge - (self.names_at_px if edge - level.left > self.names_at_px + width else 4)
            if frame.as_of is not None and frame.known_x + self.names_at_px + width + 2 < edge:
                right = frame.known_x + self.names_at_px + width
            names.append(LevelName(right, y, width, level.text, level.kind))
        self._names = self._names if self._names == tuple(names) else tuple(names)
        return self._names

    def _drawn(self, frame: Frame) -> tuple[DrawnLevel, ...]:
        """The levels in view as they are drawn, at most 400 ended ones; the same tuple object while none of them changes."""
        levels = frame.chart.levels
        key = levels, levels.revision, frame.viewport, frame.dpr, frame.chart.series.n_bars, frame.as_of
        if key != self._key:
            found = self._find(frame)
            if found != self._shown:
                self._shown = found
                self._edges = np.array([(level.left, level.top, level.right, level.bottom) for level in found]).reshape(-1, 4).T
            self._key = key
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
    """POC, VAH and VAL of finished days or sessions, weeks and months: naked ones, and faintly those that a bar has touched since."""

    name, title = "naked", "Naked POC, VAH and VAL"
    help = "POC, VAH and VAL of past days, weeks and months until touched"
    help_page = "values.md#levels"
    kinds = LevelKind.POC, LevelKind.VAH, LevelKind.VAL

    def legend(self, frame: Frame) -> str:
        periods = frame.rules.levels.periods
        return f"naked levels by {', '.join(period_text(frame, period) for period in periods)}" if periods else ""


class VolumeNodesItem(LevelItem):
    """High and low volume nodes of the last finished day or session."""

    name, title = "nodes", "HVN and LVN"
    help = "HVN and LVN of the previous day"
    help_page = "values.md#levels"
    kinds = LevelKind.HVN, LevelKind.LVN
    shows_ended = False
    names_at_px = 84.0

    def legend(self, frame: Frame) -> str:
        return f"HVN and LVN by {frame.rules.levels.nodes}"


class SinglePrintsItem(LevelItem):
    """Single prints, poor highs and poor lows of finished days or sessions; those traded through are faint."""

    name, title = "prints", "Single prints, poor highs and lows"
    help = "Single prints, poor highs and poor lows of past days until traded through"
    help_page = "values.md#levels"
    kinds = LevelKind.SINGLE_PRINTS, LevelKind.POOR_HIGH, LevelKind.POOR_LOW
    names_at_px = 110.0


class UnfinishedAuctionsItem(LevelItem):
    """Unfinished auctions of closed bars; those traded through are faint."""

    name, title = "unfinished", "Unfinished auctions"
    help = "Bar highs and lows where both sides traded, until traded through"
    help_page = "values.md#levels"
    kinds = LevelKind.UNFINISHED_HIGH, LevelKind.UNFINISHED_LOW
    names_at_px = 196.0

    def legend(self, frame: Frame) -> str:
        ticks = frame.chart.series.grid.ticks_per_row
        return "unfinished auctions" + (f" (rows of {ticks} ticks)" if ticks > 1 else "")


class StackedImbalancesItem(LevelItem):
    """Zones of stacked imbalances in closed bars; ended zones are faint."""

    name, title = "stacked", "Stacked imbalances"
    help = "Stacked imbalance zones until touched or closed through"
    help_page = "values.md#levels"
    kinds = LevelKind.STACKED_BUY, LevelKind.STACKED_SELL
    names_at_px = 292.0

    def legend(self, frame: Frame) -> str:
        rule = "touched" if frame.rules.levels.zones_end == "touch" else "closed through"
        return f"stacked {frame.rules.imbalance.stacked} until {rule}"


def _x(frame: Frame, number: np.ndarray) -> np.ndarray:
    """X positions of the left edges of bars with these numbers, logical pixels."""
    return (number - frame.viewport.first_bar) * frame.viewport.bar_px


def _y(frame: Frame, ticks: np.ndarray) -> np.ndarray:
    """Y positions of prices in ticks, logical pixels; see `price_y`."""
    return (frame.pixels.price_y(ticks) - frame.pixels.top) / frame.dpr


class _Look(NamedTuple):
    """The lines of all levels that look the same, their pen, and the fill of their zones; the fill is None for lines."""

    pen: QPen
    fill: QColor | None
    lines: list[QLineF]


def _look(kind: LevelKind, living: bool, zone: bool, theme: Theme) -> _Look:
    colour = level_colour(kind, theme)
    if zone:
        return _Look(QPen(qcolor(colour.faded(0.8 if living else 0.2)), 1), qcolor(colour.faded(0.22 if living else 0.07)), [])
    style = Qt.PenStyle.DashLine if kind in _DASHED else Qt.PenStyle.SolidLine
    return _Look(QPen(qcolor(colour if living else colour.faded(0.3)), 1, style), None, [])


def level_colour(kind: LevelKind, theme: Theme) -> Colour:
    """The colour of a kind of level."""
    if kind in (LevelKind.POC, LevelKind.HVN):
        return theme.poc
    if kind in (LevelKind.VAH, LevelKind.VAL, LevelKind.LVN):
        return theme.value_area
    if kind in (LevelKind.STACKED_BUY, LevelKind.UNFINISHED_LOW, LevelKind.POOR_LOW):
        return theme.buy
    return theme.simulated if kind is LevelKind.SINGLE_PRINTS else theme.sell
