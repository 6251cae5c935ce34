"""PySide6 6.12.0 under Python 3.11 loses a reference to None on each void call, until the process aborts."""

from __future__ import annotations

import sys

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

_CALLS = 4000
_SLACK = 400  # other objects come and go; the bug would cost thousands


def test_void_calls_of_the_painter_keep_their_references_to_none(qtbot: QtBot) -> None:
    image = QImage(16, 16, QImage.Format.Format_ARGB32_Premultiplied)
    painter = QPainter(image)
    colour = QColor("black")
    before = sys.getrefcount(None)
    for _ in range(_CALLS):
        painter.save()
        painter.fillRect(0, 0, 4, 4, colour)
        painter.restore()
    after = sys.getrefcount(None)
    painter.end()
    assert abs(after - before) < _SLACK


def test_timer_events_keep_their_references_to_none(qtbot: QtBot) -> None:
    class Ticker(QObject):
        ticks = 0

        def tick(self) -> None:
            self.ticks += 1

    ticker = Ticker()
    timer = QTimer(ticker)
    timer.timeout.connect(ticker.tick)
    before = sys.getrefcount(None)
    timer.start(0)
    qtbot.waitUntil(lambda: ticker.ticks >= _CALLS, timeout=20_000)
    timer.stop()
    assert abs(sys.getrefcount(None) - before) < _SLACK
