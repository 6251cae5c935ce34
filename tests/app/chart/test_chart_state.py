"""The state of a chart names the parts that have changed, and no others."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec import structs

from app.chart.chart import Chart, ChartSpec
from app.chart.chart_state import EVERYTHING
from app.storage.trade_store import TradeStore
from tests.rendering.charts import FIRST_MINUTE, INSTRUMENT, MINUTE, random_trades, trade


def new_trade(chart: Chart, store: TradeStore) -> None:
    chart.apply(store.insert(trade(9, 600_000, second=59)), store)


def new_bar(chart: Chart, store: TradeStore) -> None:
    chart.apply(store.insert(trade(10, 600_000)), store)


def new_setting(chart: Chart, store: TradeStore) -> None:
    chart.set_rules(structs.replace(chart.rules, cells=structs.replace(chart.rules.cells, show_candles=not chart.rules.cells.show_candles)))


def new_profile(chart: Chart, store: TradeStore) -> None:
    chart.anchors.add((FIRST_MINUTE + 5) * MINUTE.length_ns)


@pytest.mark.parametrize(
    ("edit", "parts"),
    [
        (lambda chart, store: None, set()),
        (new_trade, {"trades"}),
        (new_bar, {"trades", "bars"}),
        (new_setting, {"settings"}),
        (new_profile, {"profiles"}),
    ],
)
def test_a_change_is_told_by_its_part(edit: Callable[[Chart, TradeStore], object], parts: set[str]) -> None:
    store, chart = TradeStore(), Chart(ChartSpec(INSTRUMENT, MINUTE, 10))
    chart.apply(store.insert(random_trades(10, 30)), store)
    before = chart.state()
    edit(chart, store)
    found = chart.state().changes_since(before) - {"coverage"}  # late trades are counted there
    assert found == parts and found < EVERYTHING


def test_an_unchanged_chart_keeps_its_state() -> None:
    chart = Chart(ChartSpec(INSTRUMENT, MINUTE, 10))
    assert chart.state() is chart.state()
    assert chart.state().changes_since(chart.state()) == frozenset()
