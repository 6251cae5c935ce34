"""Explanations of diagonal imbalances and of stacked zones."""

from __future__ import annotations

from typing import NamedTuple

from app.analytics.imbalance import ImbalanceRule
from app.chart.chart import Chart
from app.errors import BadInputError
from app.explain.explanation import Explanation, ExplanationLine, TradeFilter
from app.explain.formatting import ValueFormatter, factor_text, shortened
from app.market.trade import BUY, SELL


class CellTest(NamedTuple):
    """The imbalance test of one side of a cell against the other side one row away.

    Attributes
    ----------
    side : int
        The tested side, `BUY` or `SELL`.
    row, other_row : int
        The cell's row, and the row with which it is compared; that may be outside the bar.
    imbalanced : bool
    lines : tuple of ExplanationLine
        The compared volumes, and the conditions.
    """

    side: int
    row: int
    other_row: int
    imbalanced: bool
    lines: tuple[ExplanationLine, ...]


def explain_cell(chart: Chart, number: int, row: int) -> Explanation:
    """Explain why a cell has a buy imbalance, a sell imbalance, both or neither.

    The trades behind the explanation are those compared for the imbalanced sides; without an imbalance, for both sides.

    Raises
    ------
    BadInputError
        If the bar has no trades, or the row is outside its range.
    """
    words, rule, series = ValueFormatter(chart), chart.figures.rule, chart.series
    bar = bar_of(chart, number)
    first, n_rows = int(series.first_row[bar]), int(series.n_rows[bar])
    if not first <= row < first + n_rows:
        raise BadInputError(f"price: {words.row(row)} is outside the bar's range, {words.row(first)} to {words.row(first + n_rows - 1)}")
    both = [evaluate_side(chart, bar, row, side) for side in (BUY, SELL)]
    found = [judged for judged in both if judged.imbalanced]
    names = {BUY: "buy", SELL: "sell"}
    what = " and ".join(names[judged.side] for judged in found)
    height = series.grid.ticks_per_row
    return Explanation(
        title=f"{what.capitalize() if what else 'No'} imbalance at {words.row(row)} · {words.bar(number)} bar",
        rule=rule_text(words, rule),
        lines=tuple(line for judged in both for line in judged.lines),
        bars=((number, number + 1),),
        low_ticks=(row - 1) * height,
        high_ticks=(row + 2) * height,
        parts=_parts(number, height, found or both, range(first, first + n_rows)),
        help_page="values.md#diagonal-imbalance",
    )


def explain_zone(chart: Chart, number: int, side: int, first_row: int, last_row: int) -> Explanation:
    """Explain why some rows of a bar are a stacked zone; raises `BadInputError` if the bar has no trades."""
    words, rule = ValueFormatter(chart), chart.figures.rule
    bar = bar_of(chart, number)
    judged = [evaluate_side(chart, bar, row, side) for row in range(first_row, last_row + 1)]
    count, height = len(judged), chart.series.grid.ticks_per_row
    lines = [ExplanationLine(f"{count} consecutive rows: {count} >= {rule.stacked}", count >= rule.stacked)]
    lines += shortened([ExplanationLine(f"{words.row(one.row)}: {one.lines[-1].text}", one.imbalanced) for one in judged])
    rows = chart.series.first_row[bar], chart.series.first_row[bar] + chart.series.n_rows[bar]
    name = "buy" if side == BUY else "sell"
    return Explanation(
        title=f"Stacked {name} imbalance {words.row(first_row)} to {words.row(last_row)} · {words.bar(number)} bar",
        rule=f"{rule.stacked} or more consecutive rows · {rule_text(words, rule)}",
        lines=tuple(lines),
        bars=((number, number + 1),),
        low_ticks=first_row * height,
        high_ticks=(last_row + 1) * height,
        parts=_parts(number, height, judged, range(int(rows[0]), int(rows[1]))),
        help_page="values.md#diagonal-imbalance",
    )


def evaluate_side(chart: Chart, bar: int, row: int, side: int) -> CellTest:
    """Test one side of a cell for an imbalance; `bar` is the index of its bar.

    Buying is compared with selling one row below, selling with buying one row above.
    """
    words, rule, series = ValueFormatter(chart), chart.figures.rule, chart.series
    first, buy, sell, _ = series.bar_cells(bar)
    mine, others = (buy, sell) if side == BUY else (sell, buy)
    other_row, place = (row - 1 if side == BUY else row + 1), row - first
    lots = int(mine[place])
    verbs = ("bought", "sold", "below") if side == BUY else ("sold", "bought", "above")
    if not 0 <= other_row - first < len(buy):
        edge = "lowest" if side == BUY else "highest"
        text = f"{words.lots(lots)} {verbs[0]} at the bar's {edge} row: not tested, no row {verbs[2]} it"
        return CellTest(side, row, other_row, False, (ExplanationLine(text, False),))
    other = int(others[other_row - first])
    head = ExplanationLine(f"{verbs[0]} at {words.row(row)} vs {verbs[1]} one row {verbs[2]}, at {words.row(other_row)}:")
    lines = (head, *(ExplanationLine(text, met) for text, met in _conditions(words, rule, lots, other)))
    return CellTest(side, row, other_row, all(line.met for line in lines[1:]), lines)


def _conditions(words: ValueFormatter, rule: ImbalanceRule, lots: int, other: int) -> list[tuple[str, bool]]:
    """The conditions of an imbalance as text, each with True if it is met; the condition on the ratio comes last.

    Conditions that are always met, e.g. a minimum of 0, are left out.
    """
    found: list[tuple[str, bool]] = []
    if not lots:
        found.append(("0 = 0: a side with no volume is never imbalanced", False))
    if rule.minimum_lots > 0:
        enough = lots >= rule.minimum_lots
        found.append((f"{words.lots(lots)} {'>=' if enough else '<'} {words.lots(rule.minimum_lots)} (minimum volume)", enough))
    if not other and rule.zeros == "ignore":
        found.append(("opposite side is 0: ignored by the zeros setting", False))
    times, of = rule.ratio.as_integer_ratio()
    enough = lots * of >= other * times
    sign = ">=" if enough else "<"
    product = f"{factor_text(rule.ratio)} x {words.lots(other)} = {words.times(rule.ratio, other)}"
    found.append((f"{words.lots(lots)} {sign} {product}", enough))
    return found


def rule_text(words: ValueFormatter, rule: ImbalanceRule) -> str:
    """The imbalance rule with its settings, and the row height if over one tick, as one line of text."""
    zeros = "zeros counted" if rule.zeros == "count" else "zeros ignored"
    height = words.chart.series.grid.ticks_per_row
    rows = f" · rows of {height} ticks" if height > 1 else ""
    return f"Diagonal imbalance · ratio {factor_text(rule.ratio)} · minimum {words.lots(rule.minimum_lots)} · {zeros}{rows}"


def bar_of(chart: Chart, number: int) -> int:
    """The index in the series of the bar with this number.

    Raises
    ------
    BadInputError
        If the bar has no trades.
    """
    series = chart.series
    bar = series.index_of(number)
    if bar >= series.n_bars or int(series.number[bar]) != number:
        raise BadInputError(f"bar: no trades in the {ValueFormatter(chart).bar(number)} bar")
    return bar


def _parts(number: int, height: int, judged: list[CellTest], rows: range) -> tuple[TradeFilter, ...]:
    """Filters for the trades of all cell sides that were compared, `rows` being those of the bar; no trade passes two filters."""
    cells = {(one.row, one.side) for one in judged}
    cells |= {(one.other_row, -one.side) for one in judged if one.other_row in rows}
    return tuple(TradeFilter(number, number + 1, row * height, (row + 1) * height, (side,)) for row, side in sorted(cells))
