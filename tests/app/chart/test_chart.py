"""A chart updated trade by trade equals a complete rebuild."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics.footprint import FootprintSeries
from app.analytics.value_area import ValueAreaMethod
from app.chart.chart import Chart, ChartSpec, build_series
from app.market.bar_rule import DAY_NS, BarRule, parse_bar_rule
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch
from app.settings.calculation import CalculationSettings, CellStyle, CvdSettings, ImbalanceSettings, ValueAreaSettings
from app.storage import trade_store as memory
from app.storage.trade_store import TradeStore
from tests.builders import SECOND_NS, START_NS, random_trades
from tests.oracles.counted_bars import slow_counted_bars
from tests.oracles.footprints import slow_bars

MARKET = Instrument("test", "XYZ", Decimal("0.1"), Decimal("0.01"))
MINUTE = BarRule(60 * SECOND_NS)
SINGLE_80 = ValueAreaSettings(method=ValueAreaMethod.SINGLE, percent=80)
COLUMNS = (
    *("number", "open", "high", "low", "close", "trades", "volume", "buy", "sell", "delta_min", "delta_max"),
    *("price_volume_low", "price_volume_high", "price_square_low", "price_square_middle", "price_square_high"),
    *("first_row", "n_rows", "cell_start", "cell_buy", "cell_sell", "cell_unknown"),
)
FIGURES = COLUMNS[: COLUMNS.index("price_volume_low")]


def spec(bar_s: int = 60, ticks_per_row: int = 1) -> ChartSpec:
    return ChartSpec(MARKET, BarRule(bar_s * SECOND_NS), ticks_per_row)


def columns(series: FootprintSeries) -> dict[str, list[int]]:
    return {name: np.asarray(getattr(series, name)).tolist() for name in COLUMNS}


def feed(chart: Chart, store: TradeStore, batches: Sequence[TradeBatch]) -> None:
    for batch in batches:
        chart.apply(store.insert(batch), store)


def assert_equals_the_oracle(series: FootprintSeries, store: TradeStore) -> None:
    expected = slow_bars(store.trades(), series.rule.length_ns, series.grid.ticks_per_row)
    assert series.n_bars == len(expected)
    for index, bar in enumerate(expected):
        figures = bar.figures()
        assert {name: int(getattr(series, name)[index]) for name in figures} == figures
        assert [cells.tolist() for cells in series.bar_cells(index)[1:]] == [bar.dense(kind) for kind in range(3)]


@st.composite
def tapes(draw: st.DrawFn) -> TradeBatch:
    """Trades by id whose times now and then step back, also over the edge of a bar."""
    n = draw(st.integers(1, 40))
    gap = st.sampled_from([0, 0, 1, SECOND_NS, 20 * SECOND_NS, 61 * SECOND_NS, -SECOND_NS, -25 * SECOND_NS])
    times = START_NS + np.cumsum(draw(st.lists(gap, min_size=n, max_size=n)), dtype=np.int64)
    prices = draw(st.lists(st.integers(100, 112), min_size=n, max_size=n))
    lots = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    sides = draw(st.lists(st.sampled_from([BUY, SELL, UNKNOWN]), min_size=n, max_size=n))
    return TradeBatch.of(times, prices, lots, sides, np.arange(1, n + 1))


@given(tape=tapes(), data=st.data())
def test_any_arrival_order_gives_the_bars_of_a_rebuild(tape: TradeBatch, data: st.DataObject):
    """A1, A7: any permutation with any repetition, against a rebuild and an oracle."""
    order = np.array(data.draw(st.permutations(range(len(tape)))))
    repeats = data.draw(st.lists(st.integers(0, len(tape) - 1), max_size=10))
    arrival = np.concatenate((order, np.array(repeats, np.int64)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arrival)), max_size=6)))
    store, chart = TradeStore(), Chart(spec(ticks_per_row=3))
    feed(chart, store, [tape[part] for part in np.split(arrival, cuts)])
    assert columns(chart.series) == columns(build_series(store.batches(), chart.spec)) == columns(build_series([tape], chart.spec))
    assert_equals_the_oracle(chart.series, store)


@pytest.mark.parametrize("text", ["3t", "0.12v", "0.08d", "4r"])
@given(tape=tapes(), data=st.data())
def test_any_arrival_order_gives_the_same_bars_other_than_time(text: str, tape: TradeBatch, data: st.DataObject):
    """Includes late trades and older history; a new day begins inside the tape."""
    tape = TradeBatch.of(tape.time_ns - START_NS + DAY_NS * 20_000, *tape.columns[1:])
    order = np.array(data.draw(st.permutations(range(len(tape)))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(tape)), max_size=6)))
    rule = parse_bar_rule(text)
    store, chart = TradeStore(), Chart(ChartSpec(MARKET, rule, 3))
    feed(chart, store, [tape[part] for part in np.split(order, cuts)])
    assert columns(chart.series) == columns(build_series(store.batches(), chart.spec))
    expected = slow_counted_bars(tape, rule.kind, rule.threshold(MARKET.lot_size), 3)
    assert chart.series.n_bars == len(expected)
    for index, bar in enumerate(expected):
        assert {name: int(getattr(chart.series, name)[index]) for name in bar.figures()} == bar.figures()


def test_older_history_leaves_the_bars_of_later_days_unchanged():
    past, present = random_trades(1, 300, start_ns=DAY_NS * 20_000, seconds=80_000), random_trades(2, 300, start_ns=DAY_NS * 20_001)
    present = TradeBatch.of(*present.columns[:4], present.trade_id + 300)
    store, chart = TradeStore(), Chart(ChartSpec(MARKET, parse_bar_rule("7t"), 3))
    feed(chart, store, [present])
    before = {name: chart.series.times.of_bars().tolist() if name == "number" else getattr(chart.series, name).tolist() for name in FIGURES}
    feed(chart, store, [past])
    assert chart.generation == 1
    assert chart.series.n_bars == 2 * 43
    after = {name: chart.series.times.of_bars() if name == "number" else getattr(chart.series, name) for name in FIGURES}
    assert {name: column[43:].tolist() for name, column in after.items()} == before


def test_bars_count_from_the_first_loaded_trade_of_a_partial_day(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "_CHUNK", 64)
    trades = random_trades(4, 1000, seconds=1200)
    store, chart = TradeStore(limit=500), Chart(ChartSpec(MARKET, parse_bar_rule("7t")))
    feed(chart, store, [trades[start : min(start + 50, 990)] for start in range(0, 1000, 50)])
    feed(chart, store, [trades[991:]])
    feed(chart, store, [trades[990:991]])
    assert chart.series.n_trades == store.n_trades
    assert columns(chart.series) == columns(build_series(store.batches(), chart.spec))


@pytest.mark.parametrize("chunk", [4, 1 << 16])
@given(tape=tapes())
def test_a_rebuild_does_not_depend_on_the_store_chunks(chunk: int, tape: TradeBatch):
    batches = [tape[start : start + chunk] for start in range(0, len(tape), chunk)]
    assert columns(build_series(batches, spec())) == columns(build_series([tape], spec()))


def test_a_batch_whose_times_go_back_is_sorted_into_its_bars():
    trades = random_trades(3, 40_000)
    shuffled = TradeBatch.of(trades.time_ns[::-1], *trades.columns[1:])
    store, chart = TradeStore(), Chart(spec())
    feed(chart, store, [shuffled])
    assert chart.series.n_trades == 40_000
    assert columns(chart.series) == columns(build_series(store.batches(), spec()))


def test_a_trade_in_order_costs_one_bar_with_any_history():
    trades = random_trades(1, 5000, seconds=86_400)
    costs = []
    for n in (100, 4000):
        store, chart = TradeStore(), Chart(spec())
        feed(chart, store, [trades[:n]])
        before = chart.series.bars_folded
        feed(chart, store, [trades[index : index + 1] for index in range(n, n + 500)])
        costs.append(chart.series.bars_folded - before)
        assert chart.rebuilt_trades == 0
    assert costs == [500, 500]


def test_a_late_trade_costs_its_bar_and_those_after_it():
    trades = random_trades(1, 6000, seconds=6000)
    late = 5900
    store, chart = TradeStore(), Chart(spec())
    feed(chart, store, [trades[np.arange(6000) != late]])
    feed(chart, store, [trades[late : late + 1]])
    bar_start_ns = MINUTE.start_ns(MINUTE.number(int(trades.time_ns[late])))
    assert chart.rebuilt_trades == int((trades.time_ns >= bar_start_ns).sum()) < 300
    assert columns(chart.series) == columns(build_series([trades], spec()))


def test_only_bars_from_a_late_trade_on_count_as_changed():
    trades = random_trades(1, 3000, seconds=3000)
    store, chart = TradeStore(), Chart(spec())
    feed(chart, store, [trades[np.arange(3000) != 2500]])
    seen = chart.revision
    feed(chart, store, [trades[2500:2501]])
    assert chart.series.changed_since(seen) == chart.series.index_of(MINUTE.number(int(trades.time_ns[2500])))


def test_replacing_the_series_keeps_the_calculation_settings():
    trades = random_trades(1, 500)
    store, chart = TradeStore(), Chart(spec(), CalculationSettings(value_area=SINGLE_80))
    feed(chart, store, [trades[:300]])
    other = ChartSpec(MARKET, MINUTE, 5)
    chart.replace_series(other, build_series(store.batches(), other), 300)
    assert (chart.generation, chart.spec) == (1, other)
    assert chart.figures.series is chart.series
    assert (chart.figures.method, chart.figures.percent) == (ValueAreaMethod.SINGLE, 80)
    feed(chart, store, [trades[300:]])
    assert columns(chart.series) == columns(build_series([trades], other))


def test_changed_settings_keep_the_values_they_do_not_affect():
    chart = Chart(spec())
    feed(chart, TradeStore(), [random_trades(1, 500)])
    series, figures, levels, n_bars = chart.series, chart.figures, chart.levels, chart.series.n_bars
    figures.poc_rows(0, n_bars)
    figures.imbalances(0, n_bars)
    chart.set_rules(CalculationSettings(cells=CellStyle(colouring="delta"), cvd=CvdSettings(reset="never")))
    assert chart.levels is levels
    chart.set_rules(CalculationSettings(value_area=SINGLE_80))
    assert chart.levels is not levels
    assert (figures.method, figures.percent) == (ValueAreaMethod.SINGLE, 80)
    assert (chart.anchors.inputs.percent, chart.anchors.side.percent, chart.anchors.can_undo) == (80, 80, False)
    figures.imbalances(0, n_bars)
    assert figures.imbalances_computed == n_bars  # once
    figures.poc_rows(0, n_bars)
    assert figures.value_areas_computed == 2 * n_bars
    assert (chart.series, chart.figures, chart.generation) == (series, figures, 0)


@pytest.mark.parametrize("trial", range(10))
def test_changed_settings_give_the_values_of_a_new_chart(trial: int):
    trades = random_trades(trial, 1500)
    rules = CalculationSettings(value_area=SINGLE_80, imbalance=ImbalanceSettings(ratio=Decimal(2), minimum=Decimal("0.02")))
    changed, fresh = Chart(spec()), Chart(spec(), rules)
    feed(changed, TradeStore(), [trades])
    feed(fresh, TradeStore(), [trades])
    for chart in (changed, fresh):
        chart.figures.value_areas(0, chart.series.n_bars)
        chart.figures.imbalances(0, chart.series.n_bars)
    changed.set_rules(rules)
    changed.levels.settle()
    fresh.levels.settle()
    assert changed.levels.active() == fresh.levels.active()
    n_bars = fresh.series.n_bars
    for found, wanted in zip(changed.figures.imbalances(0, n_bars), fresh.figures.imbalances(0, n_bars), strict=True):
        assert found.tolist() == wanted.tolist()
    assert changed.figures.poc_rows(0, n_bars).tolist() == fresh.figures.poc_rows(0, n_bars).tolist()


def test_trades_that_arrive_during_a_rebuild_are_added_once():
    trades = random_trades(2, 400)
    store, chart = TradeStore(), Chart(spec())
    store.insert(trades[:200])
    series = build_series(store.batches(), chart.spec)
    first, second, third = store.insert(trades[300:350]), store.insert(trades[200:300]), store.insert(trades[350:])
    chart.replace_series(chart.spec, series, 200)
    for fresh in (first, second, third):
        chart.apply(fresh, store)
    assert columns(chart.series) == columns(build_series([trades], chart.spec))


def test_too_fine_rows_stop_the_chart_until_it_is_rebuilt():
    store, chart = TradeStore(), Chart(spec())
    apart = TradeBatch.of([START_NS, START_NS + 1], [1, 10_000_000], [1, 1], [BUY, BUY], [1, 2])
    feed(chart, store, [apart])
    assert "rows: a bar would have 10,000,000 rows" in chart.refused
    feed(chart, store, [TradeBatch.of([START_NS + 2], [5], [1], [SELL], [3])])
    coarse = spec(ticks_per_row=1000)
    chart.replace_series(coarse, build_series(store.batches(), coarse), 3)
    assert chart.refused == ""
    assert chart.series.n_trades == 3


def test_a_bar_with_trades_dropped_by_the_limit_is_not_rebuilt(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "_CHUNK", 64)
    trades = random_trades(4, 1000, seconds=1200)
    store, chart = TradeStore(limit=500), Chart(spec())
    late = 990
    feed(chart, store, [trades[start : min(start + 50, 990)] for start in range(0, 1000, 50)])
    feed(chart, store, [trades[991:]])
    assert store.forgotten >= 490
    whole = chart.complete_from_ns(store)
    assert store.floor_ns <= whole < store.floor_ns + MINUTE.length_ns
    feed(chart, store, [trades[late : late + 1]])
    assert columns(chart.series) == columns(build_series([trades], spec()))  # the bars from before stay as they were
    rebuilt = build_series(store.batches(whole), spec())
    kept = chart.series.index_of(MINUTE.number(whole))
    assert rebuilt.volume.tolist() == chart.series.volume[kept:].tolist()
