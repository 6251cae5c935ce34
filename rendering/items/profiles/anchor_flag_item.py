"""The flags with which the user drags profiles, the marks of composites, and the labels of profile lines.

A flag is at the bottom of the price pane at the profile's first bar, with the profile's name. A profile with an end has a second
flag there, and the ranges of a composite are marked below. Flags that would overlap are stacked. A first flag whose bar is out of
view stays at the edge while a part of its profile is in view, or while the profile is selected.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from rendering.items.chart_item import READING_REST_S, ChartItem
from rendering.items.profiles.anchored_profile_item import drawn_profiles
from rendering.items.profiles.placed_profile_views import NO_KEY, ProfileView, period_views, profile_views, run_x, time_text
from rendering.style.colour import Colour
from rendering.style.text import Labels, qcolor, qrect
from rendering.view.detail import Detail
from rendering.view.frame import Frame, once_a_frame
from rendering.view.frame_coords import line_y
from rendering.view.layout import AXIS_TEXT_PX, CHAR_ASPECT

_TAB_PX = 18.0
_PADDING_PX = 6.0
_END_TAB_PX = 16.0
_LABEL_PX = 14.0
_MARK_PX = 3.0


class Flag(NamedTuple):
    """A flag at the start or end of a profile, which the user can drag with the mouse.

    Attributes
    ----------
    key : int
        Key of the profile.
    end : bool
        Whether the flag moves the profile's end instead of its start.
    left, top, width : float
        Position and width of the tab, logical pixels; all tabs have the same height.
    pole_x : float or None
        X position of the pole, the line above the tab; None if the pole is out of view.
    text : str
    selected : bool
    """

    key: int
    end: bool
    left: float
    top: float
    width: float
    pole_x: float | None
    text: str
    selected: bool

    @property
    def rect(self) -> QRectF:
        """The rectangle of the flag's tab, logical pixels."""
        return QRectF(self.left, self.top, self.width, _TAB_PX)


@once_a_frame
def flags_of(frame: Frame) -> list[Flag]:
    """All flags to draw; those of the selected profile are last, so that they are on top and clicked first."""
    flags: list[Flag] = []
    taken: dict[float, list[tuple[float, float]]] = {}  # by the top of the tabs: their left and right edges
    for view in profile_views(frame):
        for end in (False, True) if view.placed.end_ns is not None else (False,):
            flag = _flag(frame, view, end, taken)
            if flag is not None:
                flags.append(flag)
                taken.setdefault(flag.top, []).append((flag.left, flag.left + flag.width))
    return flags


def flag_at(frame: Frame, x: float, y: float) -> Flag | None:
    """The flag under a point of the chart, the topmost of several; None if there is none."""
    return next((flag for flag in reversed(flags_of(frame)) if flag.rect.contains(x, y)), None)


class AnchorFlagItem(ChartItem):
    """The flags of profiles, the marks of composites, and the labels of profile lines (POC, VAH and VAL)."""

    name = "anchored"
    z = 62.0
    rest_s = READING_REST_S

    def __init__(self) -> None:
        super().__init__()
        self._bold = Labels(bold=True)
        self._shown: tuple[object, ...] = ()
        self._revision = -1

    def pane(self, frame: Frame) -> QRectF:
        return qrect(frame.layout.price)

    def refresh(self, frame: Frame) -> bool:
        if frame.chart.anchors.revision != self._revision:  # dragging a flag must not wait
            self._revision, self.followed_ns = frame.chart.anchors.revision, -(1 << 62)
        return super().refresh(frame)

    def changed(self, old: Frame, new: Frame) -> list[QRectF] | None:
        before, self._shown = self._shown, (*flags_of(new), *_labels(new), *marks_of(new))
        if before == self._shown:
            return None
        different = set(before) ^ set(self._shown)
        regions = [thing.rect for thing in different if isinstance(thing, Flag | _Label | CompositeMark)]
        poles = {thing.pole_x for thing in different if isinstance(thing, Flag) and thing.pole_x is not None}
        height = new.layout.price.height
        return [*regions, *(QRectF(x - 2, 0, 4, height) for x in poles)] or None

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        theme, pane = frame.theme, frame.layout.price
        left, above, right, below = exposed.left() - 1, exposed.top() - 1, exposed.right() + 1, exposed.bottom() + 1
        for label in _labels(frame):
            if label.left <= right and label.left + label.width >= left and above - _LABEL_PX <= label.top <= below:
                painter.fillRect(label.rect, qcolor(theme.panel))
                self._bold.draw(painter, label.left + 3, label.top + _LABEL_PX / 2, label.text, label.colour)
        for mark in marks_of(frame) if below >= pane.bottom - _MARK_PX else ():
            if mark.left <= right and mark.left + mark.width >= left:
                painter.fillRect(mark.rect, qcolor(theme.text if mark.chosen else theme.tag))
        for flag in flags_of(frame):
            ground = theme.text if flag.selected else theme.tag
            if flag.pole_x is not None and left <= flag.pole_x <= right:
                painter.setPen(QPen(qcolor(ground), 1, Qt.PenStyle.SolidLine if flag.selected else Qt.PenStyle.DotLine))
                painter.drawLine(QLineF(flag.pole_x + 0.5, 0, flag.pole_x + 0.5, flag.top))
            if flag.left <= right and flag.left + flag.width >= left and above - _TAB_PX <= flag.top <= below:
                painter.fillRect(flag.rect, qcolor(ground))
                middle = flag.left + flag.width / 2, flag.top + _TAB_PX / 2
                self._bold.draw(painter, *middle, flag.text, theme.ink_on(ground), 0.5)


class _Label(NamedTuple):
    left: float
    top: float
    width: float
    text: str
    colour: Colour

    @property
    def rect(self) -> QRectF:
        return QRectF(self.left, self.top, self.width, _LABEL_PX)

    def touches(self, other: _Label) -> bool:
        across = self.left < other.left + other.width and other.left < self.left + self.width
        return across and abs(self.top - other.top) < _LABEL_PX


class CompositeMark(NamedTuple):
    """A mark at the bottom of the price pane for a time range of a composite, or of a profile selected for the next composite."""

    left: float
    top: float
    width: float
    chosen: bool

    @property
    def rect(self) -> QRectF:
        """The rectangle of the mark, logical pixels."""
        return QRectF(self.left, self.top, self.width, _MARK_PX)


@once_a_frame
def marks_of(frame: Frame) -> list[CompositeMark]:
    """Marks in view of composites and of profiles selected for the next composite; those of selected profiles are last, on top."""
    marks: list[CompositeMark] = []
    pane, views = frame.layout.price, profile_views(frame)
    if frame.chart.anchors.chosen:
        views = (*period_views(frame), *views)
    for view in sorted(views, key=lambda view: view.chosen):
        if view.chosen or view.placed.is_composite:
            for run in view.runs:
                left, right = run_x(frame, run)
                left, right = max(left + 1, 0.0), min(right - 1, float(pane.right))
                if right > left:
                    marks.append(CompositeMark(left, pane.bottom - _MARK_PX, right - left, view.chosen))
    return marks


@once_a_frame
def _labels(frame: Frame) -> list[_Label]:
    """Labels of the profile lines: the line's name and price, and the profile's name if several profiles have lines in view.

    A label is placed right of its line, left of it, or on it, where it covers no digits and no other label; it is left out if
    there is no such place.
    """
    labels: list[_Label] = []
    pane = frame.layout.price
    drawn = [one for one in reversed(drawn_profiles(frame)) if one.lines and one.view.placed.key != NO_KEY]
    near: dict[int, list[_Label]] = {}  # by height: labels in the same or the next step may touch
    for view, lines, begin, _ in drawn:
        whose = f"{view.placed.name} " if len(drawn) > 1 else ""
        for line, end in reversed(lines):
            text = f"{whose}{line.name} {line.text}"
            width = _width(text) + 6
            places = (end + 3, begin - 3 - width, begin + 3) if end < pane.right else (end - width - 3,)
            top = line_y(frame, line.ticks) - _LABEL_PX / 2 + 0.5
            step = math.floor(top / _LABEL_PX)
            others = [other for at in (step - 1, step, step + 1) for other in near.get(at, ())]
            for left in places:
                label = _Label(left, top, width, text, line.colour)
                if 0 <= left <= pane.right - width and not any(label.touches(other) for other in others) and _is_free(frame, label):
                    labels.append(label)
                    near.setdefault(step, []).append(label)
                    break
    return labels


def _is_free(frame: Frame, label: _Label) -> bool:
    """True if a label covers no bar; always True while the cells show no digits."""
    if frame.detail is not Detail.DIGITS:
        return True
    rect, series, viewport = label.rect, frame.chart.series, frame.viewport
    first, end = series.index_of(math.floor(viewport.bar_at(rect.left()))), series.index_of(math.floor(viewport.bar_at(rect.right())) + 1)
    low, high = viewport.ticks_at(rect.bottom()), viewport.ticks_at(rect.top())
    step = series.grid.ticks_per_row
    return not ((series.low[first:end] - step < high) & (series.high[first:end] + step > low)).any()


def _flag(frame: Frame, view: ProfileView, end: bool, taken: dict[float, list[tuple[float, float]]]) -> Flag | None:
    """A profile's start or end flag, moved up if it would overlap another flag; None if the flag is not shown."""
    pane, placed = frame.layout.price, view.placed
    at = view.end_x if end else view.start_x
    in_view = 0 <= at <= pane.right
    profile_out_of_view = view.end_x < 0 or view.start_x > pane.right
    if (end and not in_view) or (profile_out_of_view and not view.selected):
        return None
    if end:
        text, width = "◂", _END_TAB_PX
        left = at - width
    else:
        text = placed.name if in_view else f"‹ {placed.name} {time_text(frame, placed.start_ns)}" if at < 0 else f"{placed.name} ›"
        width = _width(text) + 2 * _PADDING_PX
        left = min(max(at, 0.0), pane.right - width)
    top, right = pane.bottom - _MARK_PX - _TAB_PX, left + width
    while top > _TAB_PX and any(begin < right and left < until for begin, until in taken.get(top, ())):
        top -= _TAB_PX  # all tabs are equally high, so that those at other heights do not touch it
    return Flag(placed.key, end, left, top, width, at if in_view else None, text, view.selected)


def _width(text: str) -> float:
    return len(text) * CHAR_ASPECT * AXIS_TEXT_PX
