"""Commands for the as-of view: pin it at a bar, or return to live.

`ChartView` handles the key K, which shows the view while it is held down.
"""

from __future__ import annotations

from collections.abc import Callable

from rendering.items.as_of import AsOf, as_of_text, closed_ns
from rendering.scene.chart_point import ChartPoint
from rendering.scene.scene import ChartScene
from widgets.chart.chart_menu import MenuEntry

_HINT = "Hold K over the bars to see every value as it stood at that bar's close. Shift+K pins the view."


class AsOfCommands:
    """Commands for the as-of view, the chart as it was known when a bar closed.

    `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    scene : callable
        Returns the chart in view, None if there is none.
    say : callable
        Shows a text in the status bar.
    """

    def __init__(self, scene: Callable[[], ChartScene | None], say: Callable[[str], None]) -> None:
        self._scene, self._say = scene, say

    def hold_moment(self) -> None:
        """Show a hint on how to use the key K, as a menu entry cannot be held down."""
        self._say(_HINT)

    def keep_moment(self) -> None:
        """Pin the as-of view at the close of the bar under the mouse; if it is pinned already, return to live.

        Without a closed bar under the mouse, only show a hint.
        """
        scene = self._scene()
        if scene is None:
            return
        if scene.as_of.kept_ns is not None:
            self._return_to_live(scene)
        elif (bar := scene.pointed_bar()) is None:
            self._say("Point at a bar first")
        else:
            self._pin(scene, bar)

    def menu_entries(self, spot: ChartPoint) -> list[MenuEntry]:
        """The menu entry to pin the as-of view at a point's bar or, if it is pinned, to return to live.

        Empty if it is not pinned and the point has no closed bar.
        """
        scene, bar = self._scene(), spot.bar
        if scene is None:
            return []
        if scene.as_of.kept_ns is not None:
            return [MenuEntry("Back to live", lambda: self._return_to_live(scene), "Shift+K")]
        if bar is None or bar >= int(scene.chart.series.number[-1]):
            return []
        return [MenuEntry("As-of view at this bar's close", lambda: self._pin(scene, bar), "Shift+K")]

    def _pin(self, scene: ChartScene, bar: int) -> None:
        pinned = AsOf(closed_ns(scene.chart.series, bar))
        if pinned.bar(scene.chart.series, None) is None:
            self._say("The current bar has not closed. Point at an earlier bar.")
            return
        scene.as_of = pinned
        scene.refresh()
        if scene.frame is not None:
            self._say(f"{as_of_text(scene.frame).replace('AS OF', 'As of')} (Shift+K to return to live)")

    def _return_to_live(self, scene: ChartScene) -> None:
        scene.as_of.kept_ns = None
        self._say("Back to live")
