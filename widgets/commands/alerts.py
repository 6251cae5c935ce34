"""Commands for alerts, and the announcement of alerts that fire."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QSystemTrayIcon, QWidget

from app.alerts.alert import Alert, AlertSpec, FiredAlert
from app.market.times import clock_text
from app.workspace import Workspace
from rendering.scene.chart_point import ChartPoint
from rendering.scene.scene import ChartScene
from widgets.chart.alert_drag import AlertDrag
from widgets.chart.chart_menu import MenuEntry
from widgets.dialogs.alert import AlertDialog
from widgets.panels.alerts import AlertPanel
from widgets.parts.sounds import Sounds

_log = structlog.get_logger(__name__)

_SOUND_EVERY_S = 1.0
_NEAR_PX, _MOST_NEAR = 6.0, 4


class AlertCommands:
    """Commands to set, list, edit and delete alerts, and the announcement of alerts that fire.

    `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    window : QWidget
    workspace : Workspace
    scene : callable
        Returns the chart in view, None if there is none.
    say : callable
        Shows a text in the status bar.
    """

    def __init__(self, window: QWidget, workspace: Workspace, scene: Callable[[], ChartScene | None], say: Callable[[str], None]) -> None:
        self._window, self._workspace, self._scene, self._say = window, workspace, scene, say
        self._tray: QSystemTrayIcon | None = None
        self._sounded_s: dict[int, float] = {}
        self.sounds = Sounds()
        self.handle = AlertDrag(workspace.alerts, scene, say)

    def add_alert(self) -> None:
        """Add a price alert at the price under the mouse, else at the last price; do nothing without a chart with bars."""
        if (ticks := self._price()) is not None:
            self._say(self._workspace.alerts.add_at(ticks))

    def delete_alert(self) -> None:
        """Delete the armed price alert nearest to the price under the mouse, else to the last price; do nothing without bars."""
        if (ticks := self._price()) is not None:
            self._say(self._workspace.alerts.delete_nearest(ticks))

    def new_alert(self) -> None:
        """Open the dialog for a new alert with the price under the mouse, else the last price; without bars, only show a message."""
        scene, ticks = self._scene(), self._price()
        if scene is None or ticks is None:
            self._say("No chart loaded yet")
        else:
            self._edit(AlertSpec(value=scene.chart.series.grid.text(ticks)))

    def show_alerts(self) -> None:
        """Open the panel with all alerts and the alert log."""
        AlertPanel(self._workspace.alerts, self._scene, self._edit_alert, self._say, self._window).show()

    def menu_entries(self, spot: ChartPoint) -> list[MenuEntry]:
        """Menu entries to set an alert at a point's price or on lines and levels near it, and to delete the nearest price alert.

        At most the 4 nearest lines and levels. Empty if the point has no price; without the last entry if the chart shows no alerts.
        """
        scene, ticks, desk = self._scene(), spot.price_ticks, self._workspace.alerts
        if scene is None or ticks is None:
            return []
        price = scene.chart.series.grid.text(ticks)
        found = [MenuEntry(f"Alert at {price}", lambda: self._say(desk.add_at(ticks)), "Alt+A")]
        found.append(MenuEntry(f"Alert at {price}…", lambda: self._edit(AlertSpec(value=price)), "Ctrl+A"))
        for subject, _ in desk.near(scene.viewport.ticks_at(spot.y) - 0.5, _NEAR_PX / scene.viewport.tick_px)[:_MOST_NEAR]:
            wish = AlertSpec(subject=subject)
            found.append(MenuEntry(f"Alert on {desk.text_of(subject)}…", lambda wish=wish: self._edit(wish)))
        if scene.chart.alert_lines:
            found.append(MenuEntry("Delete nearest alert", lambda: self._say(desk.delete_nearest(ticks)), "Shift+Alt+A"))
        return found

    def announce(self) -> None:
        """Update the alert lines; announce alerts that fired since the last call by text, sound and system notification.

        Each alert sounds at most once a second; of several alerts, only the last one sounds and is shown in full.
        """
        desk = self._workspace.alerts
        desk.show()
        if not (fired_now := desk.book.unannounced()):
            return
        for fired in fired_now:
            _log.info("alert", text=fired_text(fired))
        text = fired_text(fired_now[-1]) + (f" (and {len(fired_now) - 1:,} more)" if len(fired_now) > 1 else "")
        self._say(f"! {text}")
        now_s = time.monotonic()
        audible = [fired for fired in fired_now if now_s - self._sounded_s.get(fired.alert, 0.0) >= _SOUND_EVERY_S]
        if audible:  # a price that crosses a line repeatedly sounds once, not a hundred times
            self._sounded_s |= {fired.alert: now_s for fired in audible}
            self.sounds.play(audible[-1].sound)
            self._notify(text)
        desk.book.note_announced()

    def _edit_alert(self, alert: Alert | None) -> None:
        if alert is None:
            self.new_alert()
        elif self._workspace.alerts.instrument is None or self._workspace.alerts.instrument.id != alert.instrument:
            self._say(f"Open {alert.instrument} to edit alert {alert.number}")
        else:
            self._edit(alert.spec, alert.number)

    def _edit(self, wish: AlertSpec, number: int | None = None) -> None:
        AlertDialog(self._workspace.alerts, wish, number, self._say, self.sounds.play, self._window).show()

    def _price(self) -> int | None:
        scene = self._scene()
        if scene is None or not scene.chart.series.n_bars:
            return None
        ticks = scene.cursor_ticks()
        return int(scene.chart.series.close[-1]) if ticks is None else ticks

    def _notify(self, text: str) -> None:
        """Show a system notification, if the system supports notifications."""
        if not QSystemTrayIcon.isSystemTrayAvailable() or not QSystemTrayIcon.supportsMessages():
            return
        if self._tray is None:
            icon = self._window.windowIcon()
            self._tray = QSystemTrayIcon(icon if not icon.isNull() else QIcon(self._window.grab().scaled(64, 64)), self._window)
            self._tray.show()
        self._tray.showMessage("Tapeprint", text)


def fired_text(fired: FiredAlert) -> str:
    """A fired alert in one line: its text, its time in UTC, and a note if it was checked late."""
    return f"{fired.text} at {clock_text(fired.time_ns, seconds=True)} UTC{' (checked late)' if fired.late else ''}"
