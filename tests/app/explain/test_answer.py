"""An answer lists both ends of its trades, and notes the missing ones."""

from __future__ import annotations

from app.analytics.row_layout import RowLayout
from app.analytics.value_area import ValueAreaMethod
from app.explain import source_trades
from app.explain.answer import find_trades
from app.explain.delta_and_cvd import explain_bar_delta
from app.explain.value_areas import ProfileEdge, explain_bar_profile, explain_profile
from app.market.trade import BUY, SELL
from tests.app.explain.charts import chart_of
from tests.builders import START_NS, trades_of

FIRST = START_NS // 60_000_000_000
TRADES = trades_of([(second, 437_000 + second % 2, 10 + second, BUY if second % 3 else SELL) for second in range(20)])


def test_a_long_trade_list_shows_its_ends_and_counts_the_rest():
    chart = chart_of(TRADES)
    lines = list(find_trades(chart, explain_bar_delta(chart, FIRST)).trade_lines())
    assert lines[0] == "22:14:00.000  43700.0  0.10  sell"
    assert lines[3] == "… 14 more …"
    assert lines[-1] == "22:14:19.000  43700.1  0.29  buy"
    assert len(lines) == 7


def test_trades_dropped_from_memory_are_noted_as_missing():
    chart = chart_of(TRADES)
    held = chart.trades
    assert held is not None
    chart.trades = lambda start_ns, end_ns: held(max(start_ns, START_NS + 10 * 10**9), end_ns)
    found = find_trades(chart, explain_bar_delta(chart, FIRST))
    assert found.behind.note == "trades in memory cover 2.45 of 3.9"
    assert found.count_text == "10 trades, total 2.45: 1.7 bought, 0.75 sold · ⚠ trades in memory cover 2.45 of 3.9"
    assert [line.text for line in found.explanation.lines][2:4] == ["min delta: -0.1", "max delta: +1.24"]


def test_an_answer_without_trades_shows_only_why(monkeypatch):
    chart = chart_of(TRADES)
    monkeypatch.setattr(source_trades, "MOST_TRADES", 19)
    found = find_trades(chart, explain_bar_profile(chart, FIRST, ProfileEdge.POC))
    assert found.count_text == "⚠ too many trades to list (20); use `tapeprint export`"
    assert list(found.trade_lines()) == []


def test_only_a_bar_in_progress_has_an_as_of_time():
    chart = chart_of(trades_of([(0, 100, 1, BUY), (61, 101, 1, BUY), (70, 101, 1, BUY)]))
    assert find_trades(chart, explain_bar_delta(chart, FIRST)).as_of == ""
    assert find_trades(chart, explain_bar_delta(chart, FIRST + 1)).as_of == "as of 2023-11-14 22:15:10.000 UTC, last bar still forming"


def test_trades_of_several_days_are_listed_with_dates():
    chart = chart_of(trades_of([(0, 100, 1, BUY), (90_000, 100, 1, BUY)]), "1d")
    runs = ((int(chart.series.number[0]), int(chart.series.number[-1]) + 1),)
    figures = chart.profiles.of_bars(runs, RowLayout(), 70, ValueAreaMethod.DALTON)
    assert figures is not None
    found = find_trades(chart, explain_profile(chart, "A1", figures, 70, ValueAreaMethod.DALTON))
    assert [line[:10] for line in found.trade_lines()] == ["2023-11-14", "2023-11-15"]
