"""The chart as a scene of layers: holds what the user looks at, and once a frame tells every layer.

The scene works with a view, and without one: `render_image` draws the same picture into a `QImage`.
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
from rendering.scene.layers import LAYERS
from rendering.style.theme import Theme
from rendering.view.chart_panes import ChartPanes
from rendering.view.detail import Detail, detail_for
from rendering.view.frame import Frame, Mode, PainterName
from rendering.view.layout import PaneLayout
from rendering.view.view_state import ViewState
from rendering.view.viewport import Viewport

if TYPE_CHECKING:
    from app.chart.chart import Chart


class ChartScene(QGraphicsScene):
    """All layers of one chart, and the state of the look at it.

    Parameters
    ----------
    chart : Chart
        What to show; may still be empty, the view is fitted when the first bars come.
    theme : Theme
        Colours.
    width, height : float
        Size in logical pixels.
    dpr : float
        Device pixels in a logical pixel; `resize` changes it.
    layers : sequence of callables that return a ChartItem
        The layers; all there are unless said otherwise.

    Attributes
    ----------
    sight : Sight
        Which bars and prices are in sight, and how that moves.
    layers : LayerStack
        The layers, and which of them are shown.
    frame : Frame or None
        What was given to the layers last.
    frames : int
        How many frames were built, a count of work for tests and for the status bar.
    cursor : (float, float) or None
        Where the mouse is, in scene pixels; None while it is elsewhere.
    fixed_detail : Detail or None
        The level of detail, whatever fits the zoom; None for what fits.
    as_of : AsOf
        From which moment the chart is looked at.
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
        self._legend: tuple[str, ...] = ()
        self.cursor: tuple[float, float] | None = None
        self.as_of = AsOf()
        self._detail: Detail | None = None
        self.fixed_detail: Detail | None = None
        self._room = ChartPanes(width, height, self.shown, self.layers.strips(chart.rules))
        self.sight = ViewState(chart, self.layout.price.width, self.layout.price.height)
        self.setSceneRect(0, 0, width, height)
        self.setBackgroundBrush(QColor(*theme.background))

    # -- what is looked at -----------------------------------------------------------------------

    @property
    def viewport(self) -> Viewport:
        """Which bars and prices are in sight."""
        return self.sight.viewport

    def set_viewport(self, viewport: Viewport) -> None:
        """Look elsewhere; the newest bar is followed from now on if it is in sight."""
        self.sight.move_to(viewport)

    @property
    def following(self) -> bool:
        """Whether the newest bar stays in its place when another one opens."""
        return self.sight.following

    @property
    def layout(self) -> PaneLayout:
        """Where the panes are."""
        return self._room.layout

    def resize(self, width: float, height: float, dpr: float) -> None:
        """The scene's size in logical pixels, and its scale."""
        if (width, height, dpr) == (*self._room.size, self.dpr):
            return
        self._room.size, self.dpr = (width, height), dpr
        self._lay_out()
        self.setSceneRect(0, 0, width, height)

    def show_last(self, n_bars: int | None = None) -> None:
        """Legible cells around the newest bars, or the newest `n_bars` over the whole width, and follow them."""
        self.sight.show_last(n_bars)

    def show_all(self) -> None:
        """Every bar and every price."""
        self.sight.show_all()

    def copy_view(self, other: ChartScene) -> None:
        """Begin with another scene's look, at a chart of the same market that stands at another time."""
        self.sight.take_after(other.sight)
        self._room.take_after(other._room)

    def set_cursor(self, cursor: tuple[float, float] | None) -> None:
        """The mouse in scene pixels, or None when it left."""
        self.cursor = cursor

    def cursor_ticks(self) -> int | None:
        """The price under the mouse in ticks; None when it is not over the prices."""
        panes = self.layout.price, self.layout.price_axis
        if self.cursor is None or not any(pane.holds(*self.cursor) for pane in panes):
            return None
        return math.floor(self.viewport.ticks_at(self.cursor[1]))

    def pointed_bar(self) -> int | None:
        """Number of the bar under the mouse, whether or not it traded; None when it is not over the panes of the bars."""
        return pointed_bar(self.layout, self.viewport, self.cursor)

    # -- how it is drawn -------------------------------------------------------------------------

    @property
    def style(self) -> CellStyle:
        """What is shown in and around the cells."""
        return self.chart.rules.cells

    def set_style(self, style: CellStyle) -> None:
        """Show something else in and around the cells."""
        self.chart.set_rules(structs.replace(self.chart.rules, cells=style))

    @property
    def shown(self) -> frozenset[str]:
        """Names of the overlays that are shown."""
        return self.layers.shown

    def show(self, name: str, on: bool = True) -> None:
        """Show or hide an overlay; its room goes to the others."""
        self.show_only(self.shown | {name} if on else self.shown - {name})

    def show_only(self, names: frozenset[str]) -> None:
        """Show these overlays and no others."""
        self.layers.show_only(names)
        self._lay_out()

    @property
    def theme(self) -> Theme:
        """The colours."""
        return self._theme

    def set_theme(self, theme: Theme) -> None:
        """Other colours."""
        self._theme = theme
        self.setBackgroundBrush(QColor(*theme.background))

    @property
    def painter(self) -> PainterName:
        """Who draws the cells."""
        return self._painter

    def set_painter(self, painter: PainterName) -> None:
        """Let the other painter draw the cells; for "gl", after `install_gl`."""
        self._painter = painter

    def install_gl(self, on_failure: Callable[[str], None]) -> None:
        """Make the OpenGL painter available, or make it anew; `on_failure` is told why if it turns out not to work."""
        for item in self.items_by_layer:
            if isinstance(item, FootprintItem):
                item.install("gl", GlPainter(item.raster.keeper, on_failure))

    def set_mode(self, mode: Mode, badge: str = "", notice: str = "") -> None:
        """Where the trades come from, the word that says so on the chart, and a line that explains it."""
        self._mode, self._badge, self._notice = mode, badge, notice

    def set_legend(self, lines: tuple[str, ...]) -> None:
        """Further lines for the legend."""
        self._legend = lines

    # -- drawing ---------------------------------------------------------------------------------

    def refresh(self, now_ns: int | None = None) -> bool:
        """Build a frame of how things stand and give it to every layer; whether any of them will draw.

        A frame in which nothing changed is spare time, and layers get some of it.
        """
        self._lay_out()
        self.sight.move_with_the_market()
        self.frame = self._build_frame(time.time_ns() if now_ns is None else now_ns)
        self.frames += 1
        dirty = self.layers.refresh(self.frame)
        if not dirty:
            self.idle()
        return dirty

    @property
    def items_by_layer(self) -> tuple[ChartItem, ...]:
        """All layers, in the order of the table."""
        return self.layers.items

    @property
    def failures(self) -> dict[str, int]:
        """How often each layer raised, by its class's name; those that did twice are out of use."""
        return self.layers.failures

    def layer_failed(self, item: ChartItem, error: Exception) -> None:
        """Take note that a layer raised; it is logged once."""
        self.layers.failed(item, error)

    def idle(self, budget_s: float = 0.004) -> bool:
        """Spend spare time on what the next frames may need; whether there is more to do."""
        return self.layers.idle(budget_s)

    def settle(self) -> None:
        """Finish all that layers put off, so that the next drawing is final."""
        self.layers.settle()

    def render_image(self, dpr: float | None = None) -> QImage:
        """The whole scene as a picture, `dpr` device pixels to the logical one; needs no view and no display.

        Raises
        ------
        TapeprintError
            If a layer cannot be drawn: a picture without it would not show what it claims to.
        """
        own = dpr in (None, self.dpr) and self._painter == "raster"  # OpenGL draws on the screen alone
        return (self if own else self.twin(dpr or self.dpr))._drawn_at(self.frame.now_ns if self.frame else None)

    def _drawn_at(self, now_ns: int | None) -> QImage:
        """Return all layers at a time of our clock, in the scene's own pixels."""
        failures = dict(self.failures)
        self.refresh(now_ns)
        self.settle()
        area = self.sceneRect()
        image = QImage(round(area.width() * self.dpr), round(area.height() * self.dpr), QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(self.dpr)
        image.fill(QColor(*self.theme.background))
        with QPainter(image) as painter:  # a painter that outlives its image takes the process with it
            painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
            self.render(painter, QRectF(area), QRectF(area), Qt.AspectRatioMode.IgnoreAspectRatio)
        if self.failures != failures or any(self.layers.is_out_of_use(item) for item in self.layers.items):
            raise TapeprintError(f"picture: could not draw {', '.join(self.failures)}, see the log")
        return image

    def twin(self, dpr: float) -> ChartScene:
        """The same look at the same chart on a screen of another scale; drawn by the raster painter."""
        other = ChartScene(self.chart, self._theme, *self._room.size, dpr, layers=[type(item) for item in self.items_by_layer])
        other.fixed_detail, other._detail = self.fixed_detail, self._detail
        other.show_only(self.shown)
        other._mode, other._badge, other._notice, other._legend = self._mode, self._badge, self._notice, self._legend
        other.as_of = AsOf(moment_ns(self.frame) if self.frame is not None else self.as_of.kept_ns)
        for mine, twin in zip(self.items_by_layer, other.items_by_layer, strict=True):
            twin.take_after(mine)
        other._room.take_after(self._room)
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
            style=self.style,
            detail=self._detail if self.fixed_detail is None else self.fixed_detail,
            cursor=self.cursor,
            mode=self._mode,
            badge=self._badge,
            notice=self._notice,
            legend=self._legend,
            shown=self.shown,
            painter=self._painter,
            now_ns=now_ns,
            as_of=self.as_of.bar(series, self.pointed_bar()),
        )
        return replace(frame, told=self.layers.legend_lines(frame))

    def _lay_out(self) -> None:
        """Divide the room again: after a change of size, of panes, or when prices have grown longer."""
        series = self.chart.series
        label = series.grid.text(int(series.high[-1])) if series.n_bars else ""
        self._room.divide(self.shown, self.layers.strips(self.chart.rules), label)
        self.sight.resize(self.layout.price.width, self.layout.price.height)
