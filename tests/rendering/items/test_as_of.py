"""The as-of view of a moment equals a chart of the trades up to that moment."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage

from app.chart.chart import Chart, ChartSpec
from app.market.bar_rule import parse_bar_rule
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.market.trade import TradeBatch
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.storage.trade_store import TradeStore
from rendering.items.as_of import AsOf, closed_ns
from rendering.items.bars.large_trades_item import LargeTradesItem
from rendering.items.bars.visible_coverage import VisibleCoverage
from rendering.items.chart_item import ChartItem
from rendering.items.guides.badge_item import badge_text
from rendering.items.guides.last_price_item import last_price
from rendering.items.guides.legend_item import legend_lines
from rendering.items.levels.level_items import UnfinishedAuctionsItem
from rendering.items.panes.statistics_item import StatisticsItem
from rendering.items.profiles.anchor_flag_item import AnchorFlagItem
from rendering.items.profiles.anchored_profile_item import AnchoredProfileItem
from rendering.items.profiles.placed_profile_views import profile_views
from rendering.items.profiles.visible_profile_item import VisibleProfileItem
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.scene.screenshot import facts_of, state_of
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from rendering.view.viewport import Viewport
from tests.builders import random_trades
from tests.rendering.charts import INSTRUMENT

DAY_NS = 86_400 * 10**9
START_NS = 19_700 * DAY_NS + 20 * 3600 * 10**9
"""Four hours before a day ends, so that the tape has sessions, nodes and naked levels."""
RULES = ("5m", "15m", "400t")
WIDTH, HEIGHT = 900, 640
OVERLAYS = tuple(layer for layer in LAYERS if layer.name)
APART = (StatisticsItem, AnchorFlagItem)
"""Layers that may differ: the first colours values of single bars by their rank among all bars in view, also veiled ones; the second
moves its labels clear of one another, also of veiled ones."""


@lru_cache(maxsize=4)
def tape(seed: int) -> TradeBatch:
    return random_trades(seed, 6000, start_ns=START_NS, seconds=40 * 3600, price=600_000, spread=400, unknown=0.1)


def chart_of(trades: TradeBatch, rule: str) -> Chart:
    store = TradeStore()
    store.insert(trades)
    chart = Chart(ChartSpec(INSTRUMENT, parse_bar_rule(rule), 10))
    chart.apply(store.trades(), store)
    chart.anchors.add(START_NS + 3 * 3600 * 10**9)
    if (
        chart.series.rule.is_time
    ):  # the numbers of later bars that are not by time are unknown, hence also the end of a range that is not over
        chart.anchors.add(START_NS + 7 * 3600 * 10**9, START_NS + 21 * 3600 * 10**9)
        chart.anchors.show_periods(PeriodProfiles(PeriodKind.DAY))
    return chart


@lru_cache(maxsize=8)
def whole_chart(seed: int, rule: str) -> Chart:
    return chart_of(tape(seed), rule)


def chart_up_to(seed: int, rule: str, bar: int) -> Chart:
    """A chart of the trades up to the last one of a bar."""
    count = int(whole_chart(seed, rule).series.trades[: bar + 1].sum())
    return chart_of(tape(seed)[:count], rule)


def scene_of(chart: Chart, viewport: Viewport, layers: list[type[ChartItem]]) -> ChartScene:
    scene = ChartScene(chart, load_theme(), WIDTH, HEIGHT, layers=layers)
    scene.show_only(frozenset(layer.name for layer in layers))
    scene.refresh(1)
    scene.set_viewport(viewport)
    scene.sight.following = False
    return scene


def picture(scene: ChartScene) -> np.ndarray:
    scene.refresh(10**12)
    scene.settle()
    image = scene.render_image().convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), image.width()).copy()


@pytest.mark.parametrize("layer", [layer for layer in OVERLAYS if layer not in APART], ids=lambda layer: layer.__name__)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 1),
    rule=st.sampled_from(RULES),
    share=st.floats(0.02, 0.97),
    at=st.floats(0.3, 1.2),
    bar_px=st.sampled_from([0.6, 3.0, 17.0, 60.0]),
)
@example(seed=0, rule="400t", share=0.1875, at=1.0, bar_px=0.6)  # a period that begins with a bar narrower than a pixel
def test_overlay_as_of_a_bar_equals_a_chart_of_the_trades_so_far(
    qapp, layer: type[ChartItem], seed: int, rule: str, share: float, at: float, bar_px: float
):
    chart = whole_chart(seed, rule)
    if layer is LargeTradesItem and not chart.series.rule.is_time:
        return  # the last bar ends with its last trade, others with the next bar's first: bubbles inside it move a little
    bar = int(share * (chart.series.n_bars - 1))
    number, low = int(chart.series.number[bar]), int(chart.series.low.min())
    viewport = Viewport(number + 1 - at * 600 / bar_px, bar_px, low, 0.5, 600, 400)
    scene = scene_of(chart, viewport, [layer])
    scene.as_of = AsOf(closed_ns(chart.series, number))
    then = scene_of(chart_up_to(seed, rule, bar), scene.viewport, [layer])
    shown, wanted = picture(scene), picture(then)
    frame, was = scene.frame, then.frame
    assert frame is not None and was is not None
    assert frame.as_of == number and frame.viewport == was.viewport and frame.layout == was.layout
    edge, right = int(frame.known_x), round(frame.layout.price.right)
    if layer.name == "delta":  # colours of the volume row are ranks
        rows = slice(int(frame.layout.volume.top), int(frame.layout.volume.bottom) + 1)
        shown[rows, :right] = wanted[rows, :right] = 0
    assert np.array_equal(shown[:, :edge], wanted[:, :edge])
    assert np.array_equal(shown[:, right:], wanted[:, right:])


def test_releasing_the_as_of_key_restores_the_chart(qapp):
    """Bit for bit, with every layer, although trades arrive and the mouse moves meanwhile."""
    trades, cut = tape(0), 4000

    def looked_at(held: bool) -> np.ndarray:
        store = TradeStore()
        store.insert(trades[:cut])
        chart = Chart(ChartSpec(INSTRUMENT, parse_bar_rule("5m"), 10))
        chart.apply(store.trades(), store)
        chart.anchors.add(START_NS + 3 * 3600 * 10**9)
        chart.anchors.show_periods(PeriodProfiles(PeriodKind.DAY))
        scene = ChartScene(chart, load_theme(), 1200, 900)
        scene.show_only(frozenset(layer.name for layer in OVERLAYS))
        scene.show_last(200)
        for step in range(20):
            if held:
                scene.as_of.held = 2 <= step < 18
                scene.set_cursor((37.0 * (7 * step % 20), 80.0 + step))
            now_ns = (step + 1) * 10**9
            scene.refresh(now_ns)
            scene.idle(1.0)
            assert not held or (scene.frame is not None and (scene.frame.as_of is not None) == (2 <= step < 18))
            fresh = trades[cut + 40 * step : cut + 40 * (step + 1)]
            store.insert(fresh)
            chart.apply(fresh, store)
        scene.set_cursor(None)
        return picture(scene)

    assert np.array_equal(looked_at(True), looked_at(False))


def test_moving_the_as_of_moment_rebuilds_nothing(qapp):
    chart = chart_of(tape(1), "5m")
    scene = scene_of(chart, Viewport(int(chart.series.number[0]), 1.0, int(chart.series.low.min()), 0.5, 600, 400), list(LAYERS))
    picture(scene)
    levels, index = chart.levels, chart.profiles.index
    index.build()
    before = levels.bars_taken, levels.looks, index.nodes_built, chart.figures.value_areas_computed
    scene.as_of.held = True
    for x in range(10, 400, 7):
        scene.set_cursor((float(x), 200.0))
        scene.refresh(2 * 10**12)
        assert scene.frame is not None and scene.frame.as_of is not None
    assert (levels.bars_taken, levels.looks, index.nodes_built, chart.figures.value_areas_computed) == before


def test_moment_follows_the_mouse_and_is_now_at_the_last_bar(qapp):
    chart = chart_of(tape(0), "15m")
    numbers = chart.series.number.tolist()
    moment = AsOf()
    assert moment.bar(chart.series, numbers[3]) is None
    moment.held = True
    assert moment.bar(chart.series, numbers[3]) == numbers[3]
    assert moment.bar(chart.series, numbers[0] - 5) == numbers[0]
    assert moment.bar(chart.series, numbers[-1]) is moment.bar(chart.series, numbers[-1] + 4) is moment.bar(chart.series, None) is None


@pytest.mark.parametrize("rule", RULES)
def test_fixed_moment_stays_at_the_close_of_its_bar(qapp, rule: str):
    chart = chart_of(tape(0), rule)
    number = int(chart.series.number[7])
    moment = AsOf(closed_ns(chart.series, number))
    assert moment.bar(chart.series, None) == number
    moment.held = True
    assert moment.bar(chart.series, int(chart.series.number[4])) == int(chart.series.number[4])  # the mouse takes precedence
    assert AsOf(closed_ns(chart.series, int(chart.series.number[-1]))).bar(chart.series, None) is None


def test_badge_legend_and_caption_name_the_as_of_moment(qapp):
    chart = chart_of(tape(0), "15m")
    scene = ChartScene(chart, load_theme(), 1200, 800)
    scene.refresh(1)
    assert scene.frame is not None and "AS OF" not in badge_text(scene.frame) and "AS OF" not in facts_of(scene, 1).caption
    scene.as_of.kept_ns = START_NS + 5 * 3600 * 10**9
    scene.set_mode("simulated")
    scene.refresh(2)
    assert badge_text(scene.frame) == "◀ AS OF Sun 10 Dec 2023 01:00 UTC · ◆ SIMULATED"
    assert any("as of Sun 10 Dec 2023 01:00 UTC" in line for line in legend_lines(scene.frame))
    assert "AS OF" in facts_of(scene, 1).caption
    assert state_of(scene)["as_of_ns"] == scene.as_of.kept_ns
    shown = last_price(scene.frame)
    assert shown is not None and shown.ticks == int(chart.series.close[scene.frame.known_end - 1])
    assert scene.twin(2.0).as_of.kept_ns == scene.as_of.kept_ns  # an image at another scale has the same moment


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.__name__)
@pytest.mark.parametrize("bar_px", [0.6, 80.0])
def test_moving_the_as_of_moment_repaints_all_that_it_changes(qapp, monkeypatch: pytest.MonkeyPatch, layer: type[ChartItem], bar_px: float):
    chart = whole_chart(0, "5m")
    number, low = int(chart.series.number[chart.series.n_bars // 2]), int(chart.series.low.min())
    scene = scene_of(chart, Viewport(number - 300 / bar_px, bar_px, low, 0.5, 600, 400), [layer])
    scene.set_mode("simulated")
    before = picture(scene)
    asked: list[QRectF] = []
    monkeypatch.setattr(ChartItem, "mark_dirty", lambda _item, rect: asked.append(rect))
    for moved in (0, 3, -1, -60 / bar_px, 10_000, 1):
        asked.clear()
        scene.as_of.kept_ns = None if moved == 10_000 else closed_ns(chart.series, number + round(moved))
        scene.refresh(10**12)
        after = picture(scene)
        spoilt = np.zeros(after.shape, bool)
        for rect in asked:
            at = rect.toAlignedRect()
            spoilt[max(0, at.top()) : at.bottom() + 1, max(0, at.left()) : at.right() + 1] = True
        stray = np.argwhere((before != after) & ~spoilt)
        assert not len(stray), f"{len(stray)} pixels, the first at {stray[0][::-1]}, the last at {stray[-1][::-1]}"
        before = after


@pytest.mark.parametrize("dpr", [1.0, 2.0])
def test_level_names_on_the_veil_are_legible(qapp, dpr: float):
    chart = whole_chart(0, "5m")
    scene = ChartScene(chart, load_theme(), 1200, 900, dpr)
    scene.show_only(frozenset({"unfinished"}))
    scene.show_last()
    scene.as_of.kept_ns = closed_ns(chart.series, int(chart.series.number[-5]))
    picture(scene)
    frame = scene.frame
    assert frame is not None and frame.detail is Detail.DIGITS
    (item,) = (item for item in scene.items_by_layer if isinstance(item, UnfinishedAuctionsItem))
    named = [level for level in item._drawn(frame) if level.living]
    assert named
    image = scene.render_image().convertToFormat(QImage.Format.Format_RGB32)
    channels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[:, :, :3]
    top, bottom = (round(edge(level.top for level in named) * dpr) for edge in (min, max))
    left, right = round((frame.known_x + item.names_at_px) * dpr), round(frame.layout.price.right * dpr)
    assert (channels[top:bottom, left:right].max(axis=2) > 0xC0).sum() > 50  # text under the veil is far darker


def test_coverage_as_of_a_bar_ignores_later_bars(qapp):
    chart = chart_of(tape(0), "15m")
    number = chart.series.number
    begin_ns, end_ns = (chart.series.times.start_ns(int(number[bar])) for bar in (0, 50))
    chart.covered = [
        CoveredSpan(Span(begin_ns, end_ns), Source.LIVE, 0, 0),
        CoveredSpan(Span(end_ns + 8 * 3600 * 10**9, START_NS + 50 * 3600 * 10**9), Source.LIVE, 0, 0),
    ]
    scene = scene_of(chart, Viewport(int(number[0]), 6.0, int(chart.series.low.min()), 0.5, 600, 400), [VisibleProfileItem])
    scene.set_mode("replay")  # nothing is missing before the first trade
    scene.refresh(1)
    assert scene.frame is not None
    coverage = VisibleCoverage()
    now, everything = coverage.of(scene.frame, as_of=True), coverage.of(scene.frame)
    assert now is not None and everything is not None and now.share == everything.share < 1
    scene.as_of.kept_ns = closed_ns(chart.series, int(number[40]))
    scene.refresh(2)
    then, ribbon = coverage.of(scene.frame, as_of=True), coverage.of(scene.frame)
    assert then is not None and ribbon is not None
    assert then.share == 1.0 and ribbon.share == everything.share


def test_profile_that_starts_later_reads_not_started(qapp):
    chart = chart_of(tape(0), "15m")
    scene = scene_of(chart, Viewport(int(chart.series.number[0]), 6.0, int(chart.series.low.min()), 0.5, 600, 400), [AnchoredProfileItem])
    scene.as_of.kept_ns = START_NS + 3600 * 10**9
    scene.refresh(1)
    assert scene.frame is not None
    assert any("not started" in line for line in scene.frame.told)
    assert all(view.figures is None for view in profile_views(scene.frame))
