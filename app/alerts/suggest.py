"""Subjects for a new alert near a price, e.g. the level under the mouse."""

from __future__ import annotations

from typing import NamedTuple

from app.alerts.alert import Scope, Subject, SubjectKind
from app.alerts.subjects import SubjectValues
from app.analytics.level_detection import LevelKind

_PERIODS = (Scope.DAY, Scope.WEEK, Scope.MONTH)
_BANDS = (0, 1, -1, 2, -2)
_NAKED = {LevelKind.POC: SubjectKind.NAKED_POC, LevelKind.VAH: SubjectKind.NAKED_VAH, LevelKind.VAL: SubjectKind.NAKED_VAL}


class Suggestion(NamedTuple):
    """A subject and its current price, in ticks."""

    subject: Subject
    ticks: float


def subjects_near(readings: SubjectValues, ticks: float, reach: float) -> list[Suggestion]:
    """Lines and naked levels at most `reach` ticks from a price, nearest first; empty if no bar is loaded.

    Their prices include the bar in progress, as drawn.
    """
    chart, last = readings.chart, readings.chart.series.n_bars - 1
    if last < 0:
        return []
    found = [
        Suggestion(Subject(kind=kind, of=of), 0.0)
        for of in (*_PERIODS, Scope.DAY_BEFORE)
        for kind in (SubjectKind.POC, SubjectKind.VAH, SubjectKind.VAL)
    ]
    found += [Suggestion(Subject(kind=SubjectKind.VWAP, of=of, band=band), 0.0) for of in _PERIODS for band in _BANDS]
    for placed in chart.anchors.profiles:
        kinds = (
            (SubjectKind.POC, SubjectKind.VAH, SubjectKind.VAL)
            if placed.is_composite
            else (SubjectKind.POC, SubjectKind.VAH, SubjectKind.VAL, SubjectKind.VWAP)
        )
        found += [Suggestion(Subject(kind=kind, of=Scope.PROFILE, key=placed.key), 0.0) for kind in kinds]
    lines = ((near.subject, readings.line(near.subject, 0, last + 1, last).ticks) for near in found)
    known = [Suggestion(subject, at) for subject, at in lines if at is not None]
    chart.levels.refresh()
    for level in chart.levels.active():
        if (kind := _NAKED.get(level.kind)) is not None and level.period is not None:
            known.append(Suggestion(Subject(kind=kind, of=Scope(level.period.value)), level.bottom_ticks))
    near = [one for one in known if abs(one.ticks - ticks) <= reach]
    return sorted(near, key=lambda one: abs(one.ticks - ticks))
