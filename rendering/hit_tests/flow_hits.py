"""Hit targets of bar delta, bar statistics, CVD, divergences, large trades and TPO letters."""

from __future__ import annotations

__lazy_modules__ = {  # Python 3.15 loads them when a value is explained; earlier ones ignore this
    "app.explain.delta_and_cvd",
    "app.explain.large_trades",
    "app.explain.tpo",
    "app.explain.value_areas",
}

from functools import partial

from app.analytics.bar_statistics import Statistic
from app.analytics.large_trades import LargeTradeFilter
from app.analytics.tpo import TpoProfile
from app.explain.delta_and_cvd import explain_bar_delta, explain_cvd, explain_divergence
from app.explain.large_trades import explain_large_trade
from app.explain.tpo import explain_tpo_row
from app.explain.value_areas import ProfileEdge, explain_bar_profile
from app.market.session import TimeDivision
from app.market.trade import TradeBatch
from rendering.hit_tests.hit_target import NEAR_PX, HitTarget
from rendering.view.bar_at import bar_at
from rendering.view.frame import Frame


def bar_delta_hits(frame: Frame, x: float) -> list[HitTarget]:
    """The hit target for delta and volume of the bar under the mouse; empty if there is no bar."""
    bar = bar_at(frame, x)
    if bar is None:
        return []
    return [
        HitTarget("Delta and volume of the bar", partial(explain_bar_delta, frame.chart, int(frame.chart.series.number[bar])), marked=False)
    ]


def cvd_questions(frame: Frame, x: float, reset: TimeDivision | None) -> list[HitTarget]:
    """The hit target for CVD at the end of the bar under the mouse; empty if there is no bar."""
    bar = bar_at(frame, x)
    if bar is None:
        return []
    return [HitTarget("CVD", partial(explain_cvd, frame.chart, int(frame.chart.series.number[bar]), reset), marked=False)]


def statistic_questions(frame: Frame, x: float, statistic: Statistic, reset: TimeDivision | None) -> list[HitTarget]:
    """The hit target for one bar statistic of the bar under the mouse; empty if there is no bar.

    Statistics other than CVD and POC are explained by the bar's delta and volume.
    """
    bar = bar_at(frame, x)
    if bar is None:
        return []
    if statistic is Statistic.CVD:
        return cvd_questions(frame, x, reset)
    if statistic is Statistic.POC:
        number = int(frame.chart.series.number[bar])
        return [HitTarget("POC of the bar", partial(explain_bar_profile, frame.chart, number, ProfileEdge.POC), marked=False)]
    return bar_delta_hits(frame, x)


def divergence_question(
    frame: Frame,
    bars: tuple[int, int],
    side: int,
    reset: TimeDivision | None,
    line: tuple[float, float, float, float],
    at: tuple[float, float],
) -> list[HitTarget]:
    """The hit target for a divergence; empty if its line is not near the mouse.

    `bars` are the numbers of the bars of both swings. `line` is x and y of the line's first end, then of its second end, and `at`
    the position of the mouse, all in logical pixels.
    """
    left, one, right, other = line
    x, y = at
    if not left - NEAR_PX <= x <= right + NEAR_PX:
        return []
    share = min(max((x - left) / max(right - left, 1.0), 0.0), 1.0)
    if abs(one + share * (other - one) - y) > 2 * NEAR_PX:  # the line is drawn a few pixels away from its prices
        return []
    return [HitTarget("CVD divergence", partial(explain_divergence, frame.chart, *bars, side, reset))]


def large_question(frame: Frame, found: TradeBatch, trade: int, rule: LargeTradeFilter) -> HitTarget:
    """The hit target for one of the large trades in view: the trade at index `trade` of `found`."""
    return HitTarget("Large trade", partial(explain_large_trade, frame.chart, found, trade, rule))


def letters_question(frame: Frame, letters: TpoProfile, row: int) -> HitTarget:
    """The hit target for the TPO letters in one row of a session; `row` is the row number."""
    times = frame.chart.series.times
    end_ns = letters.start_ns + letters.marks.shape[1] * letters.bracket_ns
    last = int(frame.chart.series.number[frame.known_end - 1])
    runs = ((times.number(letters.start_ns), min(last, times.number(end_ns - 1)) + 1),)
    return HitTarget("TPO letters of the row", partial(explain_tpo_row, frame.chart, letters, runs, row), marked=False)
