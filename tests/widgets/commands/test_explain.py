"""Why? A click on what stands out, a key for anything else, and a panel that gets in nobody's way."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from app.storage.trade_store import TradeStore
from rendering.scene.explanation_placement import bars_in_question
from rendering.scene.panel_placement import PanelRect, covers
from tests.rendering.charts import trade
from tests.widgets.desks import N_BARS
from tests.widgets.gestures import drag, hover


@pytest.fixture
def why(window, desk):
    store = TradeStore(by_time=True)
    store.insert(desk.trades)
    desk.chart.trades = store.trades
    return window.why


def cell(window, *, imbalanced: bool) -> tuple[float, float, int]:
    """The place of a cell in sight that is imbalanced to the buyers' side, or of one that is not at all; and its row."""
    scene = window.view.chart_scene
    series, viewport = scene.chart.series, scene.viewport
    for bar in range(series.n_bars - 3, 0, -1):
        marks = scene.chart.figures.imbalances(bar, bar + 1)
        poc = int(scene.chart.figures.poc_rows(bar, bar + 1)[0]) - int(series.first_row[bar])
        edges = [int(rows[0]) - int(series.first_row[bar]) for rows in scene.chart.figures.value_areas(bar, bar + 1)]
        wanted = marks.buy & ~marks.sell if imbalanced else ~(marks.buy | marks.sell)
        for place in np.flatnonzero(wanted).tolist():
            row = int(series.first_row[bar]) + place
            x, y = viewport.x(int(series.number[bar]) + 0.5), viewport.y((row + 0.5) * 10)
            lines = [question for question in scene.layers.hits(scene.frame, x, y) if question.marked and "of bars" in question.text]
            near = place in (poc, *edges, *(edge + 1 for edge in edges)) or bool(lines)
            if scene.layout.price.holds(x, y) and x > 300 and not near:
                return x, y, row
    raise AssertionError("no such cell in sight")


def click(window, x: float, y: float) -> None:
    drag(window.view, (x, y), (x, y))


def boxes(window) -> tuple[PanelRect, list[PanelRect]]:
    panel = window.why.panel
    box = PanelRect(panel.x(), panel.y(), panel.x() + panel.width(), panel.y() + panel.height())
    return box, bars_in_question(window.view.chart_scene.frame, window.why.answer.explanation)


def test_click_on_a_highlighted_cell_opens_the_panel_by_its_bar(window, why):
    x, y, row = cell(window, imbalanced=True)
    click(window, x, y)
    assert why.panel is not None
    assert why.panel.isVisible()
    price = window.view.chart_scene.chart.series.grid.row_text(row)
    assert why.answer.explanation.title.startswith(f"Buy imbalance at {price}")
    panel, bars = boxes(window)
    assert bars
    assert not covers(panel, bars)
    assert panel.right <= window.view.chart_scene.layout.plot_right


def test_click_without_a_highlight_closes_the_panel(window, why):
    x, y, _ = cell(window, imbalanced=False)
    click(window, x, y)
    assert why.panel is None
    click(window, *cell(window, imbalanced=True)[:2])
    assert why.panel is not None
    click(window, x, y)
    assert why.panel is None


def test_drag_opens_no_panel(window, why):
    x, y, _ = cell(window, imbalanced=True)
    drag(window.view, (x, y), (x + 6, y))
    assert why.panel is None


def test_key_explains_any_value_and_repeated_the_next_one(window, why, qtbot):
    x, y, _ = cell(window, imbalanced=False)
    hover(window.view, x, y)
    window.frame()
    qtbot.keyClick(window.view, Qt.Key.Key_Y)
    assert why.answer.explanation.title.startswith("No imbalance")
    assert why.panel.next.text().startswith("1 of 3")
    qtbot.keyClick(window.view, Qt.Key.Key_Y)
    assert why.answer.explanation.title.startswith("POC")
    qtbot.mouseClick(why.panel.next, Qt.MouseButton.LeftButton)
    assert "value area" in why.answer.explanation.title


def test_esc_closes_the_panel_and_the_chart_keeps_the_focus(window, why, qtbot):
    click(window, *cell(window, imbalanced=True)[:2])
    assert QApplication.focusWidget() is window.view
    qtbot.keyClick(window.view, Qt.Key.Key_Escape)
    assert why.panel is None


def test_ctrl_c_copies_the_trades_or_without_a_panel_the_price(window, why, qtbot):
    click(window, *cell(window, imbalanced=True)[:2])
    qtbot.keyClick(window.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    copied = QApplication.clipboard().text().splitlines()
    assert copied[0] == "time,price,quantity,side,trade_id"
    assert len(copied) == 1 + len(why.answer.behind.trades) > 1
    why.close()
    qtbot.keyClick(window.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text().count(",") == 0


def test_too_many_trades_are_not_copied(window, why, monkeypatch):
    click(window, *cell(window, imbalanced=True)[:2])
    QApplication.clipboard().setText("before")
    monkeypatch.setattr("widgets.commands.explain.MOST_COPIED", 0)
    why.copy_csv()
    assert QApplication.clipboard().text() == "before"
    assert window._message.endswith("Use `tapeprint export`.")


def test_ctrl_c_copies_the_text_selected_in_the_panel(window, why, qtbot):
    click(window, *cell(window, imbalanced=True)[:2])
    why.panel.text.setSelection(0, len("Buy imbalance"))
    qtbot.keyClick(window.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "Buy imbalance"


def test_context_menu_offers_the_values_of_the_point(window, why):
    x, y, _ = cell(window, imbalanced=True)
    place = QPoint(round(x), round(y))
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, window.view.viewport().mapToGlobal(place))
    QApplication.sendEvent(window.view.viewport(), event)
    menu = next(menu for menu in window.findChildren(QMenu) if menu.isVisible())
    texts = [action.text() for action in menu.actions() if action.text().startswith("Why?")]
    assert [text.partition("\t")[0] for text in texts][1:] == ["Why? POC of the bar", "Why? Value area of the bar"]
    next(action for action in menu.actions() if "POC of the bar" in action.text()).trigger()
    assert why.answer.explanation.title.startswith("POC")
    menu.close()


def test_panel_moves_off_its_bar_when_the_view_moves(window, why):
    click(window, *cell(window, imbalanced=True)[:2])
    scene = window.view.chart_scene
    panel, (bar, *_) = boxes(window)
    scene.set_viewport(scene.viewport.panned(panel.left + 40 - bar.left, 0))
    window.frame()
    panel, bars = boxes(window)
    assert bars
    assert not covers(panel, bars)


def test_explanation_of_the_open_bar_shows_its_time_and_stays(window, why, desk, qtbot):
    scene = window.view.chart_scene
    series, viewport = scene.chart.series, scene.viewport
    row = int(series.first_row[-1]) + 1
    hover(window.view, viewport.x(int(series.number[-1]) + 0.5), viewport.y((row + 0.5) * 10))
    window.frame()
    qtbot.keyClick(window.view, Qt.Key.Key_Y)
    assert why.answer.as_of.startswith("as of ")
    before = why.panel.text.text()
    desk.trade(trade(N_BARS - 1, row * 10, 10**6))
    window.frame()
    assert why.panel.text.text() == before


def test_another_chart_closes_the_panel(window, why, desk):
    click(window, *cell(window, imbalanced=True)[:2])
    desk.change(ticks_per_row=20)
    window.frame()
    assert why.panel is None


def test_explanation_without_loaded_trades_reports_it(window, desk):
    desk.chart.trades = None
    click(window, *cell(window, imbalanced=True)[:2])
    assert window.why.answer.behind.note == "the trades are no longer in memory"
    assert not window.why.panel.copy.isVisible()
    assert "no longer in memory" in window.why.panel.text.text()


def test_key_away_from_the_chart_shows_what_to_do(window, why, qtbot):
    window.view.chart_scene.set_cursor(None)
    window.why.explain()
    assert why.panel is None
    assert window._message.startswith("Point at")
