"""The view of a chart: its start, following, and staying in place."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QPainter

from rendering.items.chart_item import ChartItem
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from rendering.view.frame import CellStyle, Frame
from rendering.view.layout import Strip
from tests.rendering.charts import FIRST_MINUTE, StillChart, random_trades, trade


def scene_of(chart: StillChart, width: int = 1200, height: int = 700) -> ChartScene:
    return ChartScene(chart, load_theme(), width, height)


class Marks(list[str]):
    """The names of the layers that were marked dirty."""

    def mark_dirty(self, item: ChartItem, rect: QRect) -> None:
        self.append(type(item).__name__)


def repaints_of(scene: ChartScene) -> Marks:
    """A list to which every layer adds its name when it is marked dirty."""
    asked = Marks()
    for item in scene.items_by_layer:
        item.pictures = (*item.pictures, asked)
    return asked


@pytest.fixture
def chart() -> StillChart:
    return StillChart(random_trades(60, 150), 10)


def test_scene_shows_the_newest_bars_with_digits_at_first(qapp, chart):
    scene = scene_of(chart)
    scene.refresh()
    assert scene.frame is not None and scene.frame.detail is Detail.DIGITS
    first, last = scene.viewport.visible_bars()
    assert first < FIRST_MINUTE + 59 <= last
    low, high = scene.viewport.visible_ticks()
    assert low < chart.series.close[-1] < high
    assert scene.following


def test_empty_chart_is_drawn_and_fitted_when_trades_arrive(qapp):
    chart = StillChart(random_trades(0, 1), 10)
    scene = scene_of(chart)
    scene.refresh()
    assert not scene.render_image().isNull()
    chart.apply(trade(0, 500))
    scene.refresh()
    assert 0 < scene.viewport.y(500) < scene.viewport.height_px
    assert 0 < scene.viewport.x(FIRST_MINUTE) < scene.viewport.width_px


def test_new_bars_do_not_move_a_view_of_history(qapp, chart):
    scene = scene_of(chart)
    scene.refresh()
    scene.set_viewport(scene.viewport.panned(3000, 0))
    assert not scene.following
    before = scene.viewport
    chart.apply(trade(60, int(chart.series.close[-1])))
    scene.refresh()
    assert scene.viewport == before


def test_view_scrolls_to_the_last_price_while_following(qapp, chart):
    scene = scene_of(chart)
    scene.refresh()
    top = scene.viewport.visible_ticks()[1]
    chart.apply(trade(59, top - 2))
    scene.refresh()
    y = scene.viewport.y(top - 2)
    assert 0.2 * scene.viewport.height_px < y < 0.5 * scene.viewport.height_px


def test_view_does_not_scroll_back_after_a_vertical_pan(qapp, chart):
    scene = scene_of(chart)
    scene.refresh()
    scene.set_viewport(scene.viewport.panned(0, 5000))
    before = scene.viewport
    chart.apply(trade(59, int(chart.series.close[-1]) + 3))
    scene.refresh()
    assert scene.viewport == before


def test_go_to_newest_shows_the_last_bar_and_its_price(qapp, chart):
    scene = scene_of(chart)
    scene.refresh()
    scene.set_viewport(scene.viewport.panned(3000, 9000))
    scene.sight.go_to_newest()
    scene.refresh()
    assert scene.following
    assert 0 < scene.viewport.x(FIRST_MINUTE + 59) < scene.viewport.width_px
    assert 0 < scene.viewport.y(int(chart.series.close[-1])) < scene.viewport.height_px


def test_fit_price_shows_all_prices_of_the_visible_bars(qapp, chart):
    scene = scene_of(chart)
    scene.show_last(50)
    scene.sight.fit_price()
    low, high = scene.viewport.visible_ticks()
    assert low <= chart.series.low[-50:].min() and high >= chart.series.high[-50:].max()


def test_view_keeps_middle_price_and_row_height_when_rows_change(qapp, chart):
    scene = scene_of(chart)
    scene.refresh()
    assert scene.frame is not None
    middle, row_px = scene.viewport.ticks_at(scene.viewport.height_px / 2), scene.frame.row_px
    coarse = StillChart(random_trades(60, 150), 25)
    chart.series, chart.figures, chart.generation = coarse.series, coarse.figures, chart.generation + 1
    scene.refresh()
    assert scene.frame.row_px == pytest.approx(row_px)
    assert scene.viewport.ticks_at(scene.viewport.height_px / 2) == pytest.approx(middle)


def test_image_has_the_pixels_of_its_scale_without_a_widget(qapp, chart):
    scene = scene_of(chart, 640, 400)
    for dpr in (1.0, 1.5, 2.0):
        image = scene.render_image(dpr)
        assert (image.width(), image.height()) == (640 * dpr, 400 * dpr)
        assert image.devicePixelRatio() == dpr
    assert scene.frame is not None and scene.frame.dpr == 1.0


def test_image_has_the_same_colours_at_twice_the_scale(qapp, chart):
    scene = scene_of(chart, 900, 600)
    small, large = scene.render_image(1.0), scene.render_image(2.0)
    view, rows = scene.viewport, chart.series.grid.ticks_per_row
    first_row, buy, _, _ = chart.series.bar_cells(59)
    # just above a cell's lower edge, past the marks and before the digits: only its fill
    x = view.x(FIRST_MINUTE + 59) + 26
    grounds = set()
    for row in range(first_row, first_row + len(buy)):
        y = view.y(row * rows) - 3
        colour = small.pixelColor(int(x), int(y))
        assert colour == large.pixelColor(int(2 * x), int(2 * y))
        grounds.add(colour.name())
    ramp = {step.hex for step in load_theme().volume_ramp}
    assert len(grounds & ramp) > 3


def test_scene_draws_nothing_when_nothing_changed(qapp, chart):
    scene = scene_of(chart)
    for _ in range(5):
        scene.refresh(now_ns=1)
    assert not scene.refresh(now_ns=1)


def test_panes_update_15_times_a_second_and_bars_in_every_frame(qapp, chart):
    scene = scene_of(chart)
    asked = repaints_of(scene)
    scene.refresh(now_ns=10**9)
    for now_ms, panes in ((1100, True), (1110, False), (1150, False), (1170, True)):
        asked.clear()
        chart.apply(trade(59, int(chart.series.close[-1]), 500))
        scene.refresh(now_ns=now_ms * 10**6)
        assert "FootprintItem" in asked
        assert ("VisibleProfileItem" in asked) is panes, now_ms
    asked.clear()
    chart.apply(trade(59, int(chart.series.close[-1]), 500))
    scene.refresh(now_ns=1_180 * 10**6)
    assert "VisibleProfileItem" not in asked
    scene.refresh(now_ns=1_300 * 10**6)  # no further trade: deferred updates are drawn
    assert "VisibleProfileItem" in asked


def test_resting_layers_take_turns_within_three_frames(qapp, chart):
    scene = scene_of(chart)
    scene.show_only(frozenset(item.name for item in scene.items_by_layer if item.name))
    scene.refresh(now_ns=10**9)
    resting = [item for item in scene.items_by_layer if item.rest_s and "trades" in item.depends_on]
    seen: dict[str, list[int]] = {type(item).__name__: [] for item in resting}
    for frame in range(12):
        chart.apply(trade(59, int(chart.series.close[-1]), 500))
        now_ns = (2 + frame) * 10**9  # every rest is over
        scene.refresh(now_ns)
        looked = [type(item).__name__ for item in resting if item.followed_ns == now_ns]
        assert 0 < len(looked) <= 9
        for name in looked:
            seen[name].append(frame)
    assert len(resting) > 16
    assert all(later - before <= 3 for turns in seen.values() for before, later in itertools.pairwise([-1, *turns, 12]))
    scene.set_viewport(scene.viewport.panned(-60, 10))
    scene.refresh(now_ns=20 * 10**9)
    assert not any(item.waits for item in resting)


def test_a_moved_view_never_waits(qapp, chart):
    scene = scene_of(chart)
    scene.refresh(now_ns=10**9)
    chart.apply(trade(59, int(chart.series.close[-1]), 500))
    scene.refresh(now_ns=10**9 + 1)
    asked = repaints_of(scene)
    scene.set_viewport(scene.viewport.panned(-60, 10))
    scene.refresh(now_ns=10**9 + 2)
    assert {"FootprintItem", "VisibleProfileItem", "DeltaItem", "PriceAxisItem"} <= set(asked)


class Counted(ChartItem):
    """An overlay with a strip that counts its updates and drawings."""

    name = "counted"
    shown_at_first = False
    asked = drawn = 0

    @classmethod
    def strip(cls, style: CellStyle) -> Strip | None:
        return Strip("counted", 0.1, 30, 60)

    def pane(self, frame: Frame) -> QRectF:
        return QRectF(*frame.layout.strip_of("counted"))

    def changed(self, old: Frame, new: Frame) -> QRectF | None:
        self.asked += 1
        return None

    def legend(self, frame: Frame) -> str:
        return "counted by rule"

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        self.drawn += 1
        painter.fillRect(exposed, QColor("#ff00ff"))


def test_hidden_overlay_has_no_strip_no_legend_and_no_work(qapp, chart):
    scene = ChartScene(chart, load_theme(), 900, 600, layers=(*LAYERS, Counted))
    item = scene.items_by_layer[-1]
    assert isinstance(item, Counted)
    scene.refresh()
    scene.refresh()
    scene.render_image()
    assert scene.frame is not None and scene.frame.told == ()
    assert (item.asked, item.drawn, scene.layout.strip_of("counted").height) == (0, 0, 0)


def test_an_overlay_that_starts_hidden_is_hidden_from_qt(qapp, chart):
    scene = scene_of(chart)
    hidden = {item.name for item in scene.items_by_layer if not item.isVisible()}
    assert hidden == {item.name for item in scene.items_by_layer if item.name} - scene.shown
    scene.show_only(scene.shown | hidden)
    assert all(item.isVisible() for item in scene.items_by_layer)


def test_overlay_takes_its_strip_from_the_prices_while_shown(qapp, chart):
    scene = ChartScene(chart, load_theme(), 900, 600, layers=(*LAYERS, Counted))
    scene.refresh()
    before = scene.layout
    scene.show("counted")
    image = scene.render_image()
    strip = scene.layout.strip_of("counted")
    assert strip.height == 58 and scene.layout.price.height == before.price.height - 58
    assert scene.frame is not None and scene.frame.told == ("counted by rule",) and "counted" in scene.frame.shown
    assert image.pixelColor(strip.left + 5, strip.top + 5).name() == "#ff00ff"
    assert scene.twin(2.0).shown == scene.shown
    scene.show("counted", on=False)
    scene.refresh()
    assert scene.layout == before


def test_overlay_is_drawn_completely_when_shown_again(qapp, chart):
    scene = ChartScene(chart, load_theme(), 900, 600, layers=(*LAYERS, Counted))
    scene.show("counted")
    scene.refresh()
    scene.show("counted", on=False)
    scene.refresh()
    asked = repaints_of(scene)
    scene.show("counted")
    scene.refresh()
    assert "Counted" in asked


def test_hidden_panes_leave_their_space_to_the_prices(qapp, chart):
    scene = scene_of(chart)
    scene.refresh()
    scene.show_only(frozenset())
    scene.refresh()
    assert scene.layout.profile.width == scene.layout.delta.height == 0
    assert scene.layout.price.height == scene.layout.time_axis.top
