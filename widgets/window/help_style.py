"""Styles for a help page: the margins, theme colours and padding around code that Qt's Markdown does not have."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontDatabase,
    QPalette,
    QTextBlock,
    QTextBlockFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFragment,
    QTextFrameFormat,
    QTextTable,
    QTextTableFormat,
)

_TEXT_PX = 14
_CODE_PX = 12
_HEADING_PX = {1: 26, 2: 19, 3: 16}
_LINE_PERCENT = 135.0
_PROPORTIONAL = QTextBlockFormat.LineHeightTypes.ProportionalHeight.value
_PANEL, CODE_SHARE, _EDGE = 0.05, 0.09, 0.18
"""Shares of the text colour in the background of code blocks and table headers, in that of inline code, and in borders."""


def style_page(document: QTextDocument, palette: QPalette) -> None:
    """Set the fonts, spacing and colours of a help page; the colours are those of a palette."""
    font = QFont(document.defaultFont())
    font.setPixelSize(_TEXT_PX)
    document.setDefaultFont(font)
    for block in list(blocks(document)):
        _style_block(block, palette)
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            _style_table(frame, palette)
    for first, last in _code_ranges(document):
        _frame_code(document, first, last, palette)


def blocks(document: QTextDocument) -> Iterator[QTextBlock]:
    """The text blocks of a document, from top to bottom."""
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()


def fragments(block: QTextBlock) -> Iterator[QTextFragment]:
    """The fragments of a text block, in order: parts of its text that have one format each."""
    place = block.begin()
    while not place.atEnd():
        yield place.fragment()
        place += 1


def mixed(palette: QPalette, share: float, role: QPalette.ColorRole = QPalette.ColorRole.Text) -> QColor:
    """A palette's background colour mixed with a share, 0 to 1, of its text colour, or of another role's colour."""
    ground, ink = palette.color(QPalette.ColorRole.Base), palette.color(role)
    pairs = (ground.red(), ink.red()), (ground.green(), ink.green()), (ground.blue(), ink.blue())
    return QColor(*(round((1 - share) * under + share * over) for under, over in pairs))


def _style_block(block: QTextBlock, palette: QPalette) -> None:
    QTextCursor(block).mergeBlockFormat(_spaces(block))
    level = block.blockFormat().headingLevel()
    for place, length, ink in [(each.position(), each.length(), each.charFormat()) for each in fragments(block)]:
        if ink.isImageFormat():
            continue
        in_code = _is_code(block)
        is_code = in_code or ink.fontFixedPitch()
        if ink.isAnchor():
            ink.setForeground(palette.link())
            ink.setFontUnderline(True)
        if is_code:  # not the chart's font, whose ligatures turn -- and >= into other signs
            ink.setFontFamilies([QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).family()])
        if is_code and not in_code and not level:
            ink.setBackground(mixed(palette, CODE_SHARE))
        ink.clearProperty(QTextFormat.Property.FontSizeAdjustment)  # it would win over the size
        ink.setProperty(QTextFormat.Property.FontPixelSize, _HEADING_PX[level] if level else _CODE_PX if is_code else _TEXT_PX)
        cursor = QTextCursor(block)
        cursor.setPosition(place)
        cursor.setPosition(place + length, QTextCursor.MoveMode.KeepAnchor)
        cursor.setCharFormat(ink)


def _spaces(block: QTextBlock) -> QTextBlockFormat:
    """The margins and line height to set for a text block; none in tables and code blocks, which use those of Qt."""
    spaces = QTextBlockFormat()
    if level := block.blockFormat().headingLevel():
        above, below = 0 if level == 1 else 1.3 * _HEADING_PX[level], 8
    elif any(each.charFormat().isImageFormat() for each in fragments(block)):
        above, below = 8, 12
    elif _is_code(block) or QTextCursor(block).currentTable() is not None:  # pyright: ignore[reportUnnecessaryComparison]
        return spaces
    else:
        above, below = (6, 8) if block.textList() is None else (2, 2)  # pyright: ignore[reportUnnecessaryComparison]
        spaces.setLineHeight(_LINE_PERCENT, _PROPORTIONAL)
    spaces.setTopMargin(above)
    spaces.setBottomMargin(below)
    return spaces


def _style_table(table: QTextTable, palette: QPalette) -> None:
    look = QTextTableFormat(table.format())
    look.setBorder(1)
    look.setBorderCollapse(True)
    look.setBorderBrush(mixed(palette, _EDGE))
    look.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    look.setCellPadding(6)
    look.setTopMargin(4)
    look.setBottomMargin(10)
    table.setFormat(look)
    for column in range(table.columns()):
        cell = table.cellAt(0, column)
        shape = cell.format()
        shape.setBackground(mixed(palette, _PANEL))
        cell.setFormat(shape)


def _is_code(block: QTextBlock) -> bool:
    shape = block.blockFormat()
    return shape.hasProperty(QTextFormat.Property.BlockCodeFence) or shape.nonBreakableLines()


def _code_ranges(document: QTextDocument) -> list[tuple[int, int]]:
    """Start and end positions of each group of consecutive code lines, the last group first."""
    runs: list[tuple[int, int]] = []
    for block in blocks(document):
        if _is_code(block):
            end = block.position() + block.length() - 1
            previous = block.previous()
            if runs and previous.isValid() and _is_code(previous):
                runs[-1] = runs[-1][0], end
            else:
                runs.append((block.position(), end))
    return runs[::-1]


def _frame_code(document: QTextDocument, first: int, last: int, palette: QPalette) -> None:
    look = QTextFrameFormat()
    look.setBackground(QBrush(mixed(palette, _PANEL)))
    look.setBorder(1)
    look.setBorderBrush(mixed(palette, _EDGE))
    look.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
    look.setPadding(8)
    look.setTopMargin(2)
    look.setBottomMargin(8)
    cursor = QTextCursor(document)
    cursor.setPosition(first)
    cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
    cursor.insertFrame(look)
    # Qt leaves an empty line above and below the frame
    thin = QTextBlockFormat()
    thin.setLineHeight(1, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
    inside = cursor.currentFrame()
    for position in (inside.firstPosition() - 1, inside.lastPosition() + 1):
        block = document.findBlock(position)
        if not block.text():
            QTextCursor(block).setBlockFormat(thin)
