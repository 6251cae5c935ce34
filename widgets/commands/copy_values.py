"""Commands that copy the price or the time at a point of the chart as plain text."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtGui import QGuiApplication

from app.market.times import timestamp_text
from rendering.scene.chart_point import ChartPoint
from rendering.scene.scene import ChartScene
from widgets.chart.chart_menu import MenuEntry


class CopyCommands:
    """Commands to copy the price or the time at a point of the chart to the clipboard.

    The copy command calls `copy_price` while no Why? panel is open, see `WhyCommands`.

    Parameters
    ----------
    scene : callable
        Returns the chart in view, None if there is none.
    say : callable
        Shows a text in the status bar.
    """

    def __init__(self, scene: Callable[[], ChartScene | None], say: Callable[[str], None]) -> None:
        self._scene, self._say = scene, say

    def copy_price(self) -> None:
        """Copy the price under the mouse, else the last price; do nothing if the chart has no bars."""
        scene = self._scene()
        if scene is not None and scene.chart.series.n_bars:
            ticks = scene.cursor_ticks()
            self._copy(scene.chart.series.grid.text(int(scene.chart.series.close[-1]) if ticks is None else ticks))

    def menu_entries(self, spot: ChartPoint) -> list[MenuEntry]:
        """Menu entries to copy the price at a point and the start time of the bar there, as far as the point has them."""
        scene = self._scene()
        found: list[MenuEntry] = []
        if scene is not None and spot.price_ticks is not None:
            price = scene.chart.series.grid.text(spot.price_ticks)
            found.append(MenuEntry(f"Copy price {price}", lambda: self._copy(price), "Ctrl+C"))
        if spot.time_ns is not None:
            time = f"{timestamp_text(spot.time_ns)} UTC"
            found.append(MenuEntry(f"Copy time {time}", lambda: self._copy(time)))
        return found

    def _copy(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self._say(f"Copied {text}")
