"""The level ledger: what it lists, how it is sorted, and where a click goes."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, Qt

from rendering.items.as_of import as_of_text, closed_ns
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import FIRST_MINUTE, INSTRUMENT, StillChart, random_trades, trade
from widgets.panels.levels import LevelPanel


@pytest.fixture
def scene(qapp) -> ChartScene:
    scene = ChartScene(StillChart(random_trades(1500, 20), 10), load_theme())
    scene.refresh(1)
    scene.chart.levels.settle()
    return scene


@pytest.fixture
def ledger(qtbot, scene: ChartScene) -> LevelPanel:
    ledger = LevelPanel(lambda: scene)
    qtbot.addWidget(ledger)
    ledger.show()
    return ledger


def column(ledger: LevelPanel, number: int) -> list[str]:
    model = ledger.model
    return [model.data(model.index(row, number)) for row in range(model.rowCount())]


def test_every_active_level_is_a_row_nearest_first(ledger: LevelPanel, scene: ChartScene):
    living = scene.chart.levels.active()
    assert ledger.model.rowCount() == len(living) > 5
    assert ledger.count.text() == f"{len(living):,} levels"
    distances = [abs(level.distance_ticks) for level in ledger.model.levels]
    assert distances == sorted(distances)
    assert ledger.model.rowCount(ledger.model.index(0, 0)) == ledger.model.columnCount(ledger.model.index(0, 0)) == 0
    assert ledger.model.rowCount(QModelIndex()) == len(living)


def test_as_of_view_lists_the_levels_of_its_time(ledger: LevelPanel, scene: ChartScene):
    scene.as_of.kept_ns = closed_ns(scene.chart.series, int(scene.chart.series.number[700]))
    scene.refresh(2)
    ledger.refresh()
    assert ledger.model.rowCount() == len(scene.chart.levels.active(701)) != len(scene.chart.levels.active())
    assert scene.frame is not None and ledger.count.text().endswith(f", {as_of_text(scene.frame)}")


def test_row_shows_price_start_age_tests_and_distance(ledger: LevelPanel, scene: ChartScene):
    grid, level = (
        INSTRUMENT.grid(10),
        next(level for level in ledger.model.levels if level.period and level.bottom_ticks == level.top_ticks),
    )
    row = [column(ledger, number)[ledger.model.levels.index(level)] for number in range(7)]
    assert row[1] == "day" or row[1] in ("week", "month")
    assert float(row[2]) == pytest.approx(grid.price(level.bottom_ticks))
    assert row[5] == str(level.tests)
    assert float(row[6]) == pytest.approx(grid.price(level.distance_ticks), abs=1e-6) and row[6][0] in "+-"


def test_click_on_a_header_sorts(ledger: LevelPanel):
    ledger.table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    prices = [level.bottom_ticks for level in ledger.model.levels]
    assert prices == sorted(prices, reverse=True)
    ledger.refresh()
    assert [level.bottom_ticks for level in ledger.model.levels] == prices
    ledger.table.sortByColumn(4, Qt.SortOrder.AscendingOrder)  # the youngest first
    births = [level.born_ns for level in ledger.model.levels]
    assert births == sorted(births, reverse=True)


def test_click_on_a_level_scrolls_to_it(qtbot, ledger: LevelPanel, scene: ChartScene):
    ledger.table.sortByColumn(3, Qt.SortOrder.AscendingOrder)
    level = ledger.model.levels[0]
    spot = ledger.table.visualRect(ledger.model.index(0, 0)).center()
    qtbot.mouseClick(ledger.table.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    viewport, position = scene.viewport, scene.chart.series.times.position(level.born_ns)
    assert viewport.y((level.bottom_ticks + level.top_ticks) / 2) == pytest.approx(viewport.height_px / 2)
    assert 0 <= viewport.x(position) <= viewport.width_px


def test_distances_follow_the_market(ledger: LevelPanel, scene: ChartScene):
    before = column(ledger, 6)
    chart = scene.chart
    assert isinstance(chart, StillChart)
    chart.apply(trade(int(chart.series.number[-1]) - FIRST_MINUTE, int(chart.series.close[-1]) + 1))
    ledger.refresh()
    assert column(ledger, 6) != before


def test_table_without_a_chart_is_empty(qtbot):
    ledger = LevelPanel(lambda: None)
    qtbot.addWidget(ledger)
    assert ledger.model.rowCount() == 0


def test_rows_stay_in_place_while_the_mouse_is_over_them(ledger: LevelPanel, scene: ChartScene):
    chart = scene.chart
    assert isinstance(chart, StillChart)
    before = [(level.kind, level.born_ns, level.bottom_ticks) for level in ledger.model.levels]
    ledger.table.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)
    chart.apply(trade(int(chart.series.number[-1]) - FIRST_MINUTE, int(ledger.model.levels[-1].bottom_ticks) - 1))
    ledger.refresh()
    now = [(level.kind, level.born_ns, level.bottom_ticks) for level in ledger.model.levels]
    assert [one for one in before if one in now] == now[: len([one for one in before if one in now])]
    ledger.table.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
    ledger.refresh()
    distances = [abs(level.distance_ticks) for level in ledger.model.levels]
    assert distances == sorted(distances)
    assert now != [(level.kind, level.born_ns, level.bottom_ticks) for level in ledger.model.levels]


def test_click_on_a_hidden_level_shows_its_overlay(qtbot, scene: ChartScene):
    asked: list[str] = []
    ledger = LevelPanel(lambda: scene, None, asked.append)
    qtbot.addWidget(ledger)
    scene.show_only(frozenset())
    ledger.table.clicked.emit(ledger.model.index(0, 0))
    assert len(asked) == 1
    scene.show_only(frozenset(asked))
    ledger.table.clicked.emit(ledger.model.index(0, 0))
    assert len(asked) == 1
