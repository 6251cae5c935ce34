"""Hit targets of the lines of a profile: POC, VAH and VAL."""

from __future__ import annotations

__lazy_modules__ = {"app.explain.value_areas"}  # Python 3.15 loads them when a value is explained; earlier ones ignore this

from functools import partial

from app.analytics.profile import profile_of_bars
from app.analytics.row_layout import RowLayout, apply_layout
from app.analytics.value_area import value_area
from app.explain.value_areas import ProfileEdge, explain_profile
from app.profiles.profile_settings import ProfileSettings
from app.profiles.profile_values import ProfileValues
from app.settings.calculation import ValueAreaSettings
from rendering.hit_tests.hit_target import NEAR_PX, HitTarget
from rendering.view.frame import Frame
from rendering.view.frame_coords import line_y


def profile_questions(
    frame: Frame, name: str, figures: ProfileValues, inputs: ProfileSettings | ValueAreaSettings, y: float
) -> list[HitTarget]:
    """Hit targets of a profile's POC, VAH and VAL lines near height `y`, in logical pixels; empty if no line is near."""
    at = {ProfileEdge.POC: figures.poc_ticks, ProfileEdge.VAH: figures.vah_ticks, ProfileEdge.VAL: figures.val_ticks}
    chart, rule = frame.chart, (inputs.percent, inputs.method)
    return [
        HitTarget(f"{edge.value} of {name}", partial(explain_profile, chart, name, figures, *rule, edge))
        for edge, ticks in at.items()
        if abs(line_y(frame, ticks) + 0.5 - y) <= NEAR_PX
    ]


def developing_questions(frame: Frame, start: int, bar: int, y: float) -> list[HitTarget]:
    """Hit targets of the developing POC, VAH and VAL lines near height `y` at one bar, in logical pixels; empty if none is near.

    `start` and `bar` are the indices of the period's first bar and of the bar under the mouse; the profile contains both.
    """
    series, rule = frame.chart.series, frame.rules.value_area
    rows = apply_layout(profile_of_bars(series, start, bar + 1), series.grid, RowLayout())
    if rows is None:
        return []
    runs = ((int(series.number[start]), int(series.number[bar]) + 1),)
    figures = ProfileValues(runs, rows, value_area(rows.profile, rule.percent, rule.method))
    return profile_questions(frame, f"developing {frame.rules.hours.unit}", figures, rule, y)
