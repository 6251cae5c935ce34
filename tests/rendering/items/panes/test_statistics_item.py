"""The table of bar statistics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.analytics.bar_statistics import BarStatistics, Statistic
from app.analytics.delta import bar_delta
from app.analytics.row_layout import RowLayout
from app.profiles.profile_settings import ProfileColours
from app.settings.calculation import CalculationSettings, StatisticsSettings
from rendering.items.panes.statistics_item import ROW_PX, StatisticsItem, texts_of_table
from rendering.items.profiles.profile_line import profile_lines
from rendering.scene.scene import ChartScene
from rendering.style.text import Labels
from rendering.style.theme import load_theme
from tests.rendering.charts import FIRST_MINUTE, StillChart, random_trades, trade


@pytest.fixture
def scene(qapp) -> ChartScene:
    scene = ChartScene(StillChart(random_trades(60, 60)), load_theme(), 1200, 800)
    scene.show("statistics")
    scene.refresh()
    return scene


def item_of(scene: ChartScene) -> StatisticsItem:
    return next(item for item in scene.items_by_layer if isinstance(item, StatisticsItem))


def test_table_is_as_high_as_its_selected_rows(scene):
    assert scene.layout.strip_of("statistics").height == 12 * ROW_PX
    scene.chart.set_rules(CalculationSettings(statistics=StatisticsSettings(rows=(Statistic.CVD, Statistic.VOLUME))))
    scene.refresh()
    assert scene.layout.strip_of("statistics").height == 2 * ROW_PX


def test_live_trade_repaints_only_the_last_column(scene):
    item, before = item_of(scene), scene.frame
    item.changed(before, before)
    scene.chart.apply(trade(59, int(scene.chart.series.close[-1]), lots=1))
    scene.refresh()
    region = item.changed(before, scene.frame)
    assert region is not None and region.left() == pytest.approx(scene.viewport.x(FIRST_MINUTE + 59), abs=1)
    assert region.right() == scene.layout.price.right


def test_fills_show_side_and_rank(scene):
    scene.chart.set_rules(CalculationSettings(statistics=StatisticsSettings(rows=(Statistic.DELTA, Statistic.VOLUME))))
    image = scene.render_image()
    pane, series, theme = scene.layout.strip_of("statistics"), scene.chart.series, scene.theme
    balance = len(theme.delta_ramp) // 2
    first = series.index_of(scene.viewport.visible_bars()[0]) + 1
    for bar in range(first, series.n_bars):
        x = int(scene.viewport.x(int(series.number[bar]))) + 3
        step = [colour.argb for colour in theme.delta_ramp].index(image.pixel(x, pane.top + 3))
        assert np.sign(step - balance) in (0, np.sign(bar_delta(series)[bar]))
        assert image.pixel(x, pane.top + ROW_PX + 3) in [colour.argb for colour in theme.volume_ramp]


def test_bars_narrower_than_a_pixel_are_drawn(qapp):
    scene = ChartScene(StillChart(random_trades(3000, 3)), load_theme(), 900, 700)
    scene.show("statistics")
    scene.show_all()
    assert scene.render_image().width() == 900


def test_values_are_written_with_their_signs(scene):
    frame = scene.frame
    table = {
        Statistic.DELTA: np.array([1500, -2000]),
        Statistic.DELTA_PERCENT: np.array([12.4, -7.0]),
        Statistic.TRADES: np.array([12345, 0]),
        Statistic.RANGE: np.array([25, 0]),
        Statistic.VOLUME: np.array([0, 3000]),
    }
    assert texts_of_table(frame, table) == {
        Statistic.DELTA: ["+1.50", "−2.00"],
        Statistic.DELTA_PERCENT: ["+12%", "−7%"],
        Statistic.TRADES: ["12,345", "0"],
        Statistic.RANGE: ["2.5", "0.0"],
        Statistic.VOLUME: ["0", "3.00"],
    }


@pytest.mark.parametrize("ticks_per_row", [1, 4, 5])
def test_poc_equals_that_of_a_profile_of_the_bar(qapp, ticks_per_row: int):
    scene = ChartScene(StillChart(random_trades(5, 60), ticks_per_row=ticks_per_row), load_theme(), 1200, 800)
    scene.refresh()
    frame, chart = scene.frame, scene.chart
    written = texts_of_table(frame, {Statistic.POC: BarStatistics(chart.figures).row(Statistic.POC, 0, 5)})[Statistic.POC]
    rule = chart.rules.value_area
    for number, text in zip(chart.series.number.tolist(), written, strict=True):
        figures = chart.profiles.of_bars(((number, number + 1),), RowLayout(), rule.percent, rule.method)
        assert text == profile_lines(frame, figures, ProfileColours())[0].text


@pytest.mark.parametrize("cut", [0.3, 0.5, 0.7])
def test_numbers_cut_by_an_edge_are_left_out(scene, monkeypatch: pytest.MonkeyPatch, cut: float):
    """`5010.0` of 65010.0 is a price too."""
    written: list[tuple[float, float]] = []

    def record(labels: Labels, painter: object, x: float, y: float, text: str, colour: object, align: float = 0.0) -> None:
        if align:
            written.append((x - align * labels.width(text), x + (1 - align) * labels.width(text)))

    scene.set_viewport(replace(scene.viewport, bar_px=90.0, first_bar=FIRST_MINUTE + 50 + cut))
    scene.refresh()
    monkeypatch.setattr(Labels, "draw", record)
    image, frame = QImage(1200, 800, QImage.Format.Format_ARGB32_Premultiplied), scene.frame
    painter = QPainter(image)
    item_of(scene).draw(painter, frame, QRectF(0, 0, 1200, 800))
    painter.end()
    pane = frame.layout.strip_of("statistics")
    assert len(written) > 12 and all(pane.left <= left and right <= pane.right for left, right in written)
