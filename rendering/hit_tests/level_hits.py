"""Hit targets of levels: of the lines and zones under the mouse."""

from __future__ import annotations

__lazy_modules__ = {"app.explain.levels"}  # Python 3.15 loads them when a value is explained; earlier ones ignore this

from collections.abc import Mapping
from functools import partial

from app.analytics.level_detection import LevelKind
from app.explain.levels import LevelQuery, explain_level
from rendering.hit_tests.hit_target import NEAR_PX, HitTarget
from rendering.view.frame import Frame
from rendering.view.frame_coords import bars_in_view, line_y, price_y


def level_questions(
    frame: Frame, kinds: tuple[LevelKind, ...], x: float, y: float, *, names: Mapping[LevelKind, str], living: bool
) -> list[HitTarget]:
    """Hit targets of the levels under the mouse that have one of the given kinds, newest first.

    With `living`, only active levels are included. `names` maps each kind to its text in the menu.
    """
    series, first_end = frame.chart.series, bars_in_view(frame)
    if not series.n_bars:
        return []
    found = frame.chart.levels.columns(kinds, *first_end, living=living, known_end=frame.known_end)
    bar = frame.viewport.bar_at(x)
    asked: list[LevelQuery] = []
    for row in zip(*(found[name].tolist() for name in LevelQuery._fields[:-1]), strict=True):
        level = LevelQuery(LevelKind(row[0]), *row[1:], known_end=frame.known_end)
        if _is_under(frame, level, bar, y):
            asked.append(level)
    asked.sort(key=lambda level: -level.start)
    return [HitTarget(names[level.kind], partial(explain_level, frame.chart, level)) for level in asked]


def _is_under(frame: Frame, level: LevelQuery, bar: float, y: float) -> bool:
    number = frame.chart.series.number
    if level.start < len(number) and bar < number[level.start]:
        return False
    if level.end >= 0 and bar > number[level.end] + 0.5:
        return False
    if level.top > level.bottom:
        return price_y(frame, level.top + 1) - 1 <= y <= price_y(frame, level.bottom) + 1
    return abs(y - line_y(frame, level.bottom) - 0.5) <= NEAR_PX
