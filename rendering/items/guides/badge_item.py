"""A badge that shows that the chart's trades are not live, e.g. replayed or stale, or that the as-of view is on.

A word, a symbol and a colour show the source, so that it can be read without colours too. A border around the panes has the same
colour.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from rendering.items.as_of import as_of_text
from rendering.items.chart_item import ChartItem
from rendering.style.colour import Colour
from rendering.style.text import Labels, qcolor
from rendering.style.theme import Theme
from rendering.view.frame import Frame, once_a_frame
from rendering.view.layout import CHAR_ASPECT, LEGEND_TEXT_PX, LEGEND_TOP, LINE_PX

_WORDS = {"live": "", "stale": "■ STALE", "offline": "✕ OFFLINE", "simulated": "◆ SIMULATED", "replay": "▶ REPLAY"}
_FRAME_PX = 2.0
_RIGHT_PX = 10.0
_PADDING_PX = 7.0


class BadgeItem(ChartItem):
    """The badge at the upper right with a border around the panes, and the notice that explains the mode at the lower right."""

    z = 82.0
    depends_on = frozenset({"bars"})

    def __init__(self) -> None:
        super().__init__()
        self._bold = Labels(LEGEND_TEXT_PX, bold=True)
        self._labels = Labels(LEGEND_TEXT_PX)

    def pane(self, frame: Frame) -> QRectF:
        return QRectF(0, 0, frame.layout.plot_right, frame.layout.time_axis.top)

    def changed(self, old: Frame, new: Frame) -> QRectF | Sequence[QRectF] | None:
        if (old.mode, bool(badge_text(old)), old.as_of is None) != (new.mode, bool(badge_text(new)), new.as_of is None):
            return self.pane(new)  # rare: the feed's state changed, and the frame around the panes with it
        badges = (badge_rect(old), badge_rect(new)) if badge_text(old) != badge_text(new) else ()
        notices = (notice_rect(old), notice_rect(new)) if old.notice != new.notice else ()  # a notice may count seconds
        return (*badges, *notices)

    def draws_nothing(self, frame: Frame) -> bool:
        return not badge_text(frame) and not frame.notice

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        theme = frame.theme
        colour = mode_colour(theme, frame.mode) if frame.as_of is None else theme.text
        text = badge_text(frame)
        if text:
            self._draw_frame(painter, frame, colour)
            rect = badge_rect(frame)
            if rect.intersects(exposed):
                painter.fillRect(rect, qcolor(colour))
                self._bold.draw(painter, rect.center().x(), rect.center().y(), text, theme.ink_on(colour), 0.5)
        if frame.notice and (rect := notice_rect(frame)).intersects(exposed):
            painter.fillRect(rect, qcolor(theme.panel))
            self._labels.draw(painter, rect.left() + _PADDING_PX, rect.center().y(), _fitting(frame.notice, rect), theme.text)

    def _draw_frame(self, painter: QPainter, frame: Frame, colour: Colour) -> None:
        width, height = self.pane(frame).width(), self.pane(frame).height()
        for side in (
            QRectF(0, 0, width, _FRAME_PX),
            QRectF(0, height - _FRAME_PX, width, _FRAME_PX),
            QRectF(0, 0, _FRAME_PX, height),
            QRectF(width - _FRAME_PX, 0, _FRAME_PX, height),
        ):
            painter.fillRect(side, qcolor(colour))


@once_a_frame
def badge_text(frame: Frame) -> str:
    """The badge's text: the as-of moment, if any, then `frame.badge`, or if that is empty the word for `frame.mode`.

    There is no word for the mode `live`: without an as-of moment and a badge, the text is empty.
    """
    word, moment = frame.badge or _WORDS[frame.mode], as_of_text(frame)
    return " · ".join(filter(None, (f"◀ {moment}" if moment else "", word)))


def mode_colour(theme: Theme, mode: str) -> Colour:
    """The colour of a mode: simulated, replay, stale or offline; the colour of live trades for any other mode."""
    return {"simulated": theme.simulated, "replay": theme.replay, "stale": theme.stale, "offline": theme.offline}.get(mode, theme.live)


@once_a_frame
def badge_rect(frame: Frame) -> QRectF:
    """The rectangle of the badge, at the upper right of the price pane; empty if the badge has no text."""
    text = badge_text(frame)
    if not text:
        return QRectF()
    width = len(text) * CHAR_ASPECT * LEGEND_TEXT_PX + 2 * _PADDING_PX
    return QRectF(max(_FRAME_PX, frame.layout.price.right - _RIGHT_PX - width), LEGEND_TOP, width, LINE_PX)


def notice_rect(frame: Frame) -> QRectF:
    """The rectangle of the notice, at the lower right of the price pane; empty if there is no notice."""
    pane = frame.layout.price
    if not frame.notice:
        return QRectF()
    width = min(pane.width - 2 * _RIGHT_PX, len(frame.notice) * CHAR_ASPECT * LEGEND_TEXT_PX + 2 * _PADDING_PX)
    return QRectF(pane.right - _RIGHT_PX - width, pane.bottom - 2 * LINE_PX - 8, width, LINE_PX)


def _fitting(text: str, rect: QRectF) -> str:
    room = int((rect.width() - 2 * _PADDING_PX) / (CHAR_ASPECT * LEGEND_TEXT_PX) + 0.01)
    return text if len(text) <= room else text[: max(0, room - 1)] + "…"
