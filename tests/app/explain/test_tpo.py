"""A TPO row is explained by its brackets and its role in the session."""

from __future__ import annotations

from app.analytics.tpo import tpo_of_bars
from app.explain.answer import find_trades
from app.explain.tpo import explain_tpo_row
from app.market.trade import BUY
from tests.app.explain.charts import chart_of
from tests.builders import START_NS, trades_of

HALF_HOUR_NS = 1800 * 10**9


def test_a_tpo_row_explains_its_letters_and_its_role():
    start_ns = START_NS // HALF_HOUR_NS * HALF_HOUR_NS
    rows = [(0, 100, 1, BUY), (1, 101, 1, BUY), (1800, 101, 2, BUY), (1801, 102, 1, BUY), (3600, 103, 1, BUY)]
    chart = chart_of(trades_of(rows), "30m")
    series = chart.series
    letters = tpo_of_bars(series, 0, series.n_bars, start_ns, HALF_HOUR_NS)
    runs = ((int(series.number[0]), int(series.number[-1]) + 1),)
    told = explain_tpo_row(chart, letters, runs, 101)
    assert told.title.startswith("2 letters at 10.1 · session ")
    assert [line.text for line in told.lines][:3] == [
        "A: traded here in the 22:00 bracket",
        "B: traded here in the 22:30 bracket",
        "TPO POC: 2 letters, the most of any of 4 rows",
    ]
    assert find_trades(chart, told).total == "0.03"
    single = explain_tpo_row(chart, letters, runs, 102)
    assert ("one letter: a single print", True) in single.lines
    outermost = explain_tpo_row(chart, letters, runs, 103)
    assert ("one letter: a single print, but the outermost row does not count as one", False) in outermost.lines
