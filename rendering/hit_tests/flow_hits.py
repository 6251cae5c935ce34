"""What can be asked about bars' deltas, about CVD and its divergences, large trades and letters."""

from __future__ import annotations

from functools import partial

from app.analytics.bar_statistics import Statistic
from app.analytics.large_trades import LargeRule
from app.analytics.tpo import TpoProfile
from app.explain.delta_and_cvd import why_cvd, why_divergence, why_figures
from app.explain.large_trades import why_large
from app.explain.tpo import why_letters
from app.explain.value_areas import Edge, why_bar
from app.market.session import Division
from app.market.trade import TradeBatch
from rendering.hit_tests.hit_target import NEAR_PX, Question
from rendering.view.bar_at import bar_under
from rendering.view.frame import Frame


def figures_questions(frame: Frame, x: float) -> list[Question]:
    """The delta and the volume of the bar under the mouse."""
    bar = bar_under(frame, x)
    if bar is None:
        return []
    return [Question("Delta and volume of the bar", partial(why_figures, frame.chart, int(frame.chart.series.number[bar])), marked=False)]


def cvd_questions(frame: Frame, x: float, reset: Division | None) -> list[Question]:
    """The running sum after the bar under the mouse."""
    bar = bar_under(frame, x)
    if bar is None:
        return []
    return [Question("CVD", partial(why_cvd, frame.chart, int(frame.chart.series.number[bar]), reset), marked=False)]


def statistic_questions(frame: Frame, x: float, statistic: Statistic, reset: Division | None) -> list[Question]:
    """The figure of a row of the table, of the bar under the mouse."""
    bar = bar_under(frame, x)
    if bar is None:
        return []
    if statistic is Statistic.CVD:
        return cvd_questions(frame, x, reset)
    if statistic is Statistic.POC:
        number = int(frame.chart.series.number[bar])
        return [Question("POC of the bar", partial(why_bar, frame.chart, number, Edge.POC), marked=False)]
    return figures_questions(frame, x)


def divergence_question(
    frame: Frame, bars: tuple[int, int], side: int, reset: Division | None, line: tuple[float, float, float, float], at: tuple[float, float]
) -> list[Question]:
    """A divergence, if its line (from x and y to x and y) is near."""
    left, one, right, other = line
    x, y = at
    if not left - NEAR_PX <= x <= right + NEAR_PX:
        return []
    share = min(max((x - left) / max(right - left, 1.0), 0.0), 1.0)
    if abs(one + share * (other - one) - y) > 2 * NEAR_PX:  # it is drawn a little beside its prices
        return []
    return [Question("CVD divergence", partial(why_divergence, frame.chart, *bars, side, reset))]


def large_question(frame: Frame, found: TradeBatch, trade: int, rule: LargeRule) -> Question:
    """A large trade."""
    return Question("Large trade", partial(why_large, frame.chart, found, trade, rule))


def letters_question(frame: Frame, letters: TpoProfile, row: int) -> Question:
    """The letters of a row of a session."""
    times = frame.chart.series.times
    end_ns = letters.start_ns + letters.marks.shape[1] * letters.bracket_ns
    last = int(frame.chart.series.number[frame.known_end - 1])
    runs = ((times.number(letters.start_ns), min(last, times.number(end_ns - 1)) + 1),)
    return Question("TPO letters of the row", partial(why_letters, frame.chart, letters, runs, row), marked=False)
