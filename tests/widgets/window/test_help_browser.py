"""One help page on the screen: links, anchors, pictures and highlights."""

from __future__ import annotations

import re

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt, QUrl
from PySide6.QtGui import QImage, QPalette, QTextCursor, QTextDocument, QTextImageFormat
from PySide6.QtWidgets import QApplication

from rendering.style.theme import load_theme
from tests.markdown import help_pages as files
from widgets.parts.qt_palette import palette_of
from widgets.window.help_browser import HelpBrowser, lines_of
from widgets.window.help_style import blocks, fragments
from widgets.window.help_texts import help_pages, search

PAGES = help_pages()
WITH_PICTURES = [name for name, page in PAGES.items() if "](pictures/" in page.text]


@pytest.fixture
def followed() -> list[str]:
    return []


@pytest.fixture
def browser(qtbot, followed: list[str]) -> HelpBrowser:
    browser = HelpBrowser(followed.append)
    qtbot.addWidget(browser)
    browser.resize(860, 700)
    with qtbot.waitExposed(browser):
        browser.show()
    return browser


def pictures(browser: HelpBrowser) -> list[QTextImageFormat]:
    return [
        each.charFormat().toImageFormat()
        for block in blocks(browser.document())
        for each in fragments(block)
        if each.charFormat().isImageFormat()
    ]


def resource(browser: HelpBrowser, name: str) -> QImage:
    image = browser.document().resource(QTextDocument.ResourceType.ImageResource.value, QUrl(name))
    assert isinstance(image, QImage)
    return image


def heading_top(browser: HelpBrowser) -> int:
    """Where the heading at the text cursor lies in the viewport."""
    return browser.cursorRect(browser.textCursor()).top()


def link_positions(browser: HelpBrowser) -> list[tuple[int, str]]:
    return [
        (each.position(), each.charFormat().anchorHref())
        for block in blocks(browser.document())
        for each in fragments(block)
        if each.charFormat().isAnchor()
    ]


# -- anchors -------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", files(), ids=lambda file: file.path.stem)
def test_each_heading_of_a_page_has_its_anchor(browser: HelpBrowser, file) -> None:
    browser.show_page(PAGES[file.path.name])
    assert browser.anchors == file.anchors


def test_a_heading_is_brought_to_the_top(browser: HelpBrowser) -> None:
    browser.show_page(PAGES["values.md"])
    browser.scroll_to("tpo")
    assert browser.textCursor().block().text() == "TPO"
    assert 0 < heading_top(browser) < 60


def test_another_page_begins_at_its_top(browser: HelpBrowser) -> None:
    browser.show_page(PAGES["values.md"])
    browser.scroll_to("tpo")
    browser.show_page(PAGES["alerts.md"])
    assert browser.verticalScrollBar().value() == 0


# -- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAGES)
def test_a_click_on_each_link_follows_it(qtbot, browser: HelpBrowser, followed: list[str], name: str) -> None:
    browser.show_page(PAGES[name])
    links = link_positions(browser)
    for position, _ in links:
        cursor = QTextCursor(browser.document())
        cursor.setPosition(position)
        browser.setTextCursor(cursor)
        browser.ensureCursorVisible()
        place = browser.cursorRect(cursor).center() + QPoint(4, 0)
        qtbot.mouseClick(browser.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert followed == [target for _, target in links]
    written = re.findall(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)", PAGES[name].text)
    assert len(links) >= len(written) and {target for _, target in links} == set(written)


# -- pictures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WITH_PICTURES)
def test_each_picture_is_there_and_fits_the_page(browser: HelpBrowser, name: str) -> None:
    browser.show_page(PAGES[name])
    shown = pictures(browser)
    assert [look.name() for look in shown] == re.findall(r"!\[[^\]]*\]\((pictures/[^)]+)\)", PAGES[name].text)
    for look in shown:
        image = resource(browser, look.name())
        assert image.width() == look.width() == browser.viewport().width() - 56
        assert look.height() == image.height() > 300
    assert browser.horizontalScrollBar().maximum() == 0


def test_pictures_follow_the_width_and_are_never_enlarged(browser: HelpBrowser) -> None:
    browser.show_page(PAGES["footprint.md"])
    widths = []
    for width in (500, 860, 1600):
        browser.resize(width, 700)
        widths.append({look.width() for look in pictures(browser)})
    assert widths[0] == {browser_width(browser, 500)} and widths[1] == {browser_width(browser, 860)}
    assert widths[2] == {940.0, 900.0}  # a wide window has a wide margin; one picture is 900 pixels wide
    assert all(resource(browser, look.name()).width() == look.width() for look in pictures(browser))


def browser_width(browser: HelpBrowser, width: int) -> int:
    return width - browser.verticalScrollBar().width() - 56


def test_pictures_are_sharp_on_a_dense_screen(browser: HelpBrowser, monkeypatch) -> None:
    monkeypatch.setattr(browser, "devicePixelRatioF", lambda: 1.2)
    browser.show_page(PAGES["footprint.md"])
    (first, *_) = pictures(browser)
    assert resource(browser, first.name()).width() == round(1.2 * first.width())


def test_nothing_but_pictures_is_loaded(browser: HelpBrowser) -> None:
    kind = QTextDocument.ResourceType.ImageResource.value
    assert browser.loadResource(kind, QUrl("https://example.com/x.png")) is None
    assert browser.loadResource(kind, QUrl("/etc/hostname")) is None


# -- matches -------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", ["value area", "CVD", "tapeprint", "%", "×"])
def test_each_match_of_a_search_is_the_one_highlighted(browser: HelpBrowser, words: str) -> None:
    lines = {name: lines_of(page) for name, page in PAGES.items()}
    matches = list(search(words, lines))
    assert matches
    for match in matches:
        if browser.page is not PAGES[match.page]:
            browser.show_page(PAGES[match.page])
        browser.highlight(words, match.nth)
        cursor = browser.textCursor()
        assert cursor.block().text().replace("\xa0", " ") == match.line
        assert cursor.positionInBlock() == match.start
        assert browser.viewport().rect().contains(browser.cursorRect().center())


def test_all_matches_of_a_page_are_marked_until_cleared(browser: HelpBrowser) -> None:
    browser.show_page(PAGES["values.md"])
    browser.highlight("tie", 1)
    selections = browser.extraSelections()
    grounds = [selection.format.background().color() for selection in selections]
    assert {selection.cursor.selectedText().lower() for selection in selections} == {"tie"}
    assert grounds[1] == browser.palette().color(QPalette.ColorRole.Highlight) and grounds.count(grounds[1]) == 1
    browser.clear_highlights()
    assert browser.extraSelections() == []


# -- themes --------------------------------------------------------------------------------------


def test_another_theme_recolours_the_page_and_leaves_it_where_it_was(qtbot, browser: HelpBrowser) -> None:
    browser.setPalette(palette_of(load_theme("dark", "blue-orange")))
    browser.show_page(PAGES["profiles.md"])
    browser.scroll_to("undo")
    place = browser.verticalScrollBar().value()
    light = palette_of(load_theme("light", "blue-orange"))
    browser.setPalette(light)
    QApplication.sendPostedEvents(browser, QEvent.Type.PaletteChange.value)
    inks = {
        each.charFormat().foreground().color().name()
        for block in blocks(browser.document())
        for each in fragments(block)
        if each.charFormat().isAnchor()
    }
    assert inks == {light.color(QPalette.ColorRole.Link).name()}
    assert browser.verticalScrollBar().value() == place > 0
