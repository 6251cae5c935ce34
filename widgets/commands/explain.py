"""The commands of the Why? panel, which explains a value: by click, by key, or from the context menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QGuiApplication

from app.errors import TapeprintError
from app.explain.answer import Answer, find_trades
from rendering.hit_tests.hit_target import HitTarget
from rendering.scene.chart_point import ChartPoint
from rendering.scene.explanation_placement import bars_in_question, panel_box
from rendering.scene.panel_placement import PanelRect, covers
from rendering.view.frame import Frame
from widgets.chart.chart_menu import MenuEntry
from widgets.chart.chart_view import ChartView
from widgets.panels.explanation import WhyPanel

_SAME_PX = 4.0
MOST_COPIED = 500_000
"""Maximum number of trades to copy: some 20 MB of text, and about a second."""
_IN_MENU = 4
"""Maximum number of values in the context menu."""


class WhyCommands:
    """Commands that explain the value under the mouse, in a panel over the chart.

    `widgets.commands.table` assigns the methods to menu entries and keys.

    An explanation stays as it was when requested, with its trades. If its last bar is still open, it states the time of the last
    trade in it; another request includes the newest trades. The panel moves when it would cover the explained bars, and closes when
    another chart is shown, or when the chart's bars were rebuilt.

    Parameters
    ----------
    view : callable
        Returns the chart view, None if there is no chart.
    say : callable
        Shows a text in the status bar.
    copy_price : callable
        Called by the copy command while no panel is open.
    """

    def __init__(self, view: Callable[[], ChartView | None], say: Callable[[str], None], copy_price: Callable[[], None]) -> None:
        self._view, self._say, self._copy_price = view, say, copy_price
        self.panel: WhyPanel | None = None
        self.answer: Answer | None = None
        self._questions: Sequence[HitTarget] = ()
        self._place = 0
        self._spot = (0.0, 0.0)
        self._explained: tuple[object, ...] = ()
        self._laid_out_for: tuple[object, ...] = ()

    # -- asking ----------------------------------------------------------------------------------

    def click(self, x: float, y: float) -> None:
        """Explain the highlighted value at a point, or the next one there after a repeated click; without one, close the panel."""
        questions = [question for question in self._questions_at(x, y) if question.marked]
        if questions:
            self._ask(questions, x, y)
        else:
            self.close()

    def explain(self) -> None:
        """Explain the value under the mouse, highlighted or not, or the next one there if repeated; without one, only show a hint."""
        view = self._view()
        cursor = view.chart_scene.cursor if view is not None else None
        if cursor is None:
            self._say("Point at a cell, a level or a line first")
            return
        questions = self._questions_at(*cursor)
        if questions:
            self._ask(questions, *cursor)
        else:
            self._say("Nothing to explain at the cursor")

    def menu_entries(self, spot: ChartPoint) -> list[MenuEntry]:
        """Menu entries to explain the values at a point, at most 4; empty if there are none."""
        questions = self._questions_at(spot.x, spot.y)[:_IN_MENU]
        return [
            MenuEntry(f"Why? {question.text}", lambda question=question: self._ask([question], spot.x, spot.y), "" if place else "Y")
            for place, question in enumerate(questions)
        ]

    def next_question(self) -> None:
        """Explain the next value at the point that was explained last; after the last value comes the first."""
        self._place = (self._place + 1) % max(1, len(self._questions))
        self._show()

    # -- the panel -------------------------------------------------------------------------------

    def copy_price(self) -> None:
        """Copy the text selected in the Why? panel, else the trades behind the value as CSV; without a panel, copy the price."""
        if self.panel is None:
            self._copy_price()
        elif self.panel.selected_text:
            QGuiApplication.clipboard().setText(self.panel.selected_text.replace("\u2029", "\n").replace("\u2028", "\n"))
            self._say("Copied the selected text")
        else:
            self.copy_csv()

    def copy_csv(self) -> None:
        """Copy all trades behind the explained value as CSV; if there are none or more than 500,000, only show a message."""
        count = 0 if self.answer is None else len(self.answer.behind.trades)
        if count > MOST_COPIED:
            self._say(f"{count:,} trades are too many for the clipboard (limit {MOST_COPIED:,}). Use `tapeprint export`.")
        elif self.answer is not None and count:
            QGuiApplication.clipboard().setText(self.answer.csv)
            self._say(f"Copied {self.answer.count_text} as CSV")
        else:
            self._say("No trades to copy")

    def close(self) -> bool:
        """Close the Why? panel; return False if none was open."""
        if self.panel is None:
            return False
        self.panel.hide()
        self.panel.deleteLater()
        self.panel, self.answer, self._questions = None, None, ()
        return True

    def follow(self) -> None:
        """Move the Why? panel if it covers the explained bars; close it if the chart or its bars were replaced.

        Called once per screen frame. A new layout or theme also lays out the panel again.
        """
        view, answer_now = self._view(), self.answer
        if self.panel is None or answer_now is None:
            return
        frame = view.chart_scene.frame if view is not None else None
        if frame is None or self._explained != _identity(frame):
            self.close()
            return
        if self._laid_out_for == (frame.viewport, frame.layout, frame.theme):
            return
        changed_look = self._laid_out_for[1:] != (frame.layout, frame.theme)
        panel = self.panel
        box = PanelRect(panel.x(), panel.y(), panel.x() + panel.width(), panel.y() + panel.height())
        if changed_look or covers(box, bars_in_question(frame, answer_now.explanation)):
            self._lay_out(frame)
        self._laid_out_for = frame.viewport, frame.layout, frame.theme

    # -- helpers ---------------------------------------------------------------------------------

    def _questions_at(self, x: float, y: float) -> list[HitTarget]:
        view = self._view()
        frame = view.chart_scene.frame if view is not None else None
        return [] if view is None or frame is None else view.chart_scene.layers.hits(frame, x, y)

    def _ask(self, questions: Sequence[HitTarget], x: float, y: float) -> None:
        near = abs(x - self._spot[0]) <= _SAME_PX and abs(y - self._spot[1]) <= _SAME_PX
        again = self.panel is not None and near and len(questions) == len(self._questions) > 1
        self._place = (self._place + 1) % len(questions) if again else 0
        self._questions, self._spot = questions, (x, y)
        self._show()

    def _show(self) -> None:
        view = self._view()
        frame = view.chart_scene.frame if view is not None else None
        if view is None or frame is None or not self._questions:
            return
        try:
            self.answer = find_trades(frame.chart, self._questions[self._place].ask())
        except TapeprintError as error:  # the bar in question no longer exists
            self._say(error.user_message)
            self.close()
            return
        if self.panel is None or self.panel.parent() is not view:
            self.panel = WhyPanel(frame.theme, self.copy_csv, self.next_question, self.close, view)
        self._explained, self._laid_out_for = _identity(frame), (frame.viewport, frame.layout, frame.theme)
        self._lay_out(frame)
        self.panel.show()
        self.panel.raise_()

    def _lay_out(self, frame: Frame) -> None:
        assert self.panel is not None and self.answer is not None
        room = QSize(frame.layout.plot_right - 8, frame.layout.time_axis.top - 8)
        self.panel.show_answer(self.answer, (self._place, len(self._questions)), frame.theme, room)
        size = float(self.panel.width()), float(self.panel.height())
        box = panel_box(frame, self.answer.explanation, size, self._spot)
        self.panel.move(QPoint(int(box.left), int(box.top)))


def _identity(frame: Frame) -> tuple[object, ...]:
    return frame.chart, frame.chart.series
