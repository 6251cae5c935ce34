"""Bars that are not by time on the screen: axis, crosshair, and the time of the view."""

from __future__ import annotations

import numpy as np
import pytest

from app.chart.chart import Chart, ChartSpec, build_series
from app.market.bar_rule import BarRule, parse_bar_rule
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.trade_store import Gap, TradeStore
from rendering.items.bars.gap_item import visible_bands
from rendering.items.bars.visible_coverage import VisibleCoverage
from rendering.items.guides.axes import visible_time_ticks
from rendering.items.guides.crosshair_item import pointed_at
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.axis_labels import bar_step, bar_ticks
from rendering.style.theme import load_theme
from tests.rendering.charts import INSTRUMENT, random_trades

pytestmark = pytest.mark.usefixtures("qapp")


def chart_of(trades: TradeBatch, rule: BarRule) -> tuple[Chart, TradeStore]:
    store, chart = TradeStore(), Chart(ChartSpec(INSTRUMENT, rule, 10))
    chart.apply(store.insert(trades), store)
    return chart, store


def scene_of(chart: Chart) -> ChartScene:
    scene = ChartScene(chart, load_theme("dark"), 900, 600)
    scene.refresh()
    return scene


def middle_ns(scene: ChartScene) -> int:
    vp = scene.viewport
    return scene.chart.series.times.at(vp.bar_at(vp.width_px / 2))


@pytest.mark.parametrize("text", ["50t", "20v", "10d", "300r"])
def test_time_labels_lie_at_regular_bar_numbers(text: str):
    chart, _ = chart_of(random_trades(120, 40), parse_bar_rule(text))
    scene = scene_of(chart)
    scene.show_all()
    scene.refresh()
    assert scene.frame is not None
    places = visible_time_ticks(scene.frame)
    step = bar_step(scene.viewport.bar_px)
    assert 2 <= len(places) == -(-chart.series.n_bars // step)
    for number, place in zip(range(0, chart.series.n_bars, step), places, strict=True):
        assert (place.x, place.tick.time_ns) == (scene.frame.pixels.screen_x(number), chart.series.start_ns(number))


def test_a_bar_label_shows_the_date_when_it_changes():
    hour_ns = 3600 * 10**9
    texts = [(tick.text, tick.strong) for tick in bar_ticks([22 * hour_ns, 23 * hour_ns + 1, 25 * hour_ns, 26 * hour_ns])]
    assert texts == [("22:00:00", False), ("23:00:00", False), ("2 Jan", True), ("02:00:00", False)]


def test_crosshair_shows_bar_start_and_no_time_past_the_newest_bar():
    chart, _ = chart_of(random_trades(120, 40), parse_bar_rule("50t"))
    scene = scene_of(chart)
    times = []
    for number in (chart.series.n_bars - 1, chart.series.n_bars):
        scene.set_viewport(scene.viewport.with_bar_at(number, 100))
        scene.set_cursor((100.0 + scene.viewport.bar_px / 2, 300.0))
        scene.refresh()
        pointed = pointed_at(scene.frame)
        assert pointed is not None
        times.append(pointed.time)
    assert times[0].endswith(str(np.datetime64(chart.series.start_ns(chart.series.n_bars - 1), "ns"))[11:19])
    assert times[1] == ""


@pytest.mark.parametrize(("old", "new"), [("1m", "50t"), ("50t", "1m"), ("20v", "300r"), ("50t", "10d")])
def test_view_keeps_its_time_when_the_bar_type_changes(old: str, new: str):
    chart, store = chart_of(random_trades(300, 40), parse_bar_rule(old))
    scene = scene_of(chart)
    scene.set_viewport(scene.viewport.panned(0.5 * scene.viewport.bar_px * chart.series.n_bars, 0))
    looked_at = middle_ns(scene)
    spec = ChartSpec(INSTRUMENT, parse_bar_rule(new), 10)
    chart.replace_series(spec, build_series(store.batches(), spec), store.last_key or 0)
    scene.refresh()
    series, vp = chart.series, scene.viewport
    assert round(vp.bar_at(vp.width_px / 2), 6) == series.times.number(looked_at)


def test_older_history_moves_neither_the_view_nor_the_newest_bar():
    trades = random_trades(300, 40)
    for follow in (False, True):
        chart, store = chart_of(trades[6000:], parse_bar_rule("50t"))
        scene = scene_of(chart)
        if not follow:
            scene.set_viewport(scene.viewport.panned(4000, 0))
        looked_at, newest_x = middle_ns(scene), scene.viewport.x(chart.series.n_bars - 1)
        chart.apply(store.insert(trades[:6000]), store)
        scene.refresh()
        assert scene.following is follow
        if follow:
            assert scene.viewport.x(chart.series.n_bars - 1) == pytest.approx(newest_x)
        else:
            assert middle_ns(scene) == pytest.approx(looked_at, abs=2)


def test_a_gap_band_lies_between_the_bars_around_the_gap():
    trades = random_trades(120, 40)
    chart, _ = chart_of(trades, parse_bar_rule("50t"))
    before, after = int(trades.time_ns[1000]), int(trades.time_ns[1150])
    chart.holes = (Gap(5, 9, before, after),)
    scene = scene_of(chart)
    scene.show_all()
    scene.refresh()
    (band,) = visible_bands(scene.frame)
    vp = scene.viewport
    assert (vp.bar_at(band.left), vp.bar_at(band.right)) == pytest.approx((20, 23))


def test_a_bar_with_a_gap_inside_is_missing_trades():
    trades = random_trades(120, 40)
    chart, _ = chart_of(trades, parse_bar_rule("50t"))
    chart.covered = [CoveredSpan(Span(int(trades.time_ns[0]), int(trades.time_ns[-1]) + 1), Source.LIVE, 0, 0)]
    chart.holes = (Gap(5, 9, int(trades.time_ns[1010]), int(trades.time_ns[1011])),)
    scene = scene_of(chart)
    scene.show_all()
    scene.refresh()
    coverage = VisibleCoverage()
    found = coverage.of(scene.frame)
    assert found is not None
    worst = np.flatnonzero(found.state == 4) + found.first
    assert worst.tolist() == [20]
    assert coverage.of(scene.frame) is found and coverage.counted == 1


@pytest.mark.parametrize("text", ["50t", "20v", "10d", "300r"])
def test_every_layer_draws_when_bars_are_not_by_time(text: str):
    chart, store = chart_of(random_trades(120, 40), parse_bar_rule(text))
    chart.covered = [CoveredSpan(store.span, Source.LIVE, 0, 0)]
    scene = scene_of(chart)
    scene.show_only(frozenset(layer.name for layer in LAYERS if layer.name))
    scene.show_all()
    scene.set_cursor((300.0, 300.0))
    scene.refresh()
    assert not scene.render_image().isNull()
    assert not scene.failures
