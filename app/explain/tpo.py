"""Explanation of one row of a TPO profile: the row's letters, and its role in the session."""

from __future__ import annotations

import numpy as np

from app.analytics.tpo import TpoProfile
from app.chart.chart import Chart
from app.explain.explanation import Explanation, ExplanationLine, TradeFilter
from app.explain.formatting import ValueFormatter, percent_text, shortened
from app.market.times import clock_text
from app.profiles.period_profiles import BarRanges


def explain_tpo_row(chart: Chart, letters: TpoProfile, runs: BarRanges, row: int) -> Explanation:
    """Explain one row of a session's TPO profile: the brackets in which the row traded, and its part in POC and value area.

    Parameters
    ----------
    runs : BarRanges
        The session's bars.
    row : int
        A row between the session's lowest and highest.
    """
    words, place = ValueFormatter(chart), row - letters.first_row
    names, brackets = letters.letters()[place], np.flatnonzero(letters.marks[place]).tolist()
    times = [clock_text(letters.start_ns + bracket * letters.bracket_ns, seconds=False) for bracket in brackets]
    found = [ExplanationLine(f"{name}: traded here in the {time} bracket") for name, time in zip(names, times, strict=True)]
    rule, height = chart.rules.value_area, chart.series.grid.ticks_per_row
    return Explanation(
        title=f"{len(names)} letter{'' if len(names) == 1 else 's'} at {words.row(row)} · session {words.runs(runs)}",
        rule=(
            f"TPO: one letter per {letters.bracket_ns // 60_000_000_000}-minute bracket in which the row traded"
            f" · value area {rule.percent} % {rule.method.value}, by letters"
        ),
        lines=(*shortened(found), *_role_lines(chart, letters, row)),
        bars=runs,
        low_ticks=row * height,
        high_ticks=(row + 1) * height,
        parts=tuple(TradeFilter(first, end, row * height, (row + 1) * height) for first, end in runs),
        help_page="values.md#tpo",
    )


def _role_lines(chart: Chart, letters: TpoProfile, row: int) -> list[ExplanationLine]:
    """Lines that state whether a row of the session is the POC, is inside the value area, or is a single print."""
    words, rule = ValueFormatter(chart), chart.rules.value_area
    counts, place, grid = letters.counts, row - letters.first_row, chart.series.grid
    area = letters.value_area(rule.percent, rule.method)
    most, count, total = int(counts.max()), int(counts[place]), int(counts.sum())
    lines: list[ExplanationLine] = []
    if row == area.poc_row:
        equal = int((counts == most).sum())
        aside = f"; {equal} rows tie, the nearest to the middle wins, then the lower" if equal > 1 else ""
        lines.append(ExplanationLine(f"TPO POC: {count} letters, the most of any of {len(counts)} rows{aside}", True))
    else:
        poc = words.price(grid.row_price_ticks(area.poc_row))
        lines.append(ExplanationLine(f"not the TPO POC (that is {poc}, with {most} letters)", False))
    inside = area.low_row <= row <= area.high_row
    edges = f"{words.row(area.low_row)} to {words.price(grid.row_top_ticks(area.high_row))}"
    lines.append(ExplanationLine(f"value area {edges}: {area.volume} of {total} letters, {percent_text(area.volume, total)}", inside))
    if count == 1:
        outermost = place in (0, len(counts) - 1)
        lines.append(
            ExplanationLine(
                "one letter: a single print" + (", but the outermost row does not count as one" if outermost else ""), not outermost
            )
        )
    return lines
