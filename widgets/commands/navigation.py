"""Commands that move the view of the chart and change nothing else."""

from __future__ import annotations

from collections.abc import Callable

from rendering.scene.scene import ChartScene


class ViewCommands:
    """Commands to zoom, scroll and jump; without a chart they do nothing.

    The table in `widgets.commands.table` picks its methods.

    Parameters
    ----------
    scene : callable
        Returns the chart in view, None if there is none.
    """

    def __init__(self, scene: Callable[[], ChartScene | None]) -> None:
        self._shown = scene

    def zoom_time_in(self) -> None:
        """Make bars wider."""
        self._zoom_time(1.25)

    def zoom_time_out(self) -> None:
        """Make bars narrower."""
        self._zoom_time(0.8)

    def zoom_price_in(self) -> None:
        """Make rows taller."""
        self._zoom_price(1.25)

    def zoom_price_out(self) -> None:
        """Make rows shorter."""
        self._zoom_price(0.8)

    def pan_left(self) -> None:
        """Scroll to older bars."""
        self._pan(120, 0)

    def pan_right(self) -> None:
        """Scroll to newer bars."""
        self._pan(-120, 0)

    def pan_up(self) -> None:
        """Scroll to higher prices."""
        self._pan(0, 80)

    def pan_down(self) -> None:
        """Scroll to lower prices."""
        self._pan(0, -80)

    def go_to_oldest(self) -> None:
        """Jump to the oldest loaded bar, at the left edge."""
        scene = self._shown()
        if scene is not None and scene.chart.series.n_bars:
            scene.set_viewport(scene.viewport.with_bar_at(int(scene.chart.series.number[0]), 0.0))
            scene.sight.fit_price()

    def go_to_newest(self) -> None:
        """Jump to the latest bar and follow it."""
        scene = self._shown()
        if scene is not None:
            scene.sight.go_to_newest()

    def reset_view(self) -> None:
        """Reset zoom to readable cells at the latest bar."""
        if (scene := self._shown()) is not None:
            scene.show_last()

    def _zoom_time(self, factor: float) -> None:
        scene = self._shown()
        if scene is not None:  # the newest bar stays in place while it is followed, else the middle does
            vp = scene.viewport
            x = vp.x(int(scene.chart.series.number[-1]) + 1) if scene.following and scene.chart.series.n_bars else vp.width_px / 2
            scene.set_viewport(vp.zoomed_time(x, factor))

    def _zoom_price(self, factor: float) -> None:
        scene = self._shown()
        if scene is not None:
            scene.set_viewport(scene.viewport.zoomed_price(scene.viewport.height_px / 2, factor))

    def _pan(self, dx: float, dy: float) -> None:
        scene = self._shown()
        if scene is not None:
            scene.set_viewport(scene.viewport.panned(dx, dy))
