"""The chart as a scene of layers: holds what the user looks at, and once a frame tells every layer.

The scene works with a view, and without one: `render_image` draws the same picture into a `QImage`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QGraphicsScene

from app.errors import TapeprintError
from rendering.chart_item import ChartItem
from rendering.detail import Detail, detail_for
from rendering.footprint_item import FootprintItem
from rendering.frame import CellStyle, Frame, Mode, PainterName
from rendering.gl_painter import GlPainter
from rendering.layers import LAYERS
from rendering.layout import PaneLayout
from rendering.overlays import shown_at_first
from rendering.theme import Theme
from rendering.viewport import Viewport

if TYPE_CHECKING:
    from app.chart import Chart

_log = structlog.get_logger(__name__)

_BAR_PX, _ROW_PX = 112.0, 17.0
"""The first look: digits of the usual size have air around them."""
_MIN_ROW_PX = 13.0
_RIGHT_MARGIN_PX = 12.0
_LAST_PRICE_ZONE = 0.3
"""At the first look the last price is at most this share of the height off the middle."""
_SCROLL_ZONE, _SCROLL_BY = 0.06, 0.25
"""A followed price that comes this near to an edge moves the picture by this share of the height: seldom, but clearly."""


_LAYER_MAY_FAIL = 2
"""A layer that raises this often is put out of use; the others go on."""


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
        Device pixels in a logical pixel.
    layers : sequence of callables that return a ChartItem
        The layers; all there are unless said otherwise.
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
        self.items_by_layer: tuple[ChartItem, ...] = tuple(layer() for layer in layers)
        for item in self.items_by_layer:
            self.addItem(item)
        self.chart = chart
        self.failures: dict[str, int] = {}
        """How often each layer raised, by its class's name; those that did twice are out of use."""
        self._overlays_shown = shown_at_first((*LAYERS, *self.items_by_layer))
        self.following = True
        """Whether the newest bar stays in its place when another one opens."""
        self.frame: Frame | None = None
        """What was given to the layers last."""
        self.frames = 0
        """How many frames were built, a count of work for tests and for the status bar."""
        self._theme, self._style, self._dpr = theme, CellStyle(), dpr
        self._size = (width, height)
        self._painter: PainterName = "raster"
        self._mode: Mode = "live"
        self._badge = self._notice = ""
        self._legend: tuple[str, ...] = ()
        self._cursor: tuple[float, float] | None = None
        self._detail: Detail | None = None
        self._fitted = self._moved_by_hand = False
        self._last_number = self._middle_ns = 0
        self._times = chart.series.times
        self._shown = (chart.generation, chart.series.rule, chart.series.grid)
        self._axis_label = ""
        self._layout = self._divided()
        pane = self._layout.price
        self._viewport = Viewport(0.0, _BAR_PX, 0.0, _ROW_PX / chart.series.grid.ticks_per_row, pane.width, pane.height)
        self.setSceneRect(0, 0, width, height)
        self.setBackgroundBrush(QColor(*theme.background))

    # -- what is looked at -----------------------------------------------------------------------

    @property
    def viewport(self) -> Viewport:
        """Which bars and prices are in sight."""
        return self._viewport

    def set_viewport(self, viewport: Viewport) -> None:
        """Look elsewhere; the newest bar is followed from now on if it is in sight."""
        self._viewport = viewport
        self._fitted = self._moved_by_hand = True
        self._note_middle()
        if self.chart.series.n_bars:
            first, last = viewport.visible_bars()
            self.following = first <= int(self.chart.series.number[-1]) <= last

    @property
    def layout(self) -> PaneLayout:
        """Where the panes are."""
        return self._layout

    def resize(self, width: float, height: float, dpr: float) -> None:
        """The scene's size in logical pixels, and its scale."""
        if (width, height, dpr) == (*self._size, self._dpr):
            return
        self._size, self._dpr = (width, height), dpr
        self._lay_out()
        self.setSceneRect(0, 0, width, height)

    def show_last(self, n_bars: int | None = None) -> None:
        """Legible cells around the newest bars, or the newest `n_bars` over the whole width, and follow them."""
        self.following, self._moved_by_hand = True, False
        series = self.chart.series
        if not series.n_bars:
            self._fitted = False
            return
        pane, last = self._layout.price, int(series.number[-1])
        free = pane.width - _RIGHT_MARGIN_PX
        bar_px = _BAR_PX if n_bars is None else max(0.02, free / max(n_bars, 1))
        vp = replace(self._viewport, bar_px=bar_px).with_bar_at(last + 1, free)
        self._viewport = self._fitted_to_rows(vp)
        self._fitted, self._last_number = True, last

    def show_all(self) -> None:
        """Every bar and every price."""
        series = self.chart.series
        if series.n_bars:
            self.show_last(int(series.number[-1] - series.number[0]) + 1)
            self._viewport = self._viewport.fitted(int(series.low.min()), int(series.high.max()) + 1)

    def fit_price(self) -> None:
        """All prices of the bars in sight."""
        series = self.chart.series
        first, last = self._viewport.visible_bars()
        start, end = series.index_of(first), series.index_of(last + 1)
        if end > start:
            self._viewport = self._viewport.fitted(int(series.low[start:end].min()), int(series.high[start:end].max()) + 1)

    def go_to_newest(self) -> None:
        """The last bar at the right edge, its price in sight; bars and rows keep their size. Follow it."""
        series, vp = self.chart.series, self._viewport
        self.following = True
        if series.n_bars:
            last, close = int(series.number[-1]), int(series.close[-1])
            vp = vp.with_bar_at(last + 1, vp.width_px - _RIGHT_MARGIN_PX)
            self._viewport = vp if 0 < vp.y(close + 0.5) < vp.height_px else vp.centred(close + 0.5)
            self._fitted, self._last_number = True, last

    def look_like(self, other: ChartScene) -> None:
        """Begin with another scene's look, at a chart of the same market that stands at another time."""
        self._viewport, self._fitted, self._last_number = other._viewport, other._fitted, other._last_number
        self.following, self._axis_label = other.following, other._axis_label

    def set_cursor(self, cursor: tuple[float, float] | None) -> None:
        """The mouse in scene pixels, or None when it left."""
        self._cursor = cursor

    @property
    def cursor(self) -> tuple[float, float] | None:
        """Where the mouse is, in scene pixels; None while it is elsewhere."""
        return self._cursor

    def cursor_ticks(self) -> int | None:
        """The price under the mouse in ticks; None when it is not over the prices."""
        if self._cursor is None or (not self._layout.price.holds(*self._cursor) and not self._layout.price_axis.holds(*self._cursor)):
            return None
        return math.floor(self._viewport.ticks_at(self._cursor[1]))

    # -- how it is drawn -------------------------------------------------------------------------

    @property
    def style(self) -> CellStyle:
        """What is shown in and around the cells."""
        return self._style

    def set_style(self, style: CellStyle) -> None:
        """Show something else in and around the cells."""
        self._style = style

    @property
    def shown(self) -> frozenset[str]:
        """Names of the overlays that are shown."""
        return self._overlays_shown

    def show(self, name: str, on: bool = True) -> None:
        """Show or hide an overlay; its room goes to the others."""
        self.show_only(self._overlays_shown | {name} if on else self._overlays_shown - {name})

    def show_only(self, names: frozenset[str]) -> None:
        """Show these overlays and no others."""
        self._overlays_shown = names
        for item in self.items_by_layer:
            is_shown = not item.name or item.name in names
            if is_shown != item.isVisible() and not self.is_out_of_use(item):
                item.forget()
                item.setVisible(is_shown)
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
        self._move_with_the_market()
        self.frame = self._build_frame(time.time_ns() if now_ns is None else now_ns)
        self.frames += 1
        dirty = False
        for item in self._in_use():
            try:
                dirty |= item.refresh(self.frame)
            except Exception as error:  # a mistake in one layer must not take the others with it
                self.layer_failed(item, error)
        if not dirty:
            self.idle()
        return dirty

    def _in_use(self) -> Iterator[ChartItem]:
        """The layers that are shown and have not failed too often."""
        for item in self.items_by_layer:
            if self.is_out_of_use(item):
                item.setVisible(False)
            elif not item.name or item.name in self._overlays_shown:
                yield item

    def is_out_of_use(self, item: ChartItem) -> bool:
        """Whether a layer has raised too often to be asked again."""
        return self.failures.get(type(item).__name__, 0) >= _LAYER_MAY_FAIL

    def layer_failed(self, item: ChartItem, error: Exception) -> None:
        """Take note that a layer raised; it is logged once."""
        name = type(item).__name__
        self.failures[name] = self.failures.get(name, 0) + 1
        if self.failures[name] == 1:
            _log.error("a layer of the chart failed", layer=name, error=repr(error), exc_info=error)

    def idle(self, budget_s: float = 0.004) -> bool:
        """Spend spare time on what the next frames may need; whether there is more to do."""
        unfinished = False
        for item in self._in_use():
            try:
                unfinished |= item.idle(budget_s)
            except Exception as error:
                self.layer_failed(item, error)
        return unfinished

    def settle(self) -> None:
        """Finish all that layers put off, so that the next drawing is final."""
        for item in self.items_by_layer:
            if item.isVisible():
                item.settle()

    def render_image(self, dpr: float | None = None) -> QImage:
        """The whole scene as a picture, `dpr` device pixels to the logical one; needs no view and no display.

        Raises
        ------
        TapeprintError
            If a layer cannot be drawn: a picture without it would not show what it claims to.
        """
        own = dpr in (None, self._dpr) and self._painter == "raster"  # OpenGL draws on the screen alone
        scene = self if own else self.twin(dpr or self._dpr)
        failures = dict(scene.failures)
        scene.refresh(self.frame.now_ns if self.frame else None)
        scene.settle()
        width, height = self._size
        image = QImage(round(width * scene._dpr), round(height * scene._dpr), QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(scene._dpr)
        image.fill(QColor(*self._theme.background))
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        scene.render(painter, QRectF(0, 0, width, height), QRectF(0, 0, width, height), Qt.AspectRatioMode.IgnoreAspectRatio)
        painter.end()
        if scene.failures != failures or any(scene.is_out_of_use(item) for item in scene.items_by_layer):
            raise TapeprintError(f"picture: {', '.join(scene.failures)} cannot be drawn, see the log")
        return image

    def twin(self, dpr: float) -> ChartScene:
        """The same look at the same chart on a screen of another scale; drawn by the raster painter."""
        other = ChartScene(self.chart, self._theme, *self._size, dpr, layers=[type(item) for item in self.items_by_layer])
        other._viewport, other._fitted, other._last_number = self._viewport, self._fitted, self._last_number
        other._style, other._detail, other.following = self._style, self._detail, self.following
        other.show_only(self._overlays_shown)
        other._mode, other._badge, other._notice, other._legend = self._mode, self._badge, self._notice, self._legend
        for mine, twin in zip(self.items_by_layer, other.items_by_layer, strict=True):
            twin.take_after(mine)
        other._shown, other._axis_label, other._layout = self._shown, self._axis_label, self._layout
        return other

    # -- following -------------------------------------------------------------------------------

    def _build_frame(self, now_ns: int) -> Frame:
        row_px = self.chart.series.grid.ticks_per_row * self._viewport.tick_px
        self._detail = detail_for(self._viewport.bar_px, row_px, self._detail)
        frame = Frame(
            chart=self.chart,
            revision=self.chart.series.revision,
            generation=self.chart.generation,
            viewport=self._viewport,
            layout=self._layout,
            theme=self._theme,
            dpr=self._dpr,
            style=self._style,
            detail=self._detail if self._style.detail is None else self._style.detail,
            cursor=self._cursor,
            mode=self._mode,
            badge=self._badge,
            notice=self._notice,
            legend=self._legend,
            shown=self._overlays_shown,
            painter=self._painter,
            now_ns=now_ns,
        )
        return replace(frame, told=self._told(frame))

    def _told(self, frame: Frame) -> tuple[str, ...]:
        """What the overlays tell in the legend."""
        told = []
        for item in self._in_use():
            try:
                told.append(item.legend(frame))
            except Exception as error:
                self.layer_failed(item, error)
        return tuple(text for text in told if text)

    def _move_with_the_market(self) -> None:
        series = self.chart.series
        if not series.n_bars:
            return
        if not self._fitted:
            self.show_last()
        elif self._shown != (self.chart.generation, series.rule, series.grid):
            self._keep_place()
        elif self.following:
            last = int(series.number[-1])
            if last != self._last_number:
                self._viewport = self._viewport.following(self._last_number, last)
            self._viewport = self._price_kept_in_sight(self._viewport, int(series.close[-1]))
        self._last_number = int(series.number[-1])
        self._shown = (self.chart.generation, series.rule, series.grid)
        self._times = series.times
        self._note_middle()

    def _note_middle(self) -> None:
        """The time in the middle of the view, by the bars shown last: other bars will be looked at there."""
        self._middle_ns = self._times.at(self._viewport.bar_at(self._viewport.width_px / 2))

    def _keep_place(self) -> None:
        """After other bars or rows were chosen: their size in pixels stays, and the time and price in the middle."""
        generation, rule, grid = self._shown
        series, vp = self.chart.series, self._viewport
        if grid != series.grid:
            middle = vp.ticks_at(vp.height_px / 2)
            vp = replace(vp, tick_px=vp.tick_px * grid.ticks_per_row / series.grid.ticks_per_row).centred(middle)
        if rule == series.rule and (rule.is_time or generation == self.chart.generation):
            self._viewport = vp
        elif rule == series.rule:  # older trades came, and the bars have other numbers now
            where = series.times.position(self._middle_ns)
            follow = vp.following(self._last_number, int(series.number[-1]))
            self._viewport = follow if self.following else vp.with_bar_at(where, vp.width_px / 2)
        elif self.following:
            self._viewport = vp.with_bar_at(int(series.number[-1]) + 1, self._layout.price.width - _RIGHT_MARGIN_PX)
        else:
            x = vp.width_px / 2
            self._viewport = vp.with_bar_at(series.times.number(self._middle_ns), x)

    def _price_kept_in_sight(self, vp: Viewport, close: int) -> Viewport:
        y = vp.y(close + 0.5)
        zone, step = _SCROLL_ZONE * vp.height_px, _SCROLL_BY * vp.height_px
        if not -step < y < vp.height_px + step:  # the user looks at other prices, or history has just come in
            return vp if self._moved_by_hand else self._fitted_to_rows(vp)
        if y < zone:
            return vp.panned(0, step)
        return vp.panned(0, -step) if y > vp.height_px - zone else vp

    def _fitted_to_rows(self, vp: Viewport) -> Viewport:
        """The prices of the bars in sight, if their rows can stay legible; else as many of them as leave the last one in sight."""
        series = self.chart.series
        first, last = vp.visible_bars()
        start, end = series.index_of(first), series.index_of(last + 1)
        if end <= start:
            return vp
        rows = series.grid.ticks_per_row
        low, high = int(series.low[start:end].min()), int(series.high[start:end].max()) + rows
        fitted = vp.fitted(low, high)
        if vp.bar_px < _BAR_PX:
            return fitted
        row_px = min(max(fitted.tick_px * rows, _MIN_ROW_PX), _ROW_PX)
        legible = replace(vp, tick_px=row_px / rows)
        reach = _LAST_PRICE_ZONE * vp.height_px / legible.tick_px
        close = int(series.close[-1]) + 0.5
        return legible.centred(min(max((low + high) / 2, close - reach), close + reach))

    def _divided(self) -> PaneLayout:
        strips = [strip for item in self._in_use() if (strip := item.strip(self._style)) is not None]
        width, height = round(self._size[0]), round(self._size[1])
        profile, delta = ("profile" in self._overlays_shown), ("delta" in self._overlays_shown)
        return PaneLayout.of(width, height, self._axis_label or "00000.00", profile=profile, delta=delta, strips=strips)

    def _lay_out(self) -> None:
        """Divide the room again: after a change of size, of panes, or when prices have grown longer."""
        series = self.chart.series
        if series.n_bars:
            label = series.grid.text(int(series.high[-1]))
            if len(label) > len(self._axis_label):
                self._axis_label = label
        layout = self._divided()
        if layout != self._layout:
            self._layout = layout
            if (layout.price.width, layout.price.height) != (self._viewport.width_px, self._viewport.height_px):
                self._viewport = self._viewport.resized(layout.price.width, layout.price.height)
