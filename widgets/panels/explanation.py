"""The Why? panel over the chart, which opens only on request and takes no keyboard focus."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.explain.answer import Answer
from app.explain.explanation import ExplanationLine
from rendering.style.colour import Colour
from rendering.style.text import chart_font
from rendering.style.theme import Theme
from widgets.parts.help_button import HelpButton
from widgets.parts.qt_palette import palette_of

WIDTH_PX = 460
_TEXT_PX = 11
_PADDING_PX = 10


class WhyPanel(QFrame):
    """Panel with the explanation of a value, the trades behind the value, and a button to copy the trades.

    Parameters
    ----------
    theme : Theme
    on_copy, on_next, on_close : callable
        Called by the buttons.
    """

    def __init__(
        self,
        theme: Theme,
        on_copy: Callable[[], object] = lambda: None,
        on_next: Callable[[], object] = lambda: None,
        on_close: Callable[[], object] = lambda: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName("Why")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._theme = theme
        self._help_page = ""
        self.text = QLabel(self)
        self.text.setTextFormat(Qt.TextFormat.RichText)
        self.text.setWordWrap(True)
        self.text.setFont(chart_font(_TEXT_PX))
        self.text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.copy = _button("Copy CSV", "Copy all trades behind this value as CSV (Ctrl+C)", on_copy)
        self.next = _button("", "Next value here (Y)", on_next)
        self.help_button = HelpButton(lambda: self._help_page, self)
        self.help_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.help_button.setFont(chart_font(_TEXT_PX))
        self.close_button = _button("Close", "Close (Esc)", on_close)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.copy)
        buttons.addWidget(self.next)
        buttons.addStretch(1)
        buttons.addWidget(self.help_button)
        buttons.addWidget(self.close_button)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(_PADDING_PX, _PADDING_PX - 2, _PADDING_PX, _PADDING_PX - 2)
        rows.setSpacing(6)
        rows.addWidget(self.text)
        rows.addLayout(buttons)

    def show_answer(self, answer: Answer, place: tuple[int, int], theme: Theme, room: QSize) -> None:
        """Show an explanation and as many of its trades as fit, in a panel no higher than `room` and at most 460 px wide.

        `place` has the index of the explanation at the point, and the number of explanations there.
        """
        self._theme, self._help_page = theme, answer.explanation.help_page
        self.setPalette(palette_of(theme))
        self.copy.setVisible(bool(len(answer.behind.trades)))
        self.next.setText(f"{place[0] + 1} of {place[1]} ▸")
        self.next.setVisible(place[1] > 1)
        width = max(200, min(WIDTH_PX, room.width()))
        for ends in (3, 2, 1, 0):  # on a low chart fewer trades are better than a panel that is cut off
            self.text.setText(answer_html(answer, theme, ends))
            height = self._height(width)
            if height <= room.height():
                break
        self.resize(width, min(height, room.height()))

    @property
    def selected_text(self) -> str:
        """The text that the user has selected with the mouse; empty if none is selected."""
        return self.text.selectedText()

    def _height(self, width: int) -> int:
        layout = self.layout()
        assert layout is not None
        layout.invalidate()
        layout.activate()
        return layout.heightForWidth(width)

    def paintEvent(self, event: QPaintEvent) -> None:
        ground, edge = self._theme.panel._replace(alpha=255), self._theme.panel_edge
        with QPainter(self) as painter:
            painter.setPen(QPen(QColor(*edge), 1))
            painter.setBrush(QColor(*ground))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


def answer_html(answer: Answer, theme: Theme, ends: int = 3) -> str:
    """An explanation as rich text, with the first and last `ends` trades behind it; without trades if `ends` is 0."""
    muted, text = _css(theme.text_muted), _css(theme.text)
    explanation = answer.explanation
    parts = [f"<b style='color:{text}'>{escape(explanation.title)}</b>", _paragraph(escape(explanation.rule), muted)]
    parts.append(_paragraph("<br>".join(_line_html(line, theme) for line in explanation.lines), text))
    if answer.as_of:
        parts.append(_paragraph(escape(answer.as_of), _css(theme.hole_text)))
    if answer.count_text:
        parts.append(_paragraph(escape(answer.count_text), muted))
    if ends:
        trades = "<br>".join(escape(line).replace(" ", "&nbsp;") for line in answer.trade_lines(ends))
        parts.append(_paragraph(trades, text))
    return "".join(parts)


def _line_html(line: ExplanationLine, theme: Theme) -> str:
    """An explanation line as rich text; a condition starts with ✓ if met, else ✗, as colour alone is not enough."""
    if line.met is None:
        return escape(line.text)
    sign, colour = ("✓", theme.live) if line.met else ("✗", theme.text_muted)
    return f"<span style='color:{_css(colour)}'>{sign}</span> {escape(line.text)}"


def _paragraph(html: str, colour: str) -> str:
    return f"<p style='color:{colour}; margin-top:5px; margin-bottom:0px'>{html}</p>"


def _css(colour: Colour) -> str:
    return QColor(*colour[:3]).name()


def _button(text: str, help_text: str, run: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setToolTip(help_text)
    button.setFont(chart_font(_TEXT_PX))
    button.clicked.connect(lambda _checked=False: run())
    return button
