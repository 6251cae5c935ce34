"""Explanations of POC and value area, with each step in which the area grows from the POC row.

The walk is computed again here, row by row in Python integers; `app.analytics.value_area` finds the same rows by sorting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import Enum
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from app.analytics.value_area import ValueAreaMethod, points_of_control
from app.chart.chart import Chart
from app.explain.explanation import Explanation, ExplanationLine, TradeFilter
from app.explain.formatting import ValueFormatter, exact, percent_text, shortened
from app.explain.imbalances import bar_of
from app.market.price_grid import row_price, row_top
from app.profiles.period_profiles import BarRanges
from app.profiles.profile_values import ProfileValues

_RULES = {
    ValueAreaMethod.DALTON: "dalton: compare two rows above with two below, add the larger pair (tie: the upper), until the target is met",
    ValueAreaMethod.SINGLE: "single: compare one row above with one below, add the larger (tie: the upper), until the target is met",
    ValueAreaMethod.TRADINGVIEW: (
        "tradingview: compare one row above with one below, add the larger "
        "(tie: nearer the POC, then the upper), stop before exceeding the target"
    ),
}


class ProfileEdge(Enum):
    """A line of a profile that can be explained; each member's value is the line's name."""

    POC = "POC"
    VAH = "VAH"
    VAL = "VAL"


class Step(NamedTuple):
    """One step in which a value area grows: lots of the next row or pair above and below (None without rows), and which is added."""

    above: int | None
    below: int | None
    upwards: bool
    inside: int
    """Lots inside the value area before the step."""
    joins: bool

    @property
    def lots(self) -> int:
        """Lots that the step adds, or would add if `joins` is False."""
        return (self.above if self.upwards else self.below) or 0


class ValueAreaWalk(NamedTuple):
    """A value area and the steps that lead to it: POC, lowest and highest row, lots inside. The last step may not have been added.

    Rows are counted from the lowest row of the profile.
    """

    poc: int
    low: int
    high: int
    inside: int
    steps: tuple[Step, ...]


def walk(volume: Sequence[int], percent: int, method: ValueAreaMethod) -> ValueAreaWalk:
    """Compute a value area step by step from the lots of each row; the lowest and the highest row must have volume.

    If the method stops before a step that would exceed the target, that step is the last one, with `joins` False.
    """
    poc = low = high = int(points_of_control(np.array(volume, np.int64), np.array([len(volume)]))[0])
    inside, total = volume[poc], sum(volume)
    steps: list[Step] = []
    stride, stops_before = (2 if method is ValueAreaMethod.DALTON else 1), method is ValueAreaMethod.TRADINGVIEW
    while (low > 0 or high < len(volume) - 1) and (stops_before or inside * 100 < total * percent):
        above = sum(volume[high + 1 : high + 1 + stride]) if high < len(volume) - 1 else None
        below = sum(volume[max(0, low - stride) : low]) if low else None
        if above is None or below is None:
            upwards = below is None
        elif above == below and stops_before:
            upwards = high + 1 - poc <= poc - (low - 1)
        else:
            upwards = above >= below
        step = Step(above, below, upwards, inside, True)
        if stops_before and (inside + step.lots) * 100 > total * percent:
            steps.append(step._replace(joins=False))
            break
        steps.append(step)
        inside += step.lots
        low, high = (low, min(high + stride, len(volume) - 1)) if upwards else (max(low - stride, 0), high)
    return ValueAreaWalk(poc, low, high, inside, tuple(steps))


def explain_bar_profile(chart: Chart, number: int, edge: ProfileEdge | None = None) -> Explanation:
    """Explain the POC and value area of the bar with this number, or only its POC, VAH or VAL.

    Raises
    ------
    BadInputError
        If the bar has no trades.
    """
    bar = bar_of(chart, number)
    first_row, buy, sell, unknown = chart.series.bar_cells(bar)
    figures, series, words = chart.figures, chart.series, ValueFormatter(chart)
    rows = _Rows(first_row * series.grid.ticks_per_row, series.grid.ticks_per_row, (buy + sell + unknown).tolist())
    name = f"{words.bar(number)} bar"
    return _why(chart, name, ((number, number + 1),), rows, figures.percent, figures.method, edge)


def explain_profile(
    chart: Chart, name: str, figures: ProfileValues, percent: int, method: ValueAreaMethod, edge: ProfileEdge | None = None
) -> Explanation:
    """Explain POC, VAH and VAL of a profile, or only the one given by `edge`.

    If part of the volume in these rows comes from candles, a last line states how much: it has no trades to list.
    """
    words, profile = ValueFormatter(chart), figures.rows
    rows = _Rows(profile.low_ticks, profile.ticks_per_row, profile.profile.total.tolist())
    explanation = _why(chart, f"{name}, {words.runs(figures.runs)}", figures.runs, rows, percent, method, edge)
    candles, height = figures.candles.profile, chart.series.grid.ticks_per_row
    low = max(explanation.low_ticks // height - candles.first_row, 0)
    lots = int(candles.total[low : max(low, -(-explanation.high_ticks // height) - candles.first_row)].sum())
    if not lots:
        return explanation
    return replace(
        explanation,
        lines=(
            *explanation.lines,
            ExplanationLine(f"{words.lots(lots)} of it comes from candles, spread over their rows; no trades to list"),
        ),
    )


class _Rows(NamedTuple):
    """The volume of consecutive rows in lots, lowest row first; the rows start at the price `low_ticks`."""

    low_ticks: int
    height: int
    volume: list[int]

    def edge(self, row: int) -> int:
        return self.low_ticks + row * self.height

    def price(self, row: int) -> int:
        return row_price(self.edge(row), self.height)

    def top(self, row: int) -> int:
        return row_top(self.edge(row), self.height)


def _why(
    chart: Chart, name: str, runs: BarRanges, rows: _Rows, percent: int, method: ValueAreaMethod, edge: ProfileEdge | None
) -> Explanation:
    words, rows = ValueFormatter(chart), _traded(rows)
    found = walk(rows.volume, percent, method)
    lines = _poc_lines(words, rows, found.poc)
    band = (found.poc, found.poc) if edge is ProfileEdge.POC else (found.low, found.high)
    rows_text = f"{len(rows.volume):,} rows of {_ticks(rows.height)}"
    rule = f"POC: the row with the most volume (tie: nearest the middle, then the lower) · {rows_text}"
    if edge is not ProfileEdge.POC:
        lines += _area_lines(words, rows, found, percent)
        rule = f"Value area {percent} %, {_RULES[method]} · {rows_text}"
    low, high = rows.edge(band[0]), rows.edge(band[1] + 1)
    return Explanation(
        title=_title(words, rows, found, edge, name),
        rule=rule,
        lines=tuple(lines),
        bars=runs,
        low_ticks=low,
        high_ticks=high,
        parts=tuple(TradeFilter(first, end, low, high) for first, end in runs),
        help_page="values.md#point-of-control-poc" if edge is ProfileEdge.POC else "values.md#value-area-vah-val",
    )


def _title(words: ValueFormatter, rows: _Rows, found: ValueAreaWalk, edge: ProfileEdge | None, name: str) -> str:
    at = {
        ProfileEdge.POC: words.price(rows.price(found.poc)),
        ProfileEdge.VAH: words.price(rows.top(found.high)),
        ProfileEdge.VAL: words.price(rows.edge(found.low)),
    }
    if edge is not None:
        return f"{edge.value} {at[edge]} · {name}"
    return f"POC {at[ProfileEdge.POC]}, value area {at[ProfileEdge.VAL]} to {at[ProfileEdge.VAH]} · {name}"


def _poc_lines(words: ValueFormatter, rows: _Rows, poc: int) -> list[ExplanationLine]:
    heaviest = rows.volume[poc]
    equal = sum(volume == heaviest for volume in rows.volume)
    span = words.price(rows.edge(poc))
    if rows.height > 1:
        span += f" to {words.price(rows.edge(poc + 1) - 1)}"
    head = f"row {span}: {words.lots(heaviest)}, the most of any of {len(rows.volume):,} rows"
    middle = f"; its middle tick is {words.price(rows.price(poc))}" if rows.height > 1 else ""
    lines = [ExplanationLine(head + middle)]
    if equal > 1:
        lines.append(ExplanationLine(f"{equal} rows tie: the nearest to the middle of the rows wins, then the lower"))
    elif len(rows.volume) > 1:
        second = max(volume for row, volume in enumerate(rows.volume) if row != poc)
        lines.append(ExplanationLine(f"{words.lots(heaviest)} > {words.lots(second)}, the next largest row", True))
    return lines


def _area_lines(words: ValueFormatter, rows: _Rows, found: ValueAreaWalk, percent: int) -> list[ExplanationLine]:
    total = sum(rows.volume)
    lots = Fraction(words.chart.spec.instrument.lot_size)
    target = exact(Fraction(total * percent, 100) * lots)
    lines = [
        ExplanationLine(f"target: {percent} % of {words.lots(total)} = {target}"),
        ExplanationLine(f"POC row: {words.lots(rows.volume[found.poc])}"),
    ]
    lines += shortened([_step_line(words, step, total, percent, target) for step in found.steps])
    lines.append(
        ExplanationLine(
            f"VAH {words.price(rows.top(found.high))} and VAL {words.price(rows.edge(found.low))}: "
            f"{'outer edges of its rows' if rows.height > 1 else 'its highest and lowest row, of one tick each'}"
        )
    )
    lines.append(ExplanationLine(f"inside: {words.lots(found.inside)} of {words.lots(total)}, {percent_text(found.inside, total)}"))
    return lines


def _step_line(words: ValueFormatter, step: Step, total: int, percent: int, target: str) -> ExplanationLine:
    """The line that explains a step, e.g. `above 80.5 > below 60.2: 120.5 + 80.5 = 201 < 700.14`."""
    sides = [("above", step.above), ("below", step.below)]
    (mine, lots), (other, against) = sides if step.upwards else sides[::-1]
    lots = lots or 0
    compared = f"no rows left {other}"
    if against is not None:
        compared = f"{mine} {words.lots(lots)} {'=' if lots == against else '>'} {other} {words.lots(against)}"
    else:
        compared = f"{mine} {words.lots(lots)}, {compared}"
    after = step.inside + lots
    sum_text = f"{words.lots(step.inside)} + {words.lots(lots)} = {words.lots(after)}"
    if not step.joins:
        return ExplanationLine(f"{compared}: {sum_text} > {target}: not added, stop", False)
    reached = after * 100 >= total * percent
    sign = ">=" if reached else "<"
    return ExplanationLine(f"{compared}: {sum_text} {sign} {target}")


def _traded(rows: _Rows) -> _Rows:
    """The rows from the lowest with volume to the highest with volume; at least one row must have volume."""
    traded = [row for row, volume in enumerate(rows.volume) if volume]
    return _Rows(rows.edge(traded[0]), rows.height, rows.volume[traded[0] : traded[-1] + 1])


def _ticks(height: int) -> str:
    return f"{height} tick{'' if height == 1 else 's'}"
