"""The window measures the lag of its frames."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from tests.rendering.charts import trade
from tests.widgets.desks import Desk
from widgets.window.help_window import HelpWindow
from widgets.window.main_window import MainWindow


def traded(desk: Desk, ago_ms: float = 0) -> None:
    """A live trade, in the chart and in the lag."""
    assert desk.chart is not None
    desk.trade(trade(59, int(desk.chart.series.close[-1]) + 1))
    now = desk.lag._wall_ns() - round(ago_ms * 1e6)
    desk.lag.took(desk.trades.time_ns[-1:] * 0 + now, [time.monotonic()], 0)


def test_a_trade_counts_when_its_frame_has_been_painted(qtbot: QtBot, window: MainWindow, desk: Desk) -> None:
    traded(desk, ago_ms=40)
    window.frame()
    assert desk.lag.n == 0, "the frame is not painted yet"
    qtbot.waitUntil(lambda: desk.lag.n == 1)
    assert 40 < desk.lag.session.worst < 2_000 and desk.lag.frame.worst > 0


def test_a_frame_without_a_change_counts_nothing(qtbot: QtBot, window: MainWindow, desk: Desk) -> None:
    while window.frame():
        qtbot.wait(1)
    qtbot.wait(20)
    counted = desk.lag._frames.n
    assert not window.frame()
    assert window.view is not None
    window.view.viewport().repaint()
    assert desk.lag._frames.n == counted, "the painting was not that of a frame"


def test_trades_of_a_minimised_window_are_not_counted(qtbot: QtBot, window: MainWindow, desk: Desk) -> None:
    window.showMinimized()
    qtbot.waitUntil(window.isMinimized)
    traded(desk)
    window.frame()
    assert (desk.lag.n, desk.lag.not_shown) == (0, 1)


def test_the_lag_of_the_status_bar_opens_its_help(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.mouseClick(window.status_bar.lag, Qt.MouseButton.LeftButton)
    (page,) = window.findChildren(HelpWindow)
    assert page.target == "performance.md"
    page.close()


def test_without_a_trace_the_surface_is_not_filtered(qtbot: QtBot, window: MainWindow, desk: Desk) -> None:
    assert window.view is not None
    traded(desk)
    window.frame()
    assert window.meter._filtered is None
    window.actions_by_name["record_trace"].trigger()
    window.frame()
    assert window.meter._filtered is window.view.viewport()
    window.view.use_gl(False)  # another surface
    window.frame()
    assert window.meter._filtered is window.view.viewport()
    window.actions_by_name["record_trace"].trigger()
    window.frame()
    assert window.meter._filtered is None
