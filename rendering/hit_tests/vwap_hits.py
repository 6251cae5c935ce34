"""Hit targets of a VWAP: its line and its bands."""

from __future__ import annotations

__lazy_modules__ = {"app.explain.vwaps"}  # Python 3.15 loads them when a value is explained; earlier ones ignore this

from collections.abc import Mapping
from functools import partial

from app.analytics.bar_groups import session_starts
from app.explain.vwaps import explain_vwap
from app.market.session import TimeDivision
from rendering.hit_tests.hit_target import NEAR_PX, HitTarget
from rendering.view.frame import Frame


def vwap_questions(frame: Frame, label: str, division: TimeDivision, bar: int, levels: Mapping[int, float], y: float) -> list[HitTarget]:
    """Hit targets of a VWAP's line and bands near height `y`, in logical pixels; empty if none is near.

    `levels` maps the deviation of each line (0, ±1, ±2 σ) to its height at the bar with index `bar`.
    """
    series = frame.chart.series
    near = [band for band, at in levels.items() if abs(at - y) <= NEAR_PX]
    first = int(session_starts(series, bar, bar + 1, division)[0]) if near else 0
    numbers = int(series.number[first]), int(series.number[bar])
    names = {band: label + (f" {band:+d} σ".replace("-", "−") if band else "") for band in near}
    return [HitTarget(names[band], partial(explain_vwap, frame.chart, label, *numbers, band)) for band in near]
