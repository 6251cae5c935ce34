"""TPO letters and blocks of each day on the chart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.analytics.tpo import tpo_of_bars
from app.chart.chart import Chart, ChartSpec
from app.market.bar_rule import parse_bar_rule
from rendering.items.profiles.tpo_item import TpoItem, TpoSplitItem
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import INSTRUMENT, random_trades, trade

DAY = 86_400 * 10**9


def chart_of(bar: str = "30m", minutes: int = 2600) -> Chart:
    chart = Chart(ChartSpec(INSTRUMENT, parse_bar_rule(bar), 200))
    chart.series.append(random_trades(minutes, 12, volatility=9))
    return chart


def scene_of(chart: Chart, item: type[TpoItem], theme: str = "dark", dpr: float = 1.0) -> ChartScene:
    scene = ChartScene(chart, load_theme(theme), dpr=dpr, layers=[item])
    scene.show(item.name)
    scene.show_all()
    scene.refresh(1)
    return scene


def item_of(scene: ChartScene) -> TpoItem:
    (item,) = scene.items_by_layer
    assert isinstance(item, TpoItem)
    return item


@pytest.mark.parametrize("item", [TpoItem, TpoSplitItem])
@pytest.mark.parametrize(("theme", "dpr"), [("dark", 1.0), ("light", 2.0)])
@pytest.mark.parametrize("tick_px", [0.01, 0.2])
def test_letters_and_blocks_draw_only_while_shown(qapp, item: type[TpoItem], theme: str, dpr: float, tick_px: float):
    scene = scene_of(chart_of(), item, theme, dpr)
    close = int(scene.chart.series.close[-1])
    scene.set_viewport(replace(scene.viewport, tick_px=tick_px).centred(close))
    shown = scene.render_image()
    assert item in LAYERS and not item.shown_at_first
    scene.show(item.name, False)
    assert shown != scene.render_image()


def test_each_visible_day_has_letters_over_its_own_bars(qapp):
    scene = scene_of(chart_of(), TpoItem)
    series, frame = scene.chart.series, scene.frame
    assert frame is not None
    found = item_of(scene).sessions(frame)
    days = sorted({int(start) // DAY for start in series.times.of_bars()})
    assert [session.letters.start_ns // DAY for session in found] == days
    for session, day in zip(found, days, strict=True):
        bars = [bar for bar in range(series.n_bars) if series.start_ns(bar) // DAY == day]
        expected = tpo_of_bars(series, bars[0], bars[-1] + 1, day * DAY, 1800 * 10**9)
        assert session.letters.letters() == expected.letters()
        assert session.left == scene.viewport.x(int(series.number[bars[0]]))
        assert session.right == scene.viewport.x(int(series.number[bars[-1]]) + 1)


def test_live_trade_recomputes_only_the_last_day(qapp):
    scene = scene_of(chart_of("1m"), TpoItem)
    item = item_of(scene)
    scene.render_image()
    assert scene.frame is not None
    item.sessions(scene.frame)
    before = item._sessions.sessions_computed
    scene.chart.series.append(trade(2599, int(scene.chart.series.close[-1])))
    item.sessions(scene.frame)
    assert item._sessions.sessions_computed == before + 1


@pytest.mark.parametrize("bar", ["7m", "4h", "500t"])
def test_bars_that_do_not_divide_the_bracket_have_no_letters(qapp, bar: str):
    scene = scene_of(chart_of(bar), TpoItem)
    assert scene.frame is not None
    assert item_of(scene).sessions(scene.frame) == []
    assert scene.frame.told == ("TPO 30m: needs time bars that divide the bracket evenly",)
    scene.render_image()


def test_legend_has_one_text_for_collapsed_and_split(qapp):
    scene = ChartScene(chart_of(), load_theme(), layers=[TpoItem, TpoSplitItem])
    scene.show_only(frozenset({"tpo", "tpo-split"}))
    scene.refresh(1)
    assert scene.frame is not None and scene.frame.told == ("TPO 30m by day",)


def test_an_empty_chart_has_no_sessions(qapp):
    chart = Chart(ChartSpec(INSTRUMENT, parse_bar_rule("30m"), 200))
    scene = ChartScene(chart, load_theme(), layers=[TpoItem])
    scene.show("tpo")
    scene.refresh(1)
    assert scene.frame is not None and item_of(scene).sessions(scene.frame) == []
