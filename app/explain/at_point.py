"""Explanations of the values at one time and price: cell, POC, value area, delta, CVD, VWAP and levels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

from app.analytics.bar_groups import session_starts
from app.analytics.level_detection import LevelKind
from app.chart.chart import Chart
from app.errors import BadInputError
from app.explain.delta_and_cvd import explain_bar_delta, explain_cvd
from app.explain.explanation import Explanation
from app.explain.formatting import ValueFormatter
from app.explain.imbalances import bar_of, explain_cell
from app.explain.levels import LevelQuery, explain_level
from app.explain.value_areas import ProfileEdge, explain_bar_profile
from app.explain.vwaps import explain_vwap

What = Literal["all", "cell", "poc", "value-area", "delta", "cvd", "vwap", "levels"]
WHATS: tuple[What, ...] = get_args(What)


def explanations_at(chart: Chart, time_ns: int, price_ticks: int, what: What = "all") -> list[Explanation]:
    """Explain the values of the bar at a time, and the cell and the levels at a price in it; only the kind `what`, unless "all".

    Raises
    ------
    BadInputError
        If the bar has no trades, if the cell is requested and outside the bar's range, or if only levels are requested and none is
        at the price.
    """
    number, row = chart.series.times.number(time_ns), chart.series.grid.row(price_ticks)
    bar_of(chart, number)
    makers = {
        "cell": lambda: [explain_cell(chart, number, row)],
        "poc": lambda: [explain_bar_profile(chart, number, ProfileEdge.POC)],
        "value-area": lambda: [explain_bar_profile(chart, number)],
        "delta": lambda: [explain_bar_delta(chart, number)],
        "cvd": lambda: [_cvd(chart, number)],
        "vwap": lambda: [_vwap(chart, number)],
        "levels": lambda: list(_levels(chart, number, row)),
    }
    found = [one for name, make in makers.items() if what in ("all", name) for one in make()]
    if not found:
        words = ValueFormatter(chart)
        raise BadInputError(f"no level at {words.row(row)} in the {words.bar(number)} bar")
    return found


def _cvd(chart: Chart, number: int) -> Explanation:
    reset = chart.rules.hours.from_start() if chart.rules.cvd.reset == "session" else None
    return explain_cvd(chart, number, reset)


def _vwap(chart: Chart, number: int) -> Explanation:
    bar, series = bar_of(chart, number), chart.series
    first = int(session_starts(series, bar, bar + 1, chart.rules.hours.from_start())[0])
    return explain_vwap(chart, f"VWAP {chart.rules.hours.unit}", int(series.number[first]), number)


def _levels(chart: Chart, number: int, row: int) -> Iterator[Explanation]:
    """Explain the levels in a row that were active in a bar, oldest first.

    Each is explained as it stood when the bar closed, except for its number of tests.
    """
    chart.levels.settle()
    bar, height = bar_of(chart, number), chart.series.grid.ticks_per_row
    found = chart.levels.columns(tuple(LevelKind), bar, bar + 1, known_end=bar + 1)
    for values in zip(*(found[name].tolist() for name in LevelQuery._fields[:-1]), strict=True):
        level = LevelQuery(LevelKind(values[0]), *values[1:], known_end=bar + 1)
        if level.bottom < (row + 1) * height and level.top >= row * height:
            yield explain_level(chart, level)
