"""Each dialog and panel has a Help button that opens a section that exists; F1 in a dialog does the same."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

import pytest
from msgspec import structs
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QWidget

import widgets
from app.settings.calculation import CalculationSettings
from rendering.scene.chart_point import chart_point_at
from tests.markdown import HELP, read
from widgets.commands.key_list import KeyList
from widgets.dialogs.alert import AlertDialog
from widgets.dialogs.calculation import CalculationDialog
from widgets.dialogs.composite import CompositeDialog
from widgets.dialogs.periods import PeriodDialog, SideDialog
from widgets.dialogs.profile import ProfileDialog
from widgets.panels.alerts import AlertPanel
from widgets.panels.explanation import WhyPanel
from widgets.panels.levels import LevelPanel
from widgets.parts.help_button import HelpButton, open_help_from
from widgets.window.help_window import HelpWindow
from widgets.window.main_window import MainWindow


def open_profile(window: MainWindow) -> None:
    assert window.view is not None
    window.view.chart_scene.chart.anchors.add(0)
    window.anchors.edit_profile()


OPENERS: dict[type[QDialog], Callable[[MainWindow], object]] = {
    CalculationDialog: lambda window: window.actions_by_name["edit_rules"].trigger(),
    ProfileDialog: open_profile,
    PeriodDialog: lambda window: window.actions_by_name["edit_periods"].trigger(),
    SideDialog: lambda window: window.actions_by_name["edit_side"].trigger(),
    CompositeDialog: lambda window: window.actions_by_name["choose_from_list"].trigger(),
    AlertDialog: lambda window: window.actions_by_name["new_alert"].trigger(),
    AlertPanel: lambda window: window.actions_by_name["show_alerts"].trigger(),
    LevelPanel: lambda window: window.actions_by_name["show_levels"].trigger(),
    KeyList: lambda window: window.actions_by_name["show_keys"].trigger(),
}


def opened(qtbot, window: MainWindow, kind: type[QDialog]) -> QDialog:
    OPENERS[kind](window)
    (dialog,) = window.findChildren(kind)
    qtbot.waitUntil(dialog.isActiveWindow)
    return dialog


def button_of(widget: QWidget) -> HelpButton:
    (button,) = widget.findChildren(HelpButton)
    return button


def shown_page(window: MainWindow) -> str:
    (help_window,) = window.findChildren(HelpWindow)
    assert help_window.isVisible()
    return help_window.target


def section_exists(target: str) -> bool:
    name, _, anchor = target.partition("#")
    return (HELP / name).is_file() and (not anchor or anchor in read(HELP / name).anchors)


def test_every_dialog_of_the_program_is_among_those_tested() -> None:
    for module in pkgutil.walk_packages(widgets.__path__, "widgets."):
        importlib.import_module(module.name)
    found, waiting = set[type](), [QDialog]
    while waiting:
        children = [kind for kind in waiting.pop().__subclasses__() if kind.__module__.startswith("widgets.")]
        found.update(children)
        waiting += children
    assert found - {HelpWindow} == set(OPENERS)


@pytest.mark.parametrize("kind", OPENERS, ids=lambda kind: kind.__name__)
def test_the_help_button_of_a_dialog_opens_its_section(qtbot, window, kind: type[QDialog]) -> None:
    button = button_of(opened(qtbot, window, kind))
    assert section_exists(button.page) and not button.autoDefault()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert shown_page(window) == button.page


@pytest.mark.parametrize("kind", OPENERS, ids=lambda kind: kind.__name__)
def test_f1_in_a_dialog_opens_its_section(qtbot, window, kind: type[QDialog]) -> None:
    dialog = opened(qtbot, window, kind)
    qtbot.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_F1)
    assert shown_page(window) == button_of(dialog).page


def test_each_page_of_the_calculation_settings_has_its_section(qtbot, window) -> None:
    dialog = opened(qtbot, window, CalculationDialog)
    pages = []
    for row in range(dialog.parts.count()):
        dialog.parts.setCurrentRow(row)
        pages.append(button_of(dialog).page)
    assert pages == [f"calculation.md#{part.name}" for part in structs.fields(CalculationSettings)]
    assert [page for page in pages if not section_exists(page)] == []


def test_the_help_button_of_an_explanation_opens_its_section(qtbot, window) -> None:
    scene = window.view.chart_scene
    series = scene.chart.series
    cursor = scene.viewport.x(int(series.number[-3]) + 0.5), scene.viewport.y(int(series.close[-3]) + 0.5)
    entries = window.why.menu_entries(chart_point_at(scene.frame, *cursor))
    assert entries
    seen = set()
    for entry in entries:
        entry.run()
        panel = window.why.panel
        assert isinstance(panel, WhyPanel)
        button = button_of(panel)
        assert section_exists(button.page) and button.page == window.why.answer.explanation.help_page
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert shown_page(window) == button.page
        seen.add(button.page)
    assert "values.md#diagonal-imbalance" in seen


def test_f1_opens_the_index_while_an_explanation_is_open(qtbot, window) -> None:
    scene = window.view.chart_scene
    series = scene.chart.series
    cursor = scene.viewport.x(int(series.number[-3]) + 0.5), scene.viewport.y(int(series.close[-3]) + 0.5)
    window.why.menu_entries(chart_point_at(scene.frame, *cursor))[0].run()
    qtbot.keyClick(window.view, Qt.Key.Key_F1)
    assert shown_page(window) == "index.md"


def test_a_widget_without_a_window_above_it_cannot_open_help(qtbot) -> None:
    alone = QWidget()
    qtbot.addWidget(alone)
    with pytest.raises(LookupError, match="no window above QWidget shows help"):
        open_help_from(alone, "index.md")
