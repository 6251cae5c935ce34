"""Which subjects of alerts lie at a price of the chart: for an alert on the level under the mouse."""

from __future__ import annotations

from typing import NamedTuple

from app.alerts.alert import Kind, Of, Subject
from app.alerts.subjects import Readings
from app.analytics.level_detection import LevelKind

_PERIODS = (Of.DAY, Of.WEEK, Of.MONTH)
_BANDS = (0, 1, -1, 2, -2)
_NAKED = {LevelKind.POC: Kind.NAKED_POC, LevelKind.VAH: Kind.NAKED_VAH, LevelKind.VAL: Kind.NAKED_VAL}


class Near(NamedTuple):
    """A subject, and where it stands now, in ticks."""

    subject: Subject
    ticks: float


def subjects_near(readings: Readings, ticks: float, reach: float) -> list[Near]:
    """The lines and naked levels at most `reach` ticks from a price, the nearest first.

    They are told as they stand with the bar in progress, as they are drawn.
    """
    chart, last = readings.chart, readings.chart.series.n_bars - 1
    if last < 0:
        return []
    found = [Near(Subject(kind=kind, of=of), 0.0) for of in (*_PERIODS, Of.DAY_BEFORE) for kind in (Kind.POC, Kind.VAH, Kind.VAL)]
    found += [Near(Subject(kind=Kind.VWAP, of=of, band=band), 0.0) for of in _PERIODS for band in _BANDS]
    for placed in chart.anchors.profiles:
        kinds = (Kind.POC, Kind.VAH, Kind.VAL) if placed.is_composite else (Kind.POC, Kind.VAH, Kind.VAL, Kind.VWAP)
        found += [Near(Subject(kind=kind, of=Of.PROFILE, key=placed.key), 0.0) for kind in kinds]
    lines = ((near.subject, readings.line(near.subject, 0, last + 1, last).ticks) for near in found)
    known = [Near(subject, at) for subject, at in lines if at is not None]
    chart.levels.refresh()
    for level in chart.levels.living():
        if (kind := _NAKED.get(level.kind)) is not None and level.period is not None:
            known.append(Near(Subject(kind=kind, of=Of(level.period.value)), level.bottom_ticks))
    near = [one for one in known if abs(one.ticks - ticks) <= reach]
    return sorted(near, key=lambda one: abs(one.ticks - ticks))
