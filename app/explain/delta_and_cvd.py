"""Explanations of a bar's volume and delta, its CVD, and a divergence."""

from __future__ import annotations

import numpy as np

from app.analytics.bar_groups import session_starts
from app.analytics.cumulative_delta import CumulativeDelta
from app.analytics.divergence import REACH
from app.chart.chart import Chart
from app.explain.explanation import Explanation, ExplanationLine, TradeFilter
from app.explain.formatting import ValueFormatter, percent_text
from app.explain.imbalances import bar_of
from app.explain.source_trades import tape_of_bars
from app.market.session import TimeDivision
from app.market.times import fine_clock_text
from app.market.trade import BUY, SELL

_BOTH = (SELL, BUY)


def explain_bar_delta(chart: Chart, number: int) -> Explanation:
    """Explain a bar's volume and delta, and when its min and max delta were reached; raises `BadInputError` if it has no trades."""
    words, series, bar = ValueFormatter(chart), chart.series, bar_of(chart, number)
    buy, sell, volume, trades = (int(getattr(series, name)[bar]) for name in ("buy", "sell", "volume", "trades"))
    unknown, delta = volume - buy - sell, buy - sell
    low, high = int(series.low[bar]), int(series.high[bar])
    aside = f" + {words.lots(unknown)} without a side" if unknown else ""
    lines = [
        ExplanationLine(f"volume: {words.lots(buy)} bought + {words.lots(sell)} sold{aside} = {words.lots(volume)}, in {trades:,} trades"),
        ExplanationLine(
            f"delta: {words.lots(buy)} - {words.lots(sell)} = {words.signed(delta)}; {percent_text(delta, volume)} of the volume"
        ),
        *_extremes(chart, bar),
        ExplanationLine(f"range: {words.price(high)} - {words.price(low)} = {words.price(high - low)}"),
    ]
    return Explanation(
        title=f"Delta {words.signed(delta)}, volume {words.lots(volume)} · {words.bar(number)} bar",
        rule=(
            "Delta: aggressive buying minus aggressive selling. "
            "Min and max delta are the extremes of the running sum within the bar, starting at 0."
        ),
        lines=tuple(lines),
        bars=((number, number + 1),),
        low_ticks=low,
        high_ticks=high + 1,
        parts=(TradeFilter(number, number + 1),),
        help_page="values.md#delta-cvd-and-divergences",
    )


def explain_cvd(chart: Chart, number: int, reset: TimeDivision | None) -> Explanation:
    """Explain the CVD after a bar, summed from the start of its session, or without `reset` from the chart's first bar.

    Raises
    ------
    BadInputError
        If the bar has no trades.
    """
    words, series, bar = ValueFormatter(chart), chart.series, bar_of(chart, number)
    start = _start(chart, bar, reset)
    after, delta = _cvd(chart, bar, reset), int(series.buy[bar] - series.sell[bar])
    first = int(series.number[start])
    begins = f"since the {words.bar(first)} bar, the start of {'the session' if reset is not None else 'the chart'}"
    buy, sell = int(series.buy[start : bar + 1].sum()), int(series.sell[start : bar + 1].sum())
    return Explanation(
        title=f"CVD {words.signed(after)} after the {words.bar(number)} bar",
        rule=f"CVD: running sum of bar deltas {begins}",
        lines=(
            ExplanationLine(f"previous CVD {words.signed(after - delta)}, bar delta {words.signed(delta)}: {words.signed(after)}"),
            ExplanationLine(f"total: {words.lots(buy)} bought - {words.lots(sell)} sold = {words.signed(after)}"),
        ),
        bars=((number, number + 1),),
        low_ticks=int(series.low[start : bar + 1].min()),
        high_ticks=int(series.high[start : bar + 1].max()) + 1,
        parts=(TradeFilter(first, number + 1, sides=_BOTH),),
        help_page="values.md#delta-cvd-and-divergences",
    )


def explain_divergence(chart: Chart, first: int, second: int, side: int, reset: TimeDivision | None) -> Explanation:
    """Explain a divergence: two swings where price and CVD disagree.

    `first` and `second` are the numbers of the two bars; `side` is -1 for two highs, +1 for two lows. The trades behind the
    divergence are those between the two closes: their delta is the difference in CVD.

    Raises
    ------
    BadInputError
        If one of the two bars has no trades.
    """
    words, series = ValueFormatter(chart), chart.series
    one, other = bar_of(chart, first), bar_of(chart, second)
    name, column, verb = ("high", series.high, "higher") if side < 0 else ("low", series.low, "lower")
    before, after = int(column[one]), int(column[other])
    cvd = _cvd(chart, one, reset), _cvd(chart, other, reset)
    above = side < 0
    price_sign, cvd_sign = (">", "<") if above else ("<", ">")
    met = (after > before) if above else (after < before), (cvd[1] < cvd[0]) if above else (cvd[1] > cvd[0])
    where = f"swing {name} at {words.bar(second)} vs {words.bar(first)}"
    beyond = "above" if above else "below"
    return Explanation(
        title=f"CVD divergence: price made a {verb} {name}, CVD a {'lower' if above else 'higher'} one",
        rule=f"Swing: a {name} {beyond} the {name}s of {REACH} bars on each side · {where}",
        lines=(
            ExplanationLine(f"price: {words.price(after)} {price_sign} {words.price(before)}, a {verb} {name}", met[0]),
            ExplanationLine(f"CVD at the two closes: {words.signed(cvd[1])} {cvd_sign} {words.signed(cvd[0])}", met[1]),
            ExplanationLine(f"delta between the closes: {words.signed(cvd[1] - cvd[0])}"),
        ),
        bars=((first, second + 1),),
        low_ticks=min(before, after),
        high_ticks=max(before, after) + 1,
        parts=(TradeFilter(first + 1, second + 1, sides=_BOTH),),
        help_page="values.md#delta-cvd-and-divergences",
    )


def _start(chart: Chart, bar: int, reset: TimeDivision | None) -> int:
    return 0 if reset is None else int(session_starts(chart.series, bar, bar + 1, reset)[0])


def _cvd(chart: Chart, bar: int, reset: TimeDivision | None) -> int:
    return int(CumulativeDelta(chart.series).values(bar, bar + 1, reset)[0])


def _extremes(chart: Chart, bar: int) -> list[ExplanationLine]:
    """Lines with a bar's min and max delta and, if all trades of the bar are loaded, the trades that reached them."""
    words, series = ValueFormatter(chart), chart.series
    number = int(series.number[bar])
    tape = tape_of_bars(chart, number, number + 1)
    running = np.concatenate(([0], np.cumsum(tape.quantity_lots * tape.side)))
    lines: list[ExplanationLine] = []
    for name, value, place in (
        ("min", int(series.delta_min[bar]), int(running.argmin())),
        ("max", int(series.delta_max[bar]), int(running.argmax())),
    ):
        when = ""
        if int(running[place]) == value and len(tape) == int(series.trades[bar]):
            when = ", before the first trade" if not place else f", after trade {place:,}, at {fine_clock_text(tape.time_ns[place - 1])}"
        lines.append(ExplanationLine(f"{name} delta: {words.signed(value)}{when}"))
    return lines
