"""The widget that shows one help page: Markdown with anchors at headings, pictures that fit the width, and highlighted matches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QEvent, Qt, QUrl
from PySide6.QtGui import QImage, QPalette, QResizeEvent, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QTextBrowser, QTextEdit, QWidget

from widgets.window.help_style import blocks, fragments, mixed, style_page
from widgets.window.help_texts import HelpPage, anchors, picture

_MARGIN_PX = 28
_WIDEST_PX = 940
"""Lines longer than this are hard to follow; a wider window gets a wider margin."""


class HelpBrowser(QTextBrowser):
    """A widget that shows one help page at a time.

    Parameters
    ----------
    on_link : callable
        Called with the target of a clicked link, as it is written in the page.
    """

    def __init__(self, on_link: Callable[[str], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)  # a bar that appears and disappears would change the width
        self.setAccessibleName("Help page")
        self.page: HelpPage | None = None
        self._shown: QTextDocument | None = None
        self._anchors: dict[str, int] = {}
        self._pictures: dict[str, QImage] = {}
        self._places: list[tuple[int, str]] = []

        def follow(url: QUrl) -> None:
            on_link(url.url())

        self.anchorClicked.connect(follow)

    def show_page(self, page: HelpPage) -> None:
        """Show a page, scrolled to the top and without highlights."""
        document = QTextDocument(self)  # laid out once, when it is complete
        document.setUndoRedoEnabled(False)
        document.setDefaultFont(self.font())
        document.setMarkdown(page.text)
        style_page(document, self.palette())
        headings = [block for block in blocks(document) if block.blockFormat().headingLevel()]
        self._anchors = dict(zip(anchors(block.text() for block in headings), (block.position() for block in headings), strict=True))
        self._pictures = {}
        self._places = [
            (each.position(), each.charFormat().toImageFormat().name())
            for block in blocks(document)
            for each in fragments(block)
            if each.charFormat().isImageFormat()
        ]
        self._fit(document)
        self.page = page
        self.setDocument(document)
        if self._shown is not None:
            self._shown.deleteLater()
        self._shown = document
        self.setExtraSelections([])
        self.verticalScrollBar().setValue(0)

    @property
    def anchors(self) -> frozenset[str]:
        """The anchors of the headings on the shown page; empty before a page is shown."""
        return frozenset(self._anchors)

    def scroll_to(self, anchor: str) -> None:
        """Scroll to the heading with this anchor.

        Raises
        ------
        KeyError
            If no heading of the page has it.
        """
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._anchors[anchor])
        self.setTextCursor(cursor)
        top = self.document().documentLayout().blockBoundingRect(cursor.block()).top()
        self.verticalScrollBar().setValue(round(top) - _MARGIN_PX // 2)

    def highlight(self, words: str, nth: int) -> None:
        """Highlight all matches of the text `words` on the page, and scroll to the match with index `nth`, if there is one."""
        found = _matches(self.document(), words)
        selections: list[QTextEdit.ExtraSelection] = []
        for place, cursor in enumerate(found):
            selection = QTextEdit.ExtraSelection()
            look = QTextCharFormat()
            if place == nth:
                look.setBackground(self.palette().highlight())
                look.setForeground(self.palette().highlightedText())
            else:
                look.setBackground(mixed(self.palette(), 0.4, QPalette.ColorRole.Highlight))
            selection.format, selection.cursor = look, cursor
            selections.append(selection)
        self.setExtraSelections(selections)
        if nth < len(found):
            there = QTextCursor(found[nth])
            there.setPosition(there.selectionStart())
            self.setTextCursor(there)
            middle = self.cursorRect().center().y() - self.viewport().height() // 3
            self.verticalScrollBar().setValue(self.verticalScrollBar().value() + middle)

    def clear_highlights(self) -> None:
        """Remove the highlights from the page."""
        self.setExtraSelections([])

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Load a picture of the help folder for Qt; return None for any other resource, so that nothing else is loaded."""
        path = QUrl(name).url()
        return self._picture(path) if path.startswith("pictures/") else None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width() and self.page is not None:
            self._fit(self.document())

    def changeEvent(self, event: QEvent) -> None:
        """Show the page in the new colours after a change of theme, at the same scroll position and without highlights."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange and self.page is not None:
            place = self.verticalScrollBar().value()
            self.show_page(self.page)
            self.verticalScrollBar().setValue(place)

    def _picture(self, path: str) -> QImage:
        if path not in self._pictures:
            self._pictures[path] = QImage.fromData(picture(path))
        return self._pictures[path]

    def _fit(self, document: QTextDocument) -> None:
        """Set the margins of a document and scale its pictures, to fit the current width of the widget."""
        room = self.viewport().width()
        all_of_it = QTextCursor(document)
        all_of_it.beginEditBlock()
        look = document.rootFrame().frameFormat()
        look.setMargin(_MARGIN_PX)
        look.setTopMargin(_MARGIN_PX - 8)
        look.setRightMargin(max(_MARGIN_PX, room - _MARGIN_PX - _WIDEST_PX))
        document.rootFrame().setFrameFormat(look)
        width = max(1, min(room - 2 * _MARGIN_PX, _WIDEST_PX))
        for position, path in self._places:
            self._fit_picture(document, position, path, width)
        all_of_it.endEditBlock()

    def _fit_picture(self, document: QTextDocument, position: int, path: str, width: int) -> None:
        image = self._picture(path)
        width = min(width, image.width())
        pixels = round(width * self.devicePixelRatioF())
        if pixels < image.width():  # Qt would drop pixels, and with them parts of letters
            image = image.scaledToWidth(pixels, Qt.TransformationMode.SmoothTransformation)
        document.addResource(QTextDocument.ResourceType.ImageResource.value, QUrl(path), image)
        cursor = QTextCursor(document)
        cursor.setPosition(position)
        cursor.setPosition(position + 1, QTextCursor.MoveMode.KeepAnchor)
        look = cursor.charFormat().toImageFormat()
        look.setWidth(width)
        look.setHeight(round(width * image.height() / image.width()))
        cursor.setCharFormat(look)


def lines_of(page: HelpPage) -> list[str]:
    """The lines of a page as they are shown, without Markdown syntax."""
    document = QTextDocument()
    document.setMarkdown(page.text)
    return document.toPlainText().split("\n")


def _matches(document: QTextDocument, words: str) -> list[QTextCursor]:
    found: list[QTextCursor] = []
    cursor = document.find(words) if words else QTextCursor()
    while not cursor.isNull():
        found.append(cursor)
        cursor = document.find(words, cursor)
    return found
