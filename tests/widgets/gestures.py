"""Mouse gestures as Qt delivers them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from widgets.chart.chart_view import ChartView

NONE, SHIFT, CTRL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton


def wheel(view: ChartView, x: float, y: float, notches: float, keys: Qt.KeyboardModifier = NONE, *, sideways: bool = False) -> None:
    place = QPointF(x, y)
    turned = round(120 * notches)
    angle = QPoint(turned, 0) if sideways else QPoint(0, turned)
    event = QWheelEvent(
        place, view.viewport().mapToGlobal(place), QPoint(), angle, Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False
    )
    QApplication.sendEvent(view.viewport(), event)


def drag(
    view: ChartView,
    start: tuple[float, float],
    end: tuple[float, float],
    button: Qt.MouseButton = LEFT,
    keys: Qt.KeyboardModifier = NONE,
) -> None:
    press, move, release = QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonRelease
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    none = Qt.MouseButton.NoButton
    for kind, place, changed, held in (
        (press, start, button, button),
        (move, middle, none, button),
        (move, end, none, button),
        (release, end, button, none),
    ):
        _mouse(view, kind, place, changed, held, keys)


def hover(view: ChartView, x: float, y: float) -> None:
    _mouse(view, QEvent.Type.MouseMove, (x, y), Qt.MouseButton.NoButton, Qt.MouseButton.NoButton)


def double_click(view: ChartView, x: float, y: float) -> None:
    _mouse(view, QEvent.Type.MouseButtonDblClick, (x, y), LEFT, LEFT)
    _mouse(view, QEvent.Type.MouseButtonRelease, (x, y), LEFT, Qt.MouseButton.NoButton)


def _mouse(
    view: ChartView,
    kind: QEvent.Type,
    at: tuple[float, float],
    button: Qt.MouseButton,
    held: Qt.MouseButton,
    keys: Qt.KeyboardModifier = NONE,
) -> None:
    place = QPointF(*at)
    QApplication.sendEvent(view.viewport(), QMouseEvent(kind, place, view.viewport().mapToGlobal(place), button, held, keys))
