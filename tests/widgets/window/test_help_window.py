"""The help window: pages, links, the way back, and a search over everything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem, QWidget

from tests.widgets.window.test_help_browser import link_positions
from widgets.commands.table import help_commands
from widgets.window.help_texts import INDEX, help_pages
from widgets.window.help_window import HelpWindow, open_help
from widgets.window.main_window import MainWindow

ALT, SHIFT, CTRL = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def opened() -> list[QUrl]:
    return []


@pytest.fixture
def help_window(qtbot, opened: list[QUrl]) -> Iterator[HelpWindow]:
    owner = QWidget()  # some tests close the window, which deletes it
    help_window = HelpWindow(owner, opened.append)
    with qtbot.waitExposed(help_window):
        help_window.show()
    help_window.go_to(INDEX)
    help_window.activateWindow()
    qtbot.waitUntil(help_window.isActiveWindow)
    yield help_window
    owner.deleteLater()


def help_of(window: MainWindow) -> HelpWindow:
    (found,) = window.findChildren(HelpWindow)
    return found


def click_link(qtbot, help_window: HelpWindow, target: str) -> None:
    browser = help_window.browser
    cursor = QTextCursor(browser.document())
    cursor.setPosition(next(position for position, each in link_positions(browser) if each == target))
    browser.setTextCursor(cursor)
    browser.ensureCursorVisible()
    qtbot.mouseClick(browser.viewport(), LEFT, pos=browser.cursorRect(cursor).center() + QPoint(4, 0))


def click_item(qtbot, tree: QTreeWidget, item: QTreeWidgetItem) -> None:
    tree.scrollToItem(item)
    qtbot.mouseClick(tree.viewport(), LEFT, pos=tree.visualItemRect(item).center())


def item_of(tree: QTreeWidget, text: str) -> QTreeWidgetItem:
    (found,) = tree.findItems(text, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    return found


def heading_in_view(help_window: HelpWindow, heading: str) -> bool:
    browser = help_window.browser
    return browser.textCursor().block().text() == heading and browser.viewport().rect().contains(browser.cursorRect().center())


# -- opening -------------------------------------------------------------------------------------


def test_f1_opens_the_index_next_to_the_chart_and_esc_closes_it(qtbot, window) -> None:
    qtbot.keyClick(window.view, Qt.Key.Key_F1)
    help_window = help_of(window)
    assert help_window.isVisible() and not help_window.isModal() and window.view.isVisible()
    assert help_window.target == INDEX and help_window.browser.toPlainText().startswith("Tapeprint help")
    qtbot.waitUntil(help_window.isActiveWindow)
    with qtbot.waitSignal(help_window.destroyed):
        qtbot.keyClick(help_window.browser, Qt.Key.Key_Escape)


@pytest.mark.parametrize("command", help_commands(), ids=lambda command: command.argument)
def test_each_command_of_the_help_menu_opens_its_page(window, command) -> None:
    window.actions_by_name[command.action].trigger()
    help_window = help_of(window)
    page = help_pages()[command.argument]
    assert help_window.target == command.argument and help_window.browser.toPlainText().startswith(page.title)
    assert help_window.title.text() == page.title and help_window.list.currentItem().text(0) == page.title


def test_opening_another_page_uses_the_window_that_is_open(window) -> None:
    first = open_help("values.md#tpo", window)
    assert open_help("alerts.md", window) is first
    first.back()
    assert first.target == "values.md#tpo"


# -- pages and links -----------------------------------------------------------------------------


def test_the_list_shows_every_page_under_the_headings_of_the_index(help_window: HelpWindow) -> None:
    tree = help_window.list
    tops = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    assert [top.text(0) for top in tops] == ["Tapeprint help", "Start here", "On the chart", "Data", "Reference"]
    leaves = [top.child(row).text(0) for top in tops for row in range(top.childCount())]
    assert leaves == [page.title for page in help_pages().values()][1:]
    assert [bool(top.flags() & Qt.ItemFlag.ItemIsSelectable) for top in tops] == [True, False, False, False, False]


def test_a_click_on_a_page_in_the_list_shows_it(qtbot, help_window: HelpWindow) -> None:
    click_item(qtbot, help_window.list, item_of(help_window.list, "Alerts"))
    assert help_window.target == "alerts.md" and help_window.windowTitle() == "Alerts — Help"
    click_item(qtbot, help_window.list, item_of(help_window.list, "Data"))
    assert help_window.target == "alerts.md"


def test_return_in_the_list_shows_the_page(qtbot, help_window: HelpWindow) -> None:
    help_window.list.setFocus()
    help_window.list.setCurrentItem(item_of(help_window.list, "Replay"))
    qtbot.keyClick(help_window.list, Qt.Key.Key_Return)
    assert help_window.target == "replay.md"


@pytest.mark.parametrize("name", help_pages())
def test_every_link_of_a_page_leads_to_a_page_and_its_section(help_window: HelpWindow, name: str) -> None:
    help_window.go_to(name)
    for _, link in link_positions(help_window.browser):
        help_window.go_to(name)
        help_window.follow(link)
        assert help_window.target == (link if not link.startswith("#") else name + link)
        assert help_window.browser.page is help_pages()[help_window.target.partition("#")[0]]


def test_a_link_to_a_section_of_another_page_scrolls_there(qtbot, help_window: HelpWindow) -> None:
    help_window.go_to("footprint.md")
    click_link(qtbot, help_window, "values.md#diagonal-imbalance")
    assert help_window.target == "values.md#diagonal-imbalance" and heading_in_view(help_window, "Diagonal imbalance")


def test_a_link_to_a_section_of_the_same_page_scrolls_there(qtbot, help_window: HelpWindow) -> None:
    help_window.go_to("profiles.md")
    click_link(qtbot, help_window, "#where-trades-are-missing")
    assert help_window.target == "profiles.md#where-trades-are-missing" and heading_in_view(help_window, "Where trades are missing")


def test_a_web_address_opens_outside_the_program(help_window: HelpWindow, opened: list[QUrl]) -> None:
    help_window.browser.anchorClicked.emit(QUrl("https://example.com/a?b=c#d"))
    assert opened == [QUrl("https://example.com/a?b=c#d")]
    assert help_window.target == INDEX and help_window.browser.page is help_pages()[INDEX]


# -- back and forward ----------------------------------------------------------------------------


def test_back_and_forward_return_to_where_a_page_was_left(qtbot, help_window: HelpWindow) -> None:
    bar = help_window.browser.verticalScrollBar()
    assert not help_window.back_button.isEnabled() and not help_window.forward_button.isEnabled()
    help_window.go_to("values.md")
    bar.setValue(700)
    help_window.go_to("alerts.md")
    assert help_window.back_button.isEnabled() and not help_window.forward_button.isEnabled()
    qtbot.mouseClick(help_window.back_button, LEFT)
    assert (help_window.target, bar.value()) == ("values.md", 700)
    qtbot.mouseClick(help_window.back_button, LEFT)
    assert (help_window.target, bar.value()) == (INDEX, 0)
    assert not help_window.back_button.isEnabled()
    qtbot.mouseClick(help_window.forward_button, LEFT)
    assert (help_window.target, bar.value()) == ("values.md", 700)
    qtbot.keyClick(help_window.browser, Qt.Key.Key_Right, ALT)
    assert help_window.target == "alerts.md"
    qtbot.keyClick(help_window.browser, Qt.Key.Key_Left, ALT)
    assert help_window.target == "values.md"


def test_a_new_page_ends_the_way_forward(help_window: HelpWindow) -> None:
    help_window.go_to("values.md")
    help_window.back()
    help_window.go_to("alerts.md")
    assert not help_window.forward_button.isEnabled()
    help_window.forward()
    assert help_window.target == "alerts.md"


def test_the_same_page_again_is_no_step(help_window: HelpWindow) -> None:
    help_window.go_to(INDEX)
    help_window.back()
    assert not help_window.back_button.isEnabled() and help_window.target == INDEX


# -- search --------------------------------------------------------------------------------------


def search_for(qtbot, help_window: HelpWindow, words: str) -> None:
    qtbot.keyClick(help_window.browser, Qt.Key.Key_F, CTRL)
    qtbot.keyClicks(help_window.search_field, words)


def test_a_search_lists_pages_and_lines_and_return_goes_through_them(qtbot, help_window: HelpWindow) -> None:
    search_for(qtbot, help_window, "rotation FACTOR")
    assert help_window.lists.currentWidget() is help_window.results and help_window.results.isVisible()
    assert help_window.count.text() == "2 lines"
    shown = []
    for _ in range(3):
        qtbot.keyClick(help_window.search_field, Qt.Key.Key_Return)
        cursor = help_window.browser.textCursor()
        shown.append((help_window.target, cursor.block().text()[cursor.positionInBlock() :][:15].lower()))
        assert help_window.results.currentItem().parent().text(0) == help_pages()[help_window.target].title
        assert len(help_window.browser.extraSelections()) == 1
    assert shown == [("footprint.md", "rotation factor"), ("values.md", "rotation factor"), ("footprint.md", "rotation factor")]
    qtbot.keyClick(help_window.search_field, Qt.Key.Key_Return, SHIFT)
    assert help_window.target == "values.md"
    assert help_window.search_field.hasFocus()


def test_a_click_on_a_line_goes_to_it_and_back_returns(qtbot, help_window: HelpWindow) -> None:
    search_for(qtbot, help_window, "volume-weighted standard")
    (page,) = [help_window.results.topLevelItem(row) for row in range(help_window.results.topLevelItemCount())]
    assert page.text(0) == "Values and their rules"
    click_item(qtbot, help_window.results, page.child(0))
    assert help_window.target == "values.md" and "volume-weighted" in help_window.browser.textCursor().block().text()
    help_window.back()
    assert help_window.target == INDEX


def test_a_line_is_shown_from_shortly_before_the_match(qtbot, help_window: HelpWindow) -> None:
    search_for(qtbot, help_window, "no power to sell")
    assert help_window.results.topLevelItemCount() == 0
    help_window.search_field.clear()
    qtbot.keyClicks(help_window.search_field, "volume-weighted standard")
    child = help_window.results.topLevelItem(0).child(0)
    assert child.text(0).startswith("… ") and 2 < child.text(0).index("volume-weighted") < 30
    assert child.text(0).removeprefix("… ") in child.toolTip(0)


def test_words_that_are_nowhere_are_reported(qtbot, help_window: HelpWindow) -> None:
    search_for(qtbot, help_window, "xyzzy")
    assert help_window.count.text() == "No matches" and help_window.count.isVisible()
    qtbot.keyClick(help_window.search_field, Qt.Key.Key_Return)
    assert help_window.target == INDEX and help_window.isVisible()


def test_esc_empties_the_search_and_then_closes_the_window(qtbot, help_window: HelpWindow) -> None:
    search_for(qtbot, help_window, "naked")
    qtbot.keyClick(help_window.search_field, Qt.Key.Key_Return)
    qtbot.keyClick(help_window.search_field, Qt.Key.Key_Escape)
    assert help_window.search_field.text() == "" and help_window.isVisible()
    assert help_window.lists.currentWidget() is help_window.list and not help_window.count.isVisible()
    assert help_window.browser.extraSelections() == []
    with qtbot.waitSignal(help_window.destroyed):
        qtbot.keyClick(help_window.browser, Qt.Key.Key_Escape)


def test_f1_in_the_help_shows_the_index(qtbot, help_window: HelpWindow) -> None:
    help_window.go_to("values.md")
    qtbot.keyClick(help_window.browser, Qt.Key.Key_F1)
    assert help_window.target == INDEX
