"""Nothing is asked when nothing has changed, and whatever changes is seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from app.chart.chart import AlertLine, Chart, build_series
from app.market.candle import CandleBatch
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.settings.calculation import ImbalanceSettings
from app.storage.candle_store import CandleStore
from app.storage.trade_store import Gap
from rendering.items.chart_item import ChartItem
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades, trade

MS = 10**6
ALL = frozenset(layer.name for layer in LAYERS if layer.name)


@pytest.fixture
def chart() -> StillChart:
    return StillChart(random_trades(60, 60), 10)


def settled(scene: ChartScene, now_ns: int = 10**9) -> int:
    """Refresh until nothing is asked, every 16 ms; return the time."""
    for frame in range(90):
        if not scene.refresh_if_changed(now_ns + frame * 16 * MS):
            return now_ns + frame * 16 * MS
    raise AssertionError("the scene does not settle")


def asked_layers(scene: ChartScene, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list to which each layer adds its name whenever it is asked anything."""
    asked: list[str] = []

    def counted(item: ChartItem, answer: Callable[..., object]) -> Callable[..., object]:
        return lambda *given: asked.append(type(item).__name__) or answer(*given)

    for item in scene.items_by_layer:
        for question in ("refresh", "changed", "legend", "idle", "pane", "price_tags"):
            monkeypatch.setattr(item, question, counted(item, getattr(item, question)))
    return asked


@pytest.mark.parametrize("shown", [None, ALL], ids=["usual", "all overlays"])
def test_no_layer_is_asked_when_nothing_has_changed(qapp, chart, monkeypatch, shown):
    scene = ChartScene(chart, load_theme(), 1200, 700)
    if shown is not None:
        scene.show_only(shown)
    now_ns = settled(scene)
    asked, frames = asked_layers(scene, monkeypatch), scene.frames
    for later in (0, 1, 3600):
        assert not scene.refresh_if_changed(now_ns + later * 10**9)
    assert asked == [] and scene.frames == frames


def candles_arrive(chart: Chart) -> None:
    length_ns = MINUTE.length_ns
    chart.candles.candle_store.take(length_ns, Span(0, length_ns), [CandleBatch.empty(length_ns)])


def replaced(chart: StillChart) -> None:
    chart.replace_series(chart.spec, build_series([random_trades(60, 60)], chart.spec), 0)


def set_value(name: str, value: object) -> Callable[[Chart], None]:
    return lambda chart: setattr(chart, name, value)


PERIODS = PeriodProfiles(PeriodKind.BARS, 10)
OF_THE_CHART: dict[str, Callable[[StillChart], object]] = {
    "a trade": lambda chart: chart.apply(trade(59, int(chart.series.close[-1]))),
    "replaced bars": replaced,
    "removed bars": lambda chart: chart.series.truncate_from((FIRST_MINUTE + 50) * MINUTE.length_ns),
    "calculation settings": lambda chart: chart.set_rules(structs.replace(chart.rules, imbalance=ImbalanceSettings(stacked=2))),
    "gaps": set_value("holes", (Gap(5, 9, FIRST_MINUTE * MINUTE.length_ns, (FIRST_MINUTE + 1) * MINUTE.length_ns),)),
    "coverage": set_value("covered", (CoveredSpan(Span(0, 1 << 62), Source.LIVE, 0, 9),)),
    "candles": candles_arrive,
    "another candle store": lambda chart: setattr(chart.candles, "candle_store", CandleStore([MINUTE.length_ns])),
    "alert lines": set_value("alert_lines", (AlertLine(600_000.5, "60000", 1, False),)),
    "a placed profile": lambda chart: chart.anchors.add((FIRST_MINUTE + 40) * MINUTE.length_ns),
    "period profiles": lambda chart: chart.anchors.show_periods(PERIODS),
    "the visible range profile's settings": lambda chart: chart.anchors.set_side(replace(chart.anchors.side, percent=40)),
    "levels": lambda chart: setattr(chart.levels, "revision", chart.levels.revision + 1),
}


@pytest.mark.parametrize("what", OF_THE_CHART)
def test_a_change_of_the_chart_is_seen(qapp, chart, what):
    scene = ChartScene(chart, load_theme(), 1200, 700)
    now_ns = settled(scene)
    before = chart.state_revision
    assert chart.state_revision == before
    OF_THE_CHART[what](chart)
    assert chart.state_revision > before
    assert scene.refresh_if_changed(now_ns)
    assert not scene.refresh_if_changed(settled(scene, now_ns))


OF_THE_SCENE: dict[str, Callable[[ChartScene], object]] = {
    "view": lambda scene: scene.set_viewport(scene.viewport.panned(5, 0)),
    "size": lambda scene: scene.resize(1000, 700, 1.0),
    "scale": lambda scene: scene.resize(1200, 700, 2.0),
    "theme": lambda scene: scene.set_theme(load_theme("light")),
    "overlays": lambda scene: scene.show("vwap-day"),
    "painter": lambda scene: scene.set_painter("gl"),
    "mode": lambda scene: scene.set_mode("stale"),
    "badge": lambda scene: scene.set_mode("live", "◆ SIMULATED"),
    "notice": lambda scene: scene.set_mode("live", "", "connection refused"),
    "mouse": lambda scene: scene.set_cursor((300.0, 200.0)),
    "level of detail": lambda scene: setattr(scene, "fixed_detail", Detail.CANDLES),
    "fixed as-of moment": lambda scene: setattr(scene.as_of, "kept_ns", (FIRST_MINUTE + 55) * MINUTE.length_ns),
    "as-of view at the mouse": lambda scene: setattr(scene.as_of, "held", True),
    "another OpenGL painter": lambda scene: scene.install_gl(lambda reason: None),
    "an error of a layer": lambda scene: scene.failures.update(LegendItem=2),
}


@pytest.mark.parametrize("what", OF_THE_SCENE)
def test_a_change_of_the_scene_is_seen(qapp, chart, what):
    scene = ChartScene(chart, load_theme(), 1200, 700)
    now_ns = settled(scene)
    OF_THE_SCENE[what](scene)
    assert scene.refresh_if_changed(now_ns)
    assert not scene.refresh_if_changed(settled(scene, now_ns))


def test_all_that_layers_read_of_a_chart_is_in_its_state():
    source = "\n".join(path.read_text() for path in Path("rendering").rglob("*.py"))
    read = set(re.findall(r"\bchart\.([a-z_]+)", source)) - {"chart", "chart_state"}  # names of modules
    in_the_state = {"series", "generation", "rules", "holes", "covered", "candles", "anchors", "alert_lines", "levels"} | {
        "state_revision",
        "state",
    }
    of_the_series = {"spec", "trades", "figures", "profiles", "vwap_sums"}  # replaced or computed with it
    assert read == in_the_state | of_the_series | {"set_rules", "read_older_bars"}


def test_a_moved_mouse_is_a_matter_of_the_layers_that_follow_it(qapp, chart, monkeypatch):
    scene = ChartScene(chart, load_theme(), 1200, 700)
    now_ns = settled(scene)
    asked = asked_layers(scene, monkeypatch)
    scene.set_cursor((300.0, 200.0))
    assert scene.refresh_if_changed(now_ns)
    assert {"CrosshairItem", "PriceAxisItem"} == {type(item).__name__ for item in scene.items_by_layer if item.follows_cursor}
    assert set(asked) <= {"CrosshairItem", "PriceAxisItem", *(name for name in asked if of_tags(name))}
    assert scene.frame is not None and scene.frame.cursor == (300.0, 200.0)
    assert not scene.refresh_if_changed(now_ns)


def of_tags(name: str) -> bool:
    """Whether a layer has tags on the price axis, which the axis asks it for."""
    layer = next(layer for layer in LAYERS if layer.__name__ == name)
    return layer.price_tags is not ChartItem.price_tags


def test_with_the_as_of_view_at_the_mouse_every_layer_follows_it(qapp, chart, monkeypatch):
    scene = ChartScene(chart, load_theme(), 1200, 700)
    scene.as_of.held = True
    scene.set_cursor((300.0, 200.0))
    now_ns = settled(scene)
    before = scene.frame.as_of
    scene.set_cursor((500.0, 200.0))
    assert scene.refresh_if_changed(now_ns)
    assert scene.frame.as_of > before


def test_a_moving_mouse_does_not_wake_resting_layers(qapp, chart):
    scene = ChartScene(chart, load_theme(), 1200, 700)
    now_ns = settled(scene) + 10**9
    delta = next(item for item in scene.items_by_layer if type(item).__name__ == "DeltaItem")
    for step in range(3):
        chart.apply(trade(59, int(chart.series.close[-1]), 500))
        scene.set_cursor((300.0 + step, 200.0))
        scene.refresh_if_changed(now_ns + step * 16 * MS)
        assert delta.followed_ns == now_ns


def test_trades_that_a_layer_left_to_a_later_frame_are_drawn_when_its_rest_is_over(qapp, chart):
    scene = ChartScene(chart, load_theme(), 1200, 700)
    now_ns = settled(scene) + 10**9
    delta = next(item for item in scene.items_by_layer if type(item).__name__ == "DeltaItem")
    for later_ms in (0, 10):
        chart.apply(trade(59, int(chart.series.close[-1]), 500))
        assert scene.refresh_if_changed(now_ns + later_ms * MS)
    assert delta.followed_ns == now_ns
    for later_ms in (20, 30):  # what spare time is for
        assert scene.refresh_if_changed(now_ns + later_ms * MS)
    assert not scene.refresh_if_changed(now_ns + 40 * MS)
    assert scene.refresh_if_changed(now_ns + 67 * MS)
    assert delta.followed_ns == now_ns + 67 * MS


def test_rest_ends_when_our_clock_is_set_back(qapp, chart):
    scene = ChartScene(chart, load_theme(), 1200, 700)
    now_ns = settled(scene) + 10**9
    for later_ms in (0, 10):
        chart.apply(trade(59, int(chart.series.close[-1]), 500))
        scene.refresh_if_changed(now_ns + later_ms * MS)
    settled(scene, now_ns - 3600 * 10**9)
    delta = next(item for item in scene.items_by_layer if type(item).__name__ == "DeltaItem")
    assert delta.followed_ns < now_ns


def test_levels_computed_in_pieces_are_complete_when_the_chart_settles(qapp):
    chart = StillChart(random_trades(1200, 8), 10)
    scene = ChartScene(chart, load_theme(), 1200, 700)
    scene.show_only(frozenset({"naked"}))
    scene.refresh_if_changed(10**9)
    assert chart.levels.bars_taken < 1199
    settled(scene)
    assert chart.levels.bars_taken == 1199


def test_legend_of_profiles_is_current_when_the_chart_settles(qapp, chart, monkeypatch):
    scene = ChartScene(chart, load_theme(), 1200, 700)
    anchored = next(item for item in scene.items_by_layer if type(item).__name__ == "AnchoredProfileItem")
    monkeypatch.setattr(anchored, "_rules_of", lambda frame: f"close {frame.chart.series.close[-1]}")
    now_ns = settled(scene)
    before, after = int(chart.series.close[-1]), int(chart.series.close[-1]) + 1
    chart.apply(trade(59, after))
    assert scene.refresh_if_changed(now_ns)
    assert scene.frame.told == (f"close {before}",)  # for a quarter of a second
    assert settled(scene, now_ns) < now_ns + 250 * MS
    assert scene.refresh_if_changed(now_ns + 250 * MS)
    assert scene.frame.told == (f"close {after}",)
