"""A VWAP is explained by its sums, which its trades confirm."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from app.explain.answer import find_trades
from app.explain.vwaps import explain_vwap
from app.market.trade import BUY, SELL
from tests.app.explain.charts import chart_of
from tests.builders import START_NS, trade_batches, trades_of

FIRST = START_NS // 60_000_000_000


def test_a_vwap_band_shows_sums_quotient_and_deviation():
    chart = chart_of(trades_of([(0, 100, 100, BUY), (1, 102, 300, SELL), (2, 101, 200, BUY)]))
    told = explain_vwap(chart, "VWAP day", FIRST, FIRST, 1)
    assert told.title == "VWAP day +1 σ after the 2023-11-14 22:14 bar"
    assert [line.text for line in told.lines] == [
        "sum of price x quantity: 60.8",
        "sum of quantity: 6",
        "VWAP = 60.8 / 6 ≈ 10.13333333",
        "variance: sum of quantity x (price - VWAP)^2 / sum of quantity ≈ 0.00555556",
        "σ: square root of the variance ≈ 0.0745356",
        "VWAP + 1 x 0.0745356 ≈ 10.20786893",
    ]


@given(trade_batches(min_size=5, max_size=30), st.sampled_from(["1m", "7t"]))
def test_the_copied_trades_give_the_explained_vwap(trades, bar):
    chart = chart_of(trades, bar)
    series = chart.series
    first, last = int(series.number[0]), int(series.number[-1])
    found = find_trades(chart, explain_vwap(chart, "VWAP", first, last))
    rows = [line.split(",") for line in found.csv.splitlines()[1:]]
    turnover = sum((Fraction(price) * Fraction(quantity) for _, price, quantity, *_ in rows), Fraction())
    volume = sum((Fraction(quantity) for _, _, quantity, *_ in rows), Fraction())
    told = [line.text for line in found.explanation.lines]
    assert Fraction(told[0].rpartition(" ")[2]) == turnover
    assert Fraction(told[1].rpartition(" ")[2]) == volume
    assert abs(Fraction(told[2].rpartition(" ")[2]) - turnover / volume) <= Fraction(1, 10**8)
