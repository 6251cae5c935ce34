"""Explanations of levels: where each comes from, and when it was active."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.analytics.level_detection import LevelKind
from app.analytics.level_expiry import ALWAYS, NEVER
from app.analytics.profile import VolumeProfile, profile_of_bars
from app.analytics.row_layout import RowLayout, apply_layout
from app.analytics.tpo import TpoProfile, tpo_of_bars
from app.analytics.value_area import value_area
from app.chart.chart import Chart
from app.chart.levels import PERIODS
from app.explain.explanation import Explanation, ExplanationLine, TradeFilter
from app.explain.formatting import ValueFormatter, shortened
from app.explain.imbalances import explain_zone
from app.explain.value_areas import ProfileEdge, explain_profile
from app.market.arrays import Int64Array
from app.market.trade import BUY, SELL
from app.profiles.profile_values import ProfileValues

_NODE_REACH = 3
"""Number of rows on each side with which a node is compared; see `app.analytics.volume_nodes.peaks`."""
_NAMES = {
    LevelKind.HVN: "High volume node",
    LevelKind.LVN: "Low volume node",
    LevelKind.SINGLE_PRINTS: "Single prints",
    LevelKind.POOR_HIGH: "Poor high",
    LevelKind.POOR_LOW: "Poor low",
    LevelKind.UNFINISHED_HIGH: "Unfinished auction at the high",
    LevelKind.UNFINISHED_LOW: "Unfinished auction at the low",
}


class LevelQuery(NamedTuple):
    """A level to explain: its values from the level table, and the end of the as-of view, if any.

    Attributes
    ----------
    kind : LevelKind
    period : int
        Index into `PERIODS`, -1 for none.
    bottom, top : int
        Edges, in ticks.
    low_at_most, high_at_least : int
        A bar ends the level if its low is at most the first and its high at least the second, in ticks.
    start, end : int
        Index of the first bar at which the level is active, and of the bar that ended it; -1 while it is active.
    tests : int
    known_end : int or None
        Index of the first bar that the as-of view does not include; None: all bars are included.
    """

    kind: LevelKind
    period: int
    bottom: int
    top: int
    low_at_most: int
    high_at_least: int
    start: int
    end: int
    tests: int
    known_end: int | None = None


def explain_level(chart: Chart, level: LevelQuery) -> Explanation:
    """Explain where a level comes from, when it became active, and which bar ended it, if any."""
    origin = _origin(chart, level)
    return Explanation(
        title=origin.title,
        rule=origin.rule,
        lines=(*origin.lines, *life_lines(chart, level)),
        bars=origin.bars,
        low_ticks=min(origin.low_ticks, level.bottom),
        high_ticks=max(origin.high_ticks, level.top + 1),
        parts=origin.parts,
        help_page="values.md#levels",
    )


def _origin(chart: Chart, level: LevelQuery) -> Explanation:
    if level.kind in (LevelKind.STACKED_BUY, LevelKind.STACKED_SELL):
        height = chart.series.grid.ticks_per_row
        side = BUY if level.kind is LevelKind.STACKED_BUY else SELL
        number = int(chart.series.number[level.start - 1])
        return explain_zone(chart, number, side, level.bottom // height, level.top // height)
    if level.kind in (LevelKind.UNFINISHED_HIGH, LevelKind.UNFINISHED_LOW):
        return _unfinished(chart, level)
    start_ns, first, end = chart.levels.bars_of(PERIODS[level.period], level.start)
    runs = ((int(chart.series.number[first]), int(chart.series.number[end - 1]) + 1),)
    name = f"{PERIODS[level.period].value} {ValueFormatter(chart).runs(runs)}"
    profile = profile_of_bars(chart.series, first, end)
    if level.kind <= LevelKind.VAL:
        rows = apply_layout(profile, chart.series.grid, RowLayout())
        assert rows is not None  # a level was found in it
        rule = chart.figures.percent, chart.figures.method
        figures = ProfileValues(runs, rows, value_area(rows.profile, *rule))
        return explain_profile(chart, PERIODS[level.period].value, figures, *rule, ProfileEdge[level.kind.name])
    if level.kind in (LevelKind.HVN, LevelKind.LVN):
        return _node(chart, level, profile, runs, name)
    letters = tpo_of_bars(chart.series, first, end, start_ns, chart.levels.rules.bracket_ns)
    return _letters(chart, level, letters, runs, name)


def _unfinished(chart: Chart, level: LevelQuery) -> Explanation:
    series, words, bar = chart.series, ValueFormatter(chart), level.start - 1
    high = level.kind is LevelKind.UNFINISHED_HIGH
    first, buy, sell, _ = series.bar_cells(bar)
    place = len(buy) - 1 if high else 0
    row, number, height = first + place, int(series.number[bar]), series.grid.ticks_per_row
    bought, sold = int(buy[place]), int(sell[place])
    where = f"the bar's {'highest' if high else 'lowest'} row, {words.row(row)}"
    lines = (
        ExplanationLine(f"bought at {where}: {words.lots(bought)} > 0", bought > 0),
        ExplanationLine(f"sold there: {words.lots(sold)} > 0", sold > 0),
    )
    return Explanation(
        title=f"{_NAMES[level.kind]} {words.price(level.top)} · {words.bar(number)} bar",
        rule="Unfinished auction: both sides traded in the outermost row of a closed bar · active until traded through",
        lines=lines,
        bars=((number, number + 1),),
        low_ticks=row * height,
        high_ticks=(row + 1) * height,
        parts=(TradeFilter(number, number + 1, row * height, (row + 1) * height, (SELL, BUY)),),
        help_page="values.md#levels",
    )


def _node(chart: Chart, level: LevelQuery, profile: VolumeProfile, runs: tuple[tuple[int, int], ...], name: str) -> Explanation:
    words, height = ValueFormatter(chart), chart.series.grid.ticks_per_row
    row = level.bottom // height
    by_peaks = chart.levels.rules.nodes == "peaks"
    lines = _peak_lines(words, level.kind, profile, row) if by_peaks else _percentile_lines(words, level.kind, profile, row)
    rule = f"peaks: strictly {'above' if level.kind is LevelKind.HVN else 'below'} the {_NODE_REACH} rows on each side"
    if not by_peaks:
        rule = f"percentile: at or {'above the 70th' if level.kind is LevelKind.HVN else 'below the 30th'} percentile of its rows"
    return Explanation(
        title=f"{_NAMES[level.kind]} {words.price(level.bottom)} · {name}",
        rule=f"{_NAMES[level.kind]} by {rule}",
        lines=tuple(lines),
        bars=runs,
        low_ticks=row * height,
        high_ticks=(row + 1) * height,
        parts=tuple(TradeFilter(first, end, row * height, (row + 1) * height) for first, end in runs),
        help_page="values.md#hvn-and-lvn",
    )


def _peak_lines(words: ValueFormatter, kind: LevelKind, profile: VolumeProfile, row: int) -> list[ExplanationLine]:
    """Lines that compare a node's row, or the plateau of equal rows around it, with the rows above and below."""
    volume = profile.total.tolist()
    place = row - profile.first_row
    low = high = place
    while low > 0 and volume[low - 1] == volume[place]:
        low -= 1
    while high < len(volume) - 1 and volume[high + 1] == volume[place]:
        high += 1
    lines: list[ExplanationLine] = []
    if high > low:
        plateau = f"{words.row(profile.first_row + low)} to {words.row(profile.first_row + high)}"
        lines.append(
            ExplanationLine(f"{high - low + 1} rows {plateau} with {words.lots(volume[place])} each: one plateau, placed at its middle")
        )
    sign = ">" if kind is LevelKind.HVN else "<"
    for other in (*range(high + _NODE_REACH, high, -1), *range(low - 1, low - 1 - _NODE_REACH, -1)):
        lots = volume[other] if 0 <= other < len(volume) else 0
        met = volume[place] > lots if kind is LevelKind.HVN else volume[place] < lots
        lines.append(
            ExplanationLine(f"{words.lots(volume[place])} {sign} {words.lots(lots)} at {words.row(profile.first_row + other)}", met)
        )
    return lines


def _percentile_lines(words: ValueFormatter, kind: LevelKind, profile: VolumeProfile, row: int) -> list[ExplanationLine]:
    volume = profile.total
    lots = int(volume[row - profile.first_row])
    high = kind is LevelKind.HVN
    fewer = int((volume <= lots).sum()) if high else int((volume >= lots).sum())
    return [
        ExplanationLine(
            f"{words.lots(lots)} at {words.row(row)}, {'at least' if high else 'at most'} the volume of {fewer:,} of {len(volume):,} rows"
        ),
        ExplanationLine(f"the {'70th' if high else '30th'} percentile of the rows is {_percentile(words, volume, 70 if high else 30)}"),
    ]


def _percentile(words: ValueFormatter, volume: Int64Array, percent: int) -> str:
    value = float(np.percentile(volume, percent)) * float(words.chart.spec.instrument.lot_size)
    return f"≈ {value:.8f}".rstrip("0").rstrip(".")


def _letters(chart: Chart, level: LevelQuery, letters: TpoProfile, runs: tuple[tuple[int, int], ...], name: str) -> Explanation:
    words, height = ValueFormatter(chart), chart.series.grid.ticks_per_row
    texts = letters.letters()
    if level.kind is LevelKind.SINGLE_PRINTS:
        first, last = level.bottom // height, level.top // height
        found = [ExplanationLine(f"{words.row(row)}: {texts[row - letters.first_row]}, one letter", True) for row in range(first, last + 1)]
        rule = "Single prints: rows with one letter, excluding the highest and lowest · active until traded through"
    else:
        first = last = letters.first_row + (len(texts) - 1 if level.kind is LevelKind.POOR_HIGH else 0)
        count = len(texts[first - letters.first_row])
        found = [
            ExplanationLine(f"{words.row(first)}, the outermost row: {texts[first - letters.first_row]}, {count} letters >= 2", count >= 2)
        ]
        rule = "Poor high or low: two or more letters in the session's outermost row · active until traded through"
    edges = [words.price(edge) for edge in (level.bottom, level.top)]
    return Explanation(
        title=f"{_NAMES[level.kind]} {edges[0] if edges[0] == edges[1] else ' to '.join(edges)} · {name}",
        rule=f"{rule} · brackets of {letters.bracket_ns // 60_000_000_000} minutes",
        lines=tuple(shortened(found)),
        bars=runs,
        low_ticks=first * height,
        high_ticks=(last + 1) * height,
        parts=tuple(TradeFilter(begin, end, first * height, (last + 1) * height) for begin, end in runs),
        help_page="values.md#tpo",
    )


# -- active and ended ----------------------------------------------------------------------------


def life_lines(chart: Chart, level: LevelQuery) -> list[ExplanationLine]:
    """Lines on when a level became active, its tests, and the bar that ended it.

    For an active level the last line names the bar that came closest to ending it. Volume nodes, which no bar ends, and levels that are
    active only from the next bar on have one line.
    """
    series, words = chart.series, ValueFormatter(chart)
    known_end = series.n_bars if level.known_end is None else level.known_end
    if level.start >= known_end:
        return [ExplanationLine("active from the next bar")]
    since = words.bar(int(series.number[level.start]))
    if level.kind in (LevelKind.HVN, LevelKind.LVN):
        until = "to the end of the next day" if level.end < 0 else f"to {words.bar(int(series.number[level.end]))}"
        return [ExplanationLine(f"active from {since} {until}; no bar ends it")]
    lines = [ExplanationLine(f"active since {since}; tested by {level.tests:,} closed bars without ending")]
    bars = slice(level.start, level.end + 1 if level.end >= 0 else known_end)
    by_close = chart.levels.rules.zones_end == "close" and level.kind >= LevelKind.STACKED_BUY
    low, high = (getattr(series, name)[bars] for name in (("close", "close") if by_close else ("low", "high")))
    if level.end >= 0:
        text = _met(words, level, int(low[-1]), int(high[-1]))
        return [*lines, ExplanationLine(f"ended by the {words.bar(int(series.number[level.end]))} bar: {text}", True)]
    nearest = int(np.argmin(np.maximum(np.maximum(low - level.low_at_most, level.high_at_least - high), 0)))
    text = _missed(words, level, int(low[nearest]), int(high[nearest]))
    return [
        *lines,
        ExplanationLine(f"still active: the {words.bar(int(series.number[level.start + nearest]))} bar came closest, {text}", False),
    ]


def _met(words: ValueFormatter, level: LevelQuery, low: int, high: int) -> str:
    parts: list[str] = []
    if level.low_at_most != ALWAYS:
        parts.append(f"{words.price(low)} <= {words.price(level.low_at_most)}")
    if level.high_at_least != NEVER:
        parts.append(f"{words.price(high)} >= {words.price(level.high_at_least)}")
    return " and ".join(parts)


def _missed(words: ValueFormatter, level: LevelQuery, low: int, high: int) -> str:
    if low > level.low_at_most:
        return f"{words.price(low)} > {words.price(level.low_at_most)}"
    return f"{words.price(high)} < {words.price(level.high_at_least)}"
