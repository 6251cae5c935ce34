"""Hit targets of a cell: its imbalance check, and the POC and value area of its bar."""

from __future__ import annotations

__lazy_modules__ = {  # Python 3.15 loads them when a value is explained; earlier ones ignore this
    "app.explain.imbalances",
    "app.explain.value_areas",
}

import math
from functools import partial

from app.analytics.imbalance import Imbalances
from app.explain.imbalances import explain_cell
from app.explain.value_areas import ProfileEdge, explain_bar_profile
from rendering.hit_tests.hit_target import NEAR_PX, HitTarget
from rendering.view.bar_at import bar_at
from rendering.view.detail import Detail
from rendering.view.frame import Frame
from rendering.view.frame_coords import price_y


def cell_questions(frame: Frame, x: float, y: float) -> list[HitTarget]:
    """Hit targets of the cell under the mouse and of its bar's POC and value area, those marked on the chart first.

    Empty if there is no cell under the mouse.
    """
    bar = bar_at(frame, x) if frame.layout.price.holds(x, y) else None
    chart, series = frame.chart, frame.chart.series
    row = series.grid.row(math.floor(frame.viewport.ticks_at(y)))
    if bar is None or not int(series.first_row[bar]) <= row < int(series.first_row[bar] + series.n_rows[bar]):
        return []
    number, place = int(series.number[bar]), row - int(series.first_row[bar])
    style, near = frame.style, frame.detail >= Detail.CELLS
    marks: Imbalances = chart.figures.imbalances(bar, bar + 1)
    buy, sell = bool(marks.buy[place]), bool(marks.sell[place])
    imbalanced = near and style.show_imbalances and (buy or sell)
    name = f"{'Imbalance' if buy or sell else 'No imbalance'} at {series.grid.row_text(row)}"
    low, high = (int(rows[0]) for rows in chart.figures.value_areas(bar, bar + 1))
    poc = int(chart.figures.poc_rows(bar, bar + 1)[0])
    at_edge = any(abs(price_y(frame, series.grid.row_low_ticks(edge)) - y) <= NEAR_PX for edge in (low, high + 1))
    found = [
        HitTarget(name, partial(explain_cell, chart, number, row), imbalanced),
        HitTarget(
            "POC of the bar",
            partial(explain_bar_profile, chart, number, ProfileEdge.POC),
            near and style.show_point_of_control and row == poc,
        ),
        HitTarget("Value area of the bar", partial(explain_bar_profile, chart, number), near and style.show_value_area and at_edge),
    ]
    return sorted(found, key=lambda question: not question.marked)
