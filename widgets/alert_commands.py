"""Alerts by key, and what is done when one fires."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from app.alerts.alert import Fired
from app.workspace import Workspace
from rendering.scene import ChartScene
from rendering.spot import Spot
from widgets.chart_menu import Entry

_log = structlog.get_logger(__name__)


class AlertCommands:
    """Set and delete alerts at the cursor's price; their names stand in `widgets.actions`.

    Parameters
    ----------
    window : QWidget
    workspace : Workspace
    scene : callable
        The chart that is looked at, None while there is none.
    say : callable
        Puts a line into the status bar.
    """

    def __init__(self, window: QWidget, workspace: Workspace, scene: Callable[[], ChartScene | None], say: Callable[[str], None]) -> None:
        self._window, self._workspace, self._scene, self._say = window, workspace, scene, say
        self._tray: QSystemTrayIcon | None = None

    def add_alert(self) -> None:
        """At the cursor, or at the last price."""
        if (ticks := self._price()) is not None:
            self._say(self._workspace.alerts.add_at(ticks))

    def delete_alert(self) -> None:
        """The one nearest to the cursor, or to the last price."""
        if (ticks := self._price()) is not None:
            self._say(self._workspace.alerts.delete_nearest(ticks))

    def menu_entries(self, spot: Spot) -> list[Entry]:
        """An alert at the price there."""
        scene, ticks = self._scene(), spot.price_ticks
        if scene is None or ticks is None:
            return []
        found = [Entry(f"Alert at {scene.chart.series.grid.text(ticks)}", lambda: self._say(self._workspace.alerts.add_at(ticks)), "Alt+A")]
        if scene.chart.alert_lines:
            found.append(Entry("Delete the nearest alert", lambda: self._say(self._workspace.alerts.delete_nearest(ticks)), "Shift+Alt+A"))
        return found

    def tell(self) -> None:
        """Once a frame: sound, notification and a line for what has fired since the last look."""
        desk = self._workspace.alerts
        desk.show()
        untold = desk.book.untold()
        if not untold:
            return
        for fired in untold:
            text = fired_text(fired)
            _log.info("alert", text=text)
            self._say(f"! {text}")
        more = f" (and {len(untold) - 1:,} more)" if len(untold) > 1 else ""
        QApplication.beep()
        self._notify(fired_text(untold[-1]) + more)
        desk.book.note_told()

    def _price(self) -> int | None:
        scene = self._scene()
        if scene is None or not scene.chart.series.n_bars:
            return None
        ticks = scene.cursor_ticks()
        return int(scene.chart.series.close[-1]) if ticks is None else ticks

    def _notify(self, text: str) -> None:
        """Through the system, where it has a place for it."""
        if not QSystemTrayIcon.isSystemTrayAvailable() or not QSystemTrayIcon.supportsMessages():
            return
        if self._tray is None:
            icon = self._window.windowIcon()
            self._tray = QSystemTrayIcon(icon if not icon.isNull() else QIcon(self._window.grab().scaled(64, 64)), self._window)
            self._tray.show()
        self._tray.showMessage("Tapeprint", text)


def fired_text(fired: Fired) -> str:
    """What has fired, in a line."""
    when = time.strftime("%H:%M:%S", time.gmtime(fired.time_ns / 1e9))
    return f"{fired.text} at {when} UTC{', while nobody watched' if fired.late else ''}"
