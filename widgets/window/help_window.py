"""The help window: a list of pages, one open page, a search over all pages, and buttons to go back and forward."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from widgets.window.help_browser import HelpBrowser, lines_of
from widgets.window.help_texts import INDEX, Match, help_pages, search

_DATA_ROLE = Qt.ItemDataRole.UserRole
_LEFT_PX, _ROW_PX, _HEAD_PX = 280, 24, 32
_BEFORE = 18
"""Minimum number of characters shown before a match, if its line has that many."""
_FEWEST = 2
"""Minimum number of characters to search for; a single letter is in nearly every line."""


class Place(NamedTuple):
    """A position in the help: a page, with an anchor if it was opened at one, and the position of the scroll bar."""

    target: str
    scroll: int


class HelpWindow(QDialog):
    """A window that shows the help pages; Esc closes it.

    Parameters
    ----------
    open_url : callable
        Opens a web address outside the program. For tests.
    """

    def __init__(self, parent: QWidget | None = None, open_url: Callable[[QUrl], object] = QDesktopServices.openUrl) -> None:
        super().__init__(parent)
        self.setWindowTitle("Help")
        self.setWindowFlag(Qt.WindowType.WindowMinMaxButtonsHint)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(QSize(1180, 820).boundedTo(self.screen().availableSize() * 0.95))
        self._open_url = open_url
        self._target = ""
        self._back: list[Place] = []
        self._forward: list[Place] = []
        self._lines: dict[str, list[str]] = {}
        self.browser = HelpBrowser(self.follow, self)
        self.search_field = QLineEdit(self)
        self.search_field.setPlaceholderText("Search (Ctrl+F)")
        self.search_field.setAccessibleName("Search")
        self.search_field.setClearButtonEnabled(True)
        self.search_field.setToolTip("Search all pages. Return goes to the next match, Shift+Return to the previous one.")
        self.list, self.results = _tree("Pages"), _tree("Matches")
        self.count = QLabel(self)
        self.back_button = self._button("‹ Back", "Back (Alt+Left)", self.back)
        self.forward_button = self._button("Forward ›", "Forward (Alt+Right)", self.forward)
        self.title = QLabel(self)
        self._lay_out()
        self._list_pages()
        self._bind()

    # -- pages -----------------------------------------------------------------------------------

    @property
    def target(self) -> str:
        """The open page, with the anchor at which it was opened, e.g. `values.md#levels`; empty before a page is opened."""
        return self._target

    def go_to(self, target: str) -> None:
        """Show a page, e.g. `values.md`, or a section of it, e.g. `values.md#levels`; `back` returns to the page shown before."""
        if self._target and target != self._target:
            self._back.append(self._place)
            self._forward.clear()
        self._show(target)

    def follow(self, link: str) -> None:
        """Show the target of a link on the current page; a web address opens outside the program."""
        if QUrl(link).scheme() in ("http", "https"):
            self._open_url(QUrl(link))
        else:
            self.go_to(self._target.partition("#")[0] + link if link.startswith("#") else link)

    def back(self) -> None:
        """Show the previous page, if there is one, at the position where it was left."""
        self._return(self._back, self._forward)

    def forward(self) -> None:
        """Undo the last `back`, if there is one: show the page that was left, at the position where it was left."""
        self._return(self._forward, self._back)

    @property
    def _place(self) -> Place:
        return Place(self._target, self.browser.verticalScrollBar().value())

    def _return(self, from_here: list[Place], to: list[Place]) -> None:
        if from_here:
            place = from_here.pop()
            to.append(self._place)
            self._show(place.target)
            self.browser.verticalScrollBar().setValue(place.scroll)

    def _show(self, target: str) -> None:
        name, _, anchor = target.partition("#")
        page = help_pages()[name]
        if self.browser.page is not page:
            self.browser.show_page(page)
        if anchor:
            self.browser.scroll_to(anchor)
        else:
            self.browser.verticalScrollBar().setValue(0)
        self._target = target
        self.title.setText(page.title)
        self.setWindowTitle(f"{page.title} — Help")
        self.back_button.setEnabled(bool(self._back))
        self.forward_button.setEnabled(bool(self._forward))
        for item in _leaves(self.list):
            if item.data(0, _DATA_ROLE) == name:
                self.list.setCurrentItem(item)

    # -- search ----------------------------------------------------------------------------------

    def show_matches(self, words: str) -> None:
        """List the lines of all pages that contain the text `words`; if it has fewer than 2 characters, list the pages instead."""
        self._lines = self._lines or {name: lines_of(page) for name, page in help_pages().items()}  # 25 ms, once
        words = words.strip()
        found = list(search(words, self._lines)) if len(words) >= _FEWEST else []
        self.results.clear()
        for name, page in help_pages().items():
            lines = [match for match in found if match.page == name]
            if lines:
                head = _heading(self.results, page.title)
                for match in lines:
                    _entry(head, _excerpt(match), match, match.line)
        self.results.expandAll()
        self.lists.setCurrentWidget(self.results if len(words) >= _FEWEST else self.list)
        self.count.setText(f"{len(found):,} line{'' if len(found) == 1 else 's'}" if found else "No matches")
        self.count.setVisible(len(words) >= _FEWEST)
        if len(words) < _FEWEST:
            self.browser.clear_highlights()

    def next_match(self, step: int = 1) -> None:
        """Show the next of the listed matches, or with `step` -1 the previous one; the first follows the last; without any, do nothing."""
        items = _leaves(self.results)
        if not items:
            return
        current = self.results.currentItem()
        place = items.index(current) + step if current in items else 0 if step > 0 else -1
        self.results.setCurrentItem(items[place % len(items)])
        self._open_match(items[place % len(items)])

    def _open_match(self, item: QTreeWidgetItem) -> None:
        match: Match | None = item.data(0, _DATA_ROLE)
        if match is None:
            return
        if match.page != self._target.partition("#")[0]:
            self.go_to(match.page)
        self.browser.highlight(self.search_field.text().strip(), match.nth)

    # -- layout and keys -------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let Esc clear the search before it closes the window, and Return in the search field go to the next match.

        Shift+Return goes to the previous match.
        """
        if event.key() == Qt.Key.Key_Escape and self.search_field.text():
            self.search_field.clear()
            self.browser.setFocus()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.search_field.hasFocus():
            self.next_match(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        else:
            super().keyPressEvent(event)

    def _bind(self) -> None:
        keys = {
            "Ctrl+F": self._focus_search,
            "F1": lambda: self.go_to(INDEX),
            "Alt+Left": self.back,
            "Alt+Right": self.forward,
        }
        for key, run in keys.items():
            QShortcut(QKeySequence(key), self, run)
        self.search_field.textChanged.connect(self.show_matches)
        self.list.itemClicked.connect(self._open_page)
        self.list.itemActivated.connect(self._open_page)
        self.results.itemClicked.connect(self._open_match)
        self.results.itemActivated.connect(self._open_match)

    def _open_page(self, item: QTreeWidgetItem) -> None:
        if (name := item.data(0, _DATA_ROLE)) is not None:
            self.go_to(name)

    def _focus_search(self) -> None:
        self.search_field.setFocus()
        self.search_field.selectAll()

    def _list_pages(self) -> None:
        heads: dict[str, QTreeWidget | QTreeWidgetItem] = {"": self.list}
        for name, page in help_pages().items():
            if page.section not in heads:
                heads[page.section] = _heading(self.list, page.section)
            _entry(heads[page.section], page.title, name)
        self.list.expandAll()

    def _lay_out(self) -> None:
        self.lists = QStackedWidget()
        self.lists.addWidget(self.list)
        self.lists.addWidget(self.results)
        left, right = QWidget(), QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(8, 8, 4, 8)
        column.addWidget(self.search_field)
        column.addWidget(self.lists, 1)
        column.addWidget(self.count)
        self.count.hide()
        bar = QHBoxLayout()
        bar.addWidget(self.back_button)
        bar.addWidget(self.forward_button)
        bar.addSpacing(10)
        bar.addWidget(self.title, 1)
        page = QVBoxLayout(right)
        page.setContentsMargins(4, 8, 8, 8)
        page.addLayout(bar)
        page.addWidget(self.browser, 1)
        both = QSplitter(self)
        both.addWidget(left)
        both.addWidget(right)
        both.setStretchFactor(1, 1)
        both.setChildrenCollapsible(False)
        both.setSizes([_LEFT_PX, self.width() - _LEFT_PX])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(both)

    def _button(self, text: str, tooltip: str, run: Callable[[], None]) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setToolTip(tooltip)
        button.clicked.connect(lambda _checked=False: run())
        return button


def open_help(target: str, parent: QWidget) -> HelpWindow:
    """Show a help page in the parent's help window, which is opened if necessary, and return the window."""
    window = next(iter(parent.findChildren(HelpWindow)), None) or HelpWindow(parent)
    window.show()
    window.go_to(target)
    window.raise_()
    window.activateWindow()
    window.browser.setFocus()
    return window


def _tree(name: str) -> QTreeWidget:
    tree = QTreeWidget()
    tree.setAccessibleName(name)
    tree.setHeaderHidden(True)
    tree.setRootIsDecorated(False)
    tree.setItemsExpandable(False)
    tree.setIndentation(12)
    tree.setTextElideMode(Qt.TextElideMode.ElideRight)
    return tree


def _heading(tree: QTreeWidget, text: str) -> QTreeWidgetItem:
    item = QTreeWidgetItem(tree, [text])
    item.setFlags(Qt.ItemFlag.ItemIsEnabled)
    item.setSizeHint(0, QSize(0, _HEAD_PX))
    item.setTextAlignment(0, Qt.AlignmentFlag.AlignBottom)
    font = item.font(0)
    font.setBold(True)
    item.setFont(0, font)
    return item


def _entry(parent: QTreeWidget | QTreeWidgetItem, text: str, data: object, tooltip: str = "") -> None:
    item = QTreeWidgetItem(parent, [text])
    item.setData(0, _DATA_ROLE, data)
    item.setSizeHint(0, QSize(0, _ROW_PX))
    item.setToolTip(0, tooltip)


def _leaves(tree: QTreeWidget) -> list[QTreeWidgetItem]:
    tops = [tree.topLevelItem(row) for row in range(tree.topLevelItemCount())]
    rows = [[top, *(top.child(row) for row in range(top.childCount()))] for top in tops if top is not None]
    return [item for row in rows for item in row if item is not None and item.data(0, _DATA_ROLE) is not None]


def _excerpt(match: Match) -> str:
    """The line of a match, from the start of a word at least 18 characters before the match on, without repeated spaces."""
    start = match.line.rfind(" ", 0, max(0, match.start - _BEFORE)) + 1 if match.start > _BEFORE else 0
    return ("… " if start else "") + " ".join(match.line[start:].split())
