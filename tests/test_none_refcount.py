"""PySide6 6.12.0 under Python 3.11 loses a reference to None on each call that returns nothing, until the process aborts."""

from __future__ import annotations

import sys
from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

_CALLS = 1000  # few enough for a process with the bug to outlive the test and say so
_SLACK = 100  # other objects come and go; the bug would cost a thousand or more


def test_calls_of_a_painter_keep_their_references_to_none(qtbot: QtBot) -> None:
    image = QImage(16, 16, QImage.Format.Format_ARGB32_Premultiplied)
    painter = QPainter(image)
    colour = QColor("black")

    def paint() -> None:
        painter.save()
        painter.fillRect(0, 0, 4, 4, colour)
        painter.restore()

    lost = _references_lost(paint)
    painter.end()
    assert lost < _SLACK


def test_calls_of_a_timer_keep_their_references_to_none(qtbot: QtBot) -> None:
    timer = QTimer()

    def start_and_stop() -> None:
        timer.start(10_000)
        timer.stop()

    assert _references_lost(start_and_stop) < _SLACK


def test_calls_of_a_widget_keep_their_references_to_none(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    assert _references_lost(widget.update) < _SLACK


def _references_lost(call: Callable[[], None]) -> int:
    call()
    before = sys.getrefcount(None)
    for _ in range(_CALLS):
        call()
    return before - sys.getrefcount(None)
