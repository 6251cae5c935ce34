"""F1 in a menu explains the entry that is selected."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QWidget

from rendering.items.overlays import overlays
from rendering.scene.all_layers import LAYERS
from widgets.parts.menu_with_help import MenuWithHelp
from widgets.window.help_window import HelpWindow


def menu_of(window, title: str) -> QMenu:
    return next(menu for menu in window.menuBar().findChildren(QMenu) if menu.title() == title)


def test_f1_over_an_overlay_opens_its_section_and_toggles_nothing(qtbot, window):
    menu, shown = menu_of(window, "Overlays"), window.overlays.shown
    for layer in overlays(LAYERS):
        menu.popup(window.mapToGlobal(window.rect().center()))
        menu.setActiveAction(window.actions_by_name[f"toggle_overlay {layer.name}"])
        qtbot.keyClick(menu, Qt.Key.Key_F1)
        assert not menu.isVisible()
        (help_window,) = window.findChildren(HelpWindow)
        assert help_window.target == layer.help_page
    assert window.overlays.shown == shown


def test_f1_over_nothing_and_other_keys_open_nothing(qtbot, window):
    menu = menu_of(window, "View")
    menu.popup(window.mapToGlobal(window.rect().center()))
    qtbot.keyClick(menu, Qt.Key.Key_F1)
    qtbot.keyClick(menu, Qt.Key.Key_Down)
    assert menu.isVisible() and menu.activeAction() is not None
    qtbot.keyClick(menu, Qt.Key.Key_Escape)
    assert not menu.isVisible() and window.findChildren(HelpWindow) == []


def test_f1_over_an_entry_without_a_page_opens_nothing(qtbot):
    class Window(QWidget):
        pages: list[str] = []  # noqa: RUF012

        def show_help(self, page: str) -> None:
            self.pages.append(page)

    window = Window()
    qtbot.addWidget(window)
    menu = MenuWithHelp("Menu", window)
    plain, explained = menu.addAction("plain"), menu.addAction("explained")
    explained.setData("values.md")
    window.show()
    menu.popup(window.pos())
    menu.setActiveAction(plain)
    qtbot.keyClick(menu, Qt.Key.Key_F1)
    assert window.pages == []
    menu.setActiveAction(explained)
    qtbot.keyClick(menu, Qt.Key.Key_F1)
    assert window.pages == ["values.md"]
