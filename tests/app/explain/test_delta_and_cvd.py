"""Delta, CVD and divergences are explained by sums that their trades confirm."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.cumulative_delta import CumulativeDelta
from app.analytics.divergence import divergences, swings
from app.explain.answer import find_trades
from app.explain.delta_and_cvd import explain_bar_delta, explain_cvd, explain_divergence
from app.market.session import PeriodRule
from app.market.trade import BUY, SELL, UNKNOWN
from tests.app.explain.charts import chart_of
from tests.builders import START_NS, random_trades, trade_batches, trades_of

FIRST = START_NS // 60_000_000_000


def signed_sum(csv: str) -> Fraction:
    sign = {"buy": 1, "sell": -1, "unknown": 0}
    rows = (line.split(",") for line in csv.splitlines()[1:])
    return sum((sign[side] * Fraction(quantity) for _, _, quantity, side, _ in rows), Fraction())


def test_a_bar_explains_volume_delta_and_its_extremes():
    chart = chart_of(trades_of([(0, 100, 5, SELL), (1, 101, 20, BUY), (2, 102, 3, UNKNOWN), (3, 100, 12, SELL)]))
    told = explain_bar_delta(chart, FIRST)
    assert told.title == "Delta +0.03, volume 0.4 · 2023-11-14 22:14 bar"
    assert [line.text for line in told.lines] == [
        "volume: 0.2 bought + 0.17 sold + 0.03 without a side = 0.4, in 4 trades",
        "delta: 0.2 - 0.17 = +0.03; 7.5 % of the volume",
        "min delta: -0.05, after trade 1, at 22:14:00.000",
        "max delta: +0.15, after trade 2, at 22:14:01.000",
        "range: 10.2 - 10.0 = 0.2",
    ]


@given(trade_batches(max_size=24), st.sampled_from(["1m", "7t"]))
def test_explained_min_and_max_delta_equal_the_running_sums(trades, bar):
    chart = chart_of(trades, bar)
    series = chart.series
    for index in range(series.n_bars):
        found = find_trades(chart, explain_bar_delta(chart, int(series.number[index])))
        running = np.concatenate(([0], np.cumsum(found.behind.trades.quantity_lots * found.behind.trades.side)))
        assert (int(running.min()), int(running.max())) == (int(series.delta_min[index]), int(series.delta_max[index]))
        assert signed_sum(found.csv) == Fraction(int(series.buy[index] - series.sell[index]), 100)
        told = [line.text for line in found.explanation.lines if line.text.startswith(("min delta", "max delta"))]
        assert all(", after trade" in text or ", before the first trade" in text for text in told)


@given(trade_batches(max_size=24), st.sampled_from([None, PeriodRule()]))
def test_cvd_is_the_delta_of_the_trades_behind_it(trades, reset):
    chart = chart_of(trades)
    series = chart.series
    for index in range(series.n_bars):
        found = find_trades(chart, explain_cvd(chart, int(series.number[index]), reset))
        expected = int(CumulativeDelta(series).values(index, index + 1, reset)[0])
        assert signed_sum(found.csv) == Fraction(expected, 100)


def test_a_divergence_has_two_met_conditions_and_the_delta():
    chart = chart_of(random_trades(3, 4000, seconds=7200.0))
    series = chart.series
    cvd = CumulativeDelta(series).values(0, series.n_bars)
    closed = series.n_bars - 1
    found = divergences(series, swings(series.high[:closed]), swings(-series.low[:closed]), cvd, np.zeros(series.n_bars, np.int64))
    assert len(found.first)
    for one, other, side in zip(*(column.tolist() for column in found), strict=True):
        got = find_trades(chart, explain_divergence(chart, int(series.number[one]), int(series.number[other]), side, None))
        conditions = [line for line in got.explanation.lines if line.met is not None]
        assert len(conditions) == 2
        assert all(line.met for line in conditions)
        assert signed_sum(got.csv) == Fraction(int(cvd[other] - cvd[one]), 100)
