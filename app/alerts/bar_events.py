"""Events of closed bars on which alerts fire.

Each function takes a chart, a bar and a value, and returns a line of text, or None if the bar does not have the event.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from app.analytics.bar_groups import gap_free_runs, session_starts
from app.analytics.delta import bar_delta
from app.analytics.divergence import REACH, divergences, swings
from app.analytics.imbalance import zones_from_marks
from app.chart.chart import Chart
from app.market.decimals import step_text
from app.market.trade import BUY

Event = Callable[[Chart, int, int], str | None]
_LOOK_BACK = 400
"""Number of bars, up to the closed one, in which the swings of a divergence are searched: as many as when the chart draws them."""


def percent_of_delta(chart: Chart, bar: int, value: int) -> str | None:
    """The text for a bar whose delta, in % of its volume, is at least `value` (at most, if `value` is negative); else None."""
    series = chart.series
    delta, volume = int(series.buy[bar] - series.sell[bar]), int(series.volume[bar])
    if 100 * delta < value * volume if value > 0 else 100 * delta > value * volume:
        return None
    return f"bar closed with delta at {100 * delta / volume:+.0f} % of volume"


def stacked(side: int) -> Event:
    """Return the function that reports a bar's stacked imbalances of one side, with the price of the lowest one.

    It returns None if the bar has none.
    """

    def read(chart: Chart, bar: int, _value: int) -> str | None:
        series = chart.series
        zones = zones_from_marks(series, bar, bar + 1, chart.figures.imbalances(bar, bar + 1), chart.figures.rule.stacked)
        rows = zones.first_row[zones.side == side]
        if not len(rows):
            return None
        low = step_text(int(rows[0]) * series.grid.ticks_per_row, chart.spec.instrument.tick_size)
        return f"stacked {'buying' if side == BUY else 'selling'} imbalance from {low}"

    return read


def unfinished(*, high: bool) -> Event:
    """Return the function that reports an unfinished auction: trades of both sides in a bar's highest or lowest row; else None."""

    def read(chart: Chart, bar: int, _value: int) -> str | None:
        series = chart.series
        cells = series.cells_of(bar, bar + 1)
        cell = cells.stop - 1 if high else cells.start
        if not (series.cell_buy[cell] > 0 and series.cell_sell[cell] > 0):
            return None
        price = step_text(int(series.high[bar] if high else series.low[bar]), chart.spec.instrument.tick_size)
        return f"unfinished auction at the {'high' if high else 'low'}, {price}"

    return read


def divergence(side: int) -> Event:
    """Return the function that reports a divergence of price and CVD confirmed by a bar; `side` is +1 at lows, -1 at highs.

    The result depends only on the last 400 bars up to that one, so that it is the same whenever it is computed. Swings on both sides
    of a gap, or of a CVD reset, are not compared.
    """

    def read(chart: Chart, bar: int, _value: int) -> str | None:
        series, end = chart.series, bar + 1
        first = max(0, end - _LOOK_BACK)
        prices = -series.low[first:end] if side > 0 else series.high[first:end]
        now = swings(prices)
        if len(now) < 2 or np.array_equal(now, swings(prices[:-1])):
            return None
        pair, nothing = first + now[-2:], np.zeros(0, np.int64)
        cvd = np.cumsum(bar_delta(series, first, end))
        group = gap_free_runs(series, first, end, [gap.end_ns for gap in chart.holes])
        if chart.rules.cvd.reset == "session":  # swings on both sides of a CVD reset are not compared
            group = 2 * end * group + session_starts(series, first, end, chart.rules.hours.from_start())
        found = divergences(series, *((nothing, pair) if side > 0 else (pair, nothing)), cvd, group, first)
        if not len(found.second):
            return None
        prices = series.low if side > 0 else series.high
        swing = step_text(int(prices[int(found.second[0])]), chart.spec.instrument.tick_size)
        kind, extreme = ("bullish", "low") if side > 0 else ("bearish", "high")
        return f"{kind} CVD divergence at the {extreme} {swing} (swing of {REACH} bars each side)"

    return read
