"""A help page has the theme's colours, and code and tables that can be told from text."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette, QTextCursor, QTextDocument, QTextFormat, QTextTable

from rendering.style.colour import Colour, contrast
from rendering.style.theme import load_theme, theme_names
from widgets.parts.qt_palette import palette_of
from widgets.window.help_style import CODE_SHARE, blocks, fragments, mixed, style_page

TEXT = """# Title

Text with `code` and a [link](values.md).

- an entry

```
tapeprint demo
tapeprint doctor
```

## Section

| Key | Effect |
|---|---|
| `A` | anchors |
"""


def colour(of: QColor) -> Colour:
    return Colour(of.red(), of.green(), of.blue())


@pytest.fixture
def palette(qapp) -> QPalette:
    return palette_of(load_theme("dark", "blue-orange"))


@pytest.fixture
def document(palette: QPalette) -> QTextDocument:
    document = QTextDocument()
    document.setMarkdown(TEXT)
    style_page(document, palette)
    return document


def format_of(document: QTextDocument, text: str):
    return next(each.charFormat() for block in blocks(document) for each in fragments(block) if each.text() == text)


def size_px(look) -> int:
    return look.property(QTextFormat.Property.FontPixelSize)


def test_headings_are_larger_than_text(document: QTextDocument) -> None:
    assert [size_px(format_of(document, text)) for text in ("Title", "Section", "Text with ")] == [26, 19, 14]


def test_links_have_the_colour_of_the_palette_and_a_line(document: QTextDocument, palette: QPalette) -> None:
    look = format_of(document, "link")
    assert look.anchorHref() == "values.md" and look.fontUnderline()
    assert look.foreground().color() == palette.color(QPalette.ColorRole.Link)


def test_code_in_a_line_has_a_ground_of_its_own(document: QTextDocument) -> None:
    assert format_of(document, "code").background().style() is Qt.BrushStyle.SolidPattern
    assert format_of(document, "Text with ").background().style() is Qt.BrushStyle.NoBrush


def test_a_block_of_code_lies_in_one_frame(document: QTextDocument) -> None:
    cursors = [QTextCursor(block) for block in blocks(document) if block.text().startswith("tapeprint")]
    frames = {id(document.rootFrame()): 0} | {cursor.currentFrame().firstPosition(): 1 for cursor in cursors}
    assert len(cursors) == 2 and list(frames.values()) == [0, 1]
    assert cursors[0].currentFrame().frameFormat().padding() == 8


def test_the_head_of_a_table_has_a_ground_of_its_own(document: QTextDocument) -> None:
    (table,) = [frame for frame in document.rootFrame().childFrames() if isinstance(frame, QTextTable)]
    grounds = [table.cellAt(row, 0).format().background().style() for row in (0, 1)]
    assert grounds == [Qt.BrushStyle.SolidPattern, Qt.BrushStyle.NoBrush]


@pytest.mark.parametrize("theme", theme_names())
def test_text_on_code_can_be_read_in_each_theme(qapp, theme: str) -> None:
    palette = palette_of(load_theme(theme, "blue-orange"))
    text, ground = palette.color(QPalette.ColorRole.Text), mixed(palette, CODE_SHARE)
    assert contrast(colour(text), colour(ground)) >= 4.5
    assert contrast(colour(palette.color(QPalette.ColorRole.Link)), colour(palette.color(QPalette.ColorRole.Base))) >= 4.5


def test_styling_changes_no_text(qapp, palette: QPalette) -> None:
    document = QTextDocument()
    document.setMarkdown(TEXT)
    before = [line for line in document.toPlainText().split("\n") if line]
    style_page(document, palette)
    assert [line for line in document.toPlainText().split("\n") if line] == before
