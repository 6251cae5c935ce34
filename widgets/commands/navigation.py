"""Commands that move or zoom the view of the chart, and change nothing else."""

from __future__ import annotations

from collections.abc import Callable

from rendering.scene.scene import ChartScene


class ViewCommands:
    """Commands to zoom, scroll and jump; without a chart they do nothing.

    `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    scene : callable
        Returns the chart in view, None if there is none.
    """

    def __init__(self, scene: Callable[[], ChartScene | None]) -> None:
        self._shown = scene

    def zoom_time_in(self) -> None:
        """Make bars 25 % wider, within limits; the latest bar stays in place if the view follows it, else the middle does."""
        self._zoom_time(1.25)

    def zoom_time_out(self) -> None:
        """Make bars 20 % narrower, within limits; the latest bar stays in place if the view follows it, else the middle does."""
        self._zoom_time(0.8)

    def zoom_price_in(self) -> None:
        """Make rows 25 % taller, within limits; the price in the middle of the view stays in place."""
        self._zoom_price(1.25)

    def zoom_price_out(self) -> None:
        """Make rows 20 % shorter, within limits; the price in the middle of the view stays in place."""
        self._zoom_price(0.8)

    def pan_left(self) -> None:
        """Scroll to older bars, by 120 pixels."""
        self._pan(120, 0)

    def pan_right(self) -> None:
        """Scroll to newer bars, by 120 pixels."""
        self._pan(-120, 0)

    def pan_up(self) -> None:
        """Scroll to higher prices, by 80 pixels."""
        self._pan(0, 80)

    def pan_down(self) -> None:
        """Scroll to lower prices, by 80 pixels."""
        self._pan(0, -80)

    def go_to_oldest(self) -> None:
        """Jump to the oldest loaded bar, at the left edge, and fit the prices to the bars in view."""
        scene = self._shown()
        if scene is not None and scene.chart.series.n_bars:
            scene.set_viewport(scene.viewport.with_bar_at(int(scene.chart.series.number[0]), 0.0))
            scene.sight.fit_price()

    def go_to_newest(self) -> None:
        """Jump to the latest bar without a change of zoom, and follow it."""
        scene = self._shown()
        if scene is not None:
            scene.sight.go_to_newest()

    def reset_view(self) -> None:
        """Show and follow the latest bars, zoomed so that their cells are legible."""
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
