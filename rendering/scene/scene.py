"""The chart as a scene of layers, which are refreshed with one frame at a time.

The scene works with and without a widget: `render_image` draws what a widget would show into a `QImage`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import structs
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QGraphicsScene

from app.errors import TapeprintError
from app.settings.calculation import CellStyle
from rendering.items.as_of import AsOf, moment_ns, pointed_bar
from rendering.items.bars.footprint_item import FootprintItem
from rendering.items.chart_item import ChartItem
from rendering.items.layer_stack import LayerStack
from rendering.items.overlays import shown_at_first
from rendering.paint.gl_painter import GlPainter
from rendering.scene.all_layers import LAYERS
from rendering.style.theme import Theme
from rendering.view.chart_panes import ChartPanes
from rendering.view.detail import Detail, detail_for
from rendering.view.frame import Frame, Mode, PainterName
from rendering.view.layout import PaneLayout
from rendering.view.view_state import ViewState
from rendering.view.viewport import Viewport

if TYPE_CHECKING:
    from app.chart.chart import Chart

_SETTLED_FRAMES = 2
"""After this many quiet frames in a row nothing is left to do: what spare time after the first one changed, the second one would draw."""


class ChartScene(QGraphicsScene):
    """All layers of one chart, with its view, colours and painter.

    Parameters
    ----------
    chart : Chart
        The chart to show; it may still be empty, then the view is fitted when the first bars arrive.
    theme : Theme
        Colours.
    width, height : float
        Size in logical pixels.
    dpr : float
        Device pixels per logical pixel; `resize` changes it.
    layers : sequence of callables that return a ChartItem
        The layers; all of them by default.

    Attributes
    ----------
    sight : ViewState
        The visible bars and prices, and how they move with the market.
    layers : LayerStack
        The layers, and the names of the overlays that are shown.
    frame : Frame or None
        The newest frame that was passed to the layers; None before the first.
    frames : int
        Number of frames built, for tests and the status bar.
    cursor : (float, float) or None
        Mouse position in scene pixels; None while it is outside the chart.
    fixed_detail : Detail or None
        A fixed level of detail; None for the one that fits the zoom.
    as_of : AsOf
        The moment of the as-of view, if any.
    """

    def __init__(
        self,
        chart: Chart,
        theme: Theme,
        width: float = 1600,
        height: float = 900,
        dpr: float = 1.0,
        layers: Sequence[Callable[[], ChartItem]] = LAYERS,
    ) -> None:
        super().__init__()
        self.setItemIndexMethod(QGraphicsScene.ItemIndexMethod.NoIndex)  # a dozen items: an index costs more than it finds
        items = [layer() for layer in layers]
        self.layers = LayerStack(items, shown_at_first((*LAYERS, *items)))
        for item in (*items, *self.layers.pictures):
            self.addItem(item)
        self.chart = chart
        self.frame: Frame | None = None
        self.frames = 0
        self._theme, self.dpr = theme, dpr
        self._painter: PainterName = "raster"
        self._mode: Mode = "live"
        self._badge = self._notice = ""
        self.cursor: tuple[float, float] | None = None
        self.as_of = AsOf()
        self._detail: Detail | None = None
        self.fixed_detail: Detail | None = None
        self._refreshed_for: tuple[object, ...] = ()
        self._due_ns: int | None = None
        self._quiet_frames = 0  # in a row, in which no layer drew or had work for spare time
        self._panes = ChartPanes(width, height, self.shown, self.layers.strips(chart.rules))
        self.sight = ViewState(chart, self.layout.price.width, self.layout.price.height)
        self.setSceneRect(0, 0, width, height)
        self.setBackgroundBrush(QColor(*theme.background))

    # -- view ------------------------------------------------------------------------------------

    @property
    def viewport(self) -> Viewport:
        """The visible bars and prices."""
        return self.sight.viewport

    def set_viewport(self, viewport: Viewport) -> None:
        """Move the view to a viewport; it follows the newest bar from then on if that bar is in view."""
        self.sight.move_to(viewport)

    @property
    def following(self) -> bool:
        """True if the view follows the newest bar."""
        return self.sight.following

    @property
    def layout(self) -> PaneLayout:
        """The positions of the panes."""
        return self._panes.layout

    def resize(self, width: float, height: float, dpr: float) -> None:
        """Set the scene's size in logical pixels, and its device pixels per logical pixel."""
        if (width, height, dpr) == (*self._panes.size, self.dpr):
            return
        self._panes.size, self.dpr = (width, height), dpr
        self._lay_out()
        self.setSceneRect(0, 0, width, height)

    def show_last(self, n_bars: int | None = None) -> None:
        """Show and follow the newest bars: `n_bars` of them, or as many as fit with legible cells."""
        self.sight.show_last(n_bars)

    def show_all(self) -> None:
        """Show every bar and every price, and follow the newest bar; do nothing without bars."""
        self.sight.show_all()

    def copy_view(self, other: ChartScene) -> None:
        """Copy the view, and the width of the price axis, of another scene whose chart shows the same market."""
        self.sight.take_after(other.sight)
        self._panes.take_after(other._panes)

    def set_cursor(self, cursor: tuple[float, float] | None) -> None:
        """Set the mouse position in scene pixels; None while the mouse is outside the chart."""
        self.cursor = cursor

    def cursor_ticks(self) -> int | None:
        """The price under the mouse in ticks; None if the mouse is outside the price pane and the price axis."""
        panes = self.layout.price, self.layout.price_axis
        if self.cursor is None or not any(pane.holds(*self.cursor) for pane in panes):
            return None
        return math.floor(self.viewport.ticks_at(self.cursor[1]))

    def pointed_bar(self) -> int | None:
        """Number of the bar under the mouse, even without trades; None unless the mouse is over a pane with bars or the time axis."""
        return pointed_bar(self.layout, self.viewport, self.cursor)

    # -- style -----------------------------------------------------------------------------------

    @property
    def cell_style(self) -> CellStyle:
        """The settings for the content and colours of the cells and for the marks around them."""
        return self.chart.rules.cells

    def set_style(self, style: CellStyle) -> None:
        """Change the cell settings of the chart."""
        self.chart.set_rules(structs.replace(self.chart.rules, cells=style))

    @property
    def shown(self) -> frozenset[str]:
        """The names of the overlays that are shown."""
        return self.layers.shown

    def show(self, name: str, on: bool = True) -> None:
        """Show or hide an overlay by its name; a hidden overlay leaves the space of its pane to the others."""
        self.show_only(self.shown | {name} if on else self.shown - {name})

    def show_only(self, names: frozenset[str]) -> None:
        """Show the overlays with these names and no others."""
        self.layers.show_only(names)
        self._lay_out()

    @property
    def theme(self) -> Theme:
        """The colours of the chart."""
        return self._theme

    def set_theme(self, theme: Theme) -> None:
        """Change the colours of the chart."""
        self._theme = theme
        self.setBackgroundBrush(QColor(*theme.background))

    @property
    def painter(self) -> PainterName:
        """The name of the selected painter of bars and cells, `raster` or `gl`."""
        return self._painter

    def set_painter(self, painter: PainterName) -> None:
        """Select the painter of bars and cells; `gl` needs `install_gl` first, until then `raster` draws."""
        self._painter = painter

    def install_gl(self, on_failure: Callable[[str], None]) -> None:
        """Create or replace the OpenGL painter; `on_failure` is called with the reason if OpenGL fails."""
        for item in self.items_by_layer:
            if isinstance(item, FootprintItem):
                item.install("gl", GlPainter(item.raster.keeper, on_failure))
        self._refreshed_for = ()

    def set_mode(self, mode: Mode, badge: str = "", notice: str = "") -> None:
        """Set the mode, e.g. live or replay, the text of the badge, and the notice, a line that explains the mode."""
        self._mode, self._badge, self._notice = mode, badge, notice

    # -- drawing ---------------------------------------------------------------------------------

    def refresh(self, now_ns: int | None = None) -> bool:
        """Build a frame and pass it to every layer in use; return True if any of them will redraw.

        If no layer will redraw, the layers use the spare time for deferred work. `now_ns` is the current time by default.
        """
        self._lay_out()
        self.sight.move_with_the_market()
        self._refreshed_for = self._drawn_state()
        self.frame = self._build_frame(time.time_ns() if now_ns is None else now_ns)
        self.frames += 1
        dirty = self.layers.refresh(self.frame)
        self._due_ns = self.layers.due_ns
        has_more = not dirty and self.idle()
        self._quiet_frames = 0 if dirty or has_more else self._quiet_frames + 1
        return dirty

    def refresh_if_changed(self, now_ns: int | None = None) -> bool:
        """Refresh if anything has changed since the last refresh or a layer has work left; return False if there was nothing to do.

        If only the mouse has moved, only the layers that follow the mouse are refreshed.
        """
        now_ns = time.time_ns() if now_ns is None else now_ns
        frame, settled = self.frame, self._quiet_frames >= _SETTLED_FRAMES and self._refreshed_for == self._drawn_state()
        if frame is None or not settled or self._is_due(frame, now_ns):
            self.refresh(now_ns)
            return True
        if self.cursor == frame.cursor:
            return False
        if self.as_of.held:
            self.refresh(now_ns)
        else:
            self.frame = replace(frame, cursor=self.cursor, now_ns=now_ns)
            self.frames += 1
            self.layers.refresh_cursor(self.frame)
        return True

    @property
    def items_by_layer(self) -> tuple[ChartItem, ...]:
        """All layers, in the order of the constructor's `layers`."""
        return self.layers.items

    @property
    def failures(self) -> dict[str, int]:
        """Number of errors per layer, by class name; two errors put a layer out of use."""
        return self.layers.failures

    def layer_failed(self, item: ChartItem, error: Exception) -> None:
        """Count an error of a layer, and log it if it is the first of that layer."""
        self.layers.failed(item, error)

    def idle(self, budget_s: float = 0.004) -> bool:
        """Let the layers do work for later frames in spare time, about `budget_s` seconds each; return True if more is left."""
        return self.layers.idle(budget_s)

    def settle(self) -> None:
        """Finish all deferred work of the visible layers, so that the next drawing is complete."""
        self.layers.settle()

    def render_image(self, dpr: float | None = None) -> QImage:
        """An image of the chart with its visible layers, at `dpr` device pixels per logical pixel; by default at the scene's own scale.

        Needs no widget and no display.

        Raises
        ------
        TapeprintError
            If a layer cannot be drawn, because an image without that layer would be incomplete.
        """
        own = dpr in (None, self.dpr) and self._painter == "raster"  # OpenGL draws only on the screen
        return (self if own else self.twin(dpr or self.dpr))._drawn_at(self.frame.now_ns if self.frame else None)

    def _drawn_at(self, now_ns: int | None) -> QImage:
        """An image of the visible layers at the scene's own scale, drawn for the time `now_ns`; None for the current time."""
        failures = dict(self.failures)
        self.refresh(now_ns)
        self.settle()
        area = self.sceneRect()
        image = QImage(round(area.width() * self.dpr), round(area.height() * self.dpr), QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(self.dpr)
        image.fill(QColor(*self.theme.background))
        with QPainter(image) as painter:  # a painter that outlives its image crashes the process
            painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
            self.render(painter, QRectF(area), QRectF(area), Qt.AspectRatioMode.IgnoreAspectRatio)
        if self.failures != failures or any(self.layers.is_out_of_use(item) for item in self.layers.items):
            raise TapeprintError(f"picture: could not draw {', '.join(self.failures)}, see the log")
        return image

    def twin(self, dpr: float) -> ChartScene:
        """A copy of this scene at another scale, drawn by the raster painter; an as-of moment that follows the mouse becomes fixed."""
        other = ChartScene(self.chart, self._theme, *self._panes.size, dpr, layers=[type(item) for item in self.items_by_layer])
        other.fixed_detail, other._detail = self.fixed_detail, self._detail
        other.show_only(self.shown)
        other._mode, other._badge, other._notice = self._mode, self._badge, self._notice
        other.as_of = AsOf(moment_ns(self.frame) if self.frame is not None else self.as_of.kept_ns)
        for mine, twin in zip(self.items_by_layer, other.items_by_layer, strict=True):
            twin.take_after(mine)
        other._panes.take_after(self._panes)
        other.sight.take_after(self.sight)
        return other

    # -- frames -------------------------------------------------------------------------------

    def _build_frame(self, now_ns: int) -> Frame:
        viewport, series = self.viewport, self.chart.series
        self._detail = detail_for(viewport.bar_px, series.grid.ticks_per_row * viewport.tick_px, self._detail)
        frame = Frame(
            chart=self.chart,
            revision=series.revision,
            generation=self.chart.generation,
            viewport=viewport,
            layout=self.layout,
            theme=self._theme,
            dpr=self.dpr,
            style=self.cell_style,
            detail=self._detail if self.fixed_detail is None else self.fixed_detail,
            cursor=self.cursor,
            mode=self._mode,
            badge=self._badge,
            notice=self._notice,
            shown=self.shown,
            painter=self._painter,
            now_ns=now_ns,
            as_of=self.as_of.bar(series, self.pointed_bar()),
        )
        return frame.with_legend(self.layers.legend_lines(frame))

    def _drawn_state(self) -> tuple[object, ...]:
        """Values that differ after a change of anything that the layers draw, except for the position of the mouse."""
        chart, look = self.chart, (self._theme, self._painter, self._mode, self._badge, self._notice, self.shown, self.fixed_detail)
        failures = sum(self.failures.values())
        return chart, chart.state_revision, self.viewport, self._panes.size, self.dpr, look, self.as_of.held, self.as_of.kept_ns, failures

    def _is_due(self, frame: Frame, now_ns: int) -> bool:
        """True if a layer may draw more now although nothing has changed since a frame, or if our clock was set back."""
        return self._due_ns is not None and not frame.now_ns <= now_ns < self._due_ns  # also if our clock was set back

    def _lay_out(self) -> None:
        """Lay out the panes for the current size, overlays and width of price labels, and give the view the size of the price pane."""
        series = self.chart.series
        label = series.grid.text(int(series.high[-1])) if series.n_bars else ""
        self._panes.divide(self.shown, self.layers.strips(self.chart.rules), label)
        self.sight.resize(self.layout.price.width, self.layout.price.height)
