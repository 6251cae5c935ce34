"""All that the layers need to draw the chart once, as one value: the frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from app.settings.calculation import CalculationSettings, CellStyle
from rendering.view.detail import Detail
from rendering.view.pixel_grid import PixelGrid
from rendering.view.viewport import Viewport

if TYPE_CHECKING:
    from app.analytics.footprint import FootprintSeries
    from app.chart.chart import Chart
    from rendering.style.theme import Theme
    from rendering.view.layout import PaneLayout

Mode = Literal["live", "stale", "simulated", "replay", "offline"]
PainterName = Literal["raster", "gl"]
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Frame:
    """All that is needed to draw the chart once; every layer gets the same frame.

    Attributes
    ----------
    chart : Chart
        Series and values; the only part that still changes, so layers compare `series.revision`.
    revision, generation : int
        Revision and generation of the chart when the frame was built: a layer stores them to find out what has changed since.
    viewport, layout, theme, dpr, style, detail :
        Visible bars and prices, panes, colours, device pixels per logical pixel, cell settings and level of detail.
    rules : CalculationSettings
        The chart's calculation settings when the frame was built.
    cursor : (x, y) or None
        Mouse position in scene pixels; None while it is outside the chart.
    mode : str
        Source of the trades, or that they are stale: it decides the colours of the badge and the last price.
    badge, notice : str
        A word with a symbol that stays on the chart (◆ SIMULATED), and a line that explains it (why the feed is down); both may be empty.
    shown : frozenset of str
        Names of the overlays that are shown.
    told : tuple of str
        Legend lines of these overlays.
    painter : "raster" or "gl"
        The painter of the cells.
    now_ns : int
        Our clock, for ages and countdowns.
    as_of : int or None
        Number of the last bar of the as-of view, the last that values may use; None for all bars. The look of bars (their cells,
        their colours by rank) does not depend on it.
    """

    chart: Chart
    revision: int
    generation: int
    viewport: Viewport
    layout: PaneLayout
    theme: Theme
    dpr: float
    style: CellStyle
    detail: Detail
    cursor: tuple[float, float] | None = None
    mode: Mode = "live"
    badge: str = ""
    notice: str = ""
    shown: frozenset[str] = frozenset()
    told: tuple[str, ...] = ()
    painter: PainterName = "raster"
    now_ns: int = 0
    as_of: int | None = None
    pixels: PixelGrid = field(init=False)
    rules: CalculationSettings = field(init=False)
    _on_screen: tuple[FootprintSeries, int, tuple[int, int]] | None = field(init=False, default=None, compare=False, repr=False)
    _answers: dict[object, tuple[int, Any]] = field(init=False, default_factory=dict[object, "tuple[int, Any]"], compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rules", self.chart.rules)
        object.__setattr__(self, "pixels", PixelGrid.of(self.viewport, self.dpr))

    def with_legend(self, told: tuple[str, ...]) -> Frame:
        """A copy of this frame with the legend lines of the overlays; it shares the results cached by `once`."""
        frame = replace(self, told=told)
        object.__setattr__(frame, "_answers", self._answers)
        return frame

    def once(self, function: Callable[[Frame], Answer]) -> Answer:
        """The cached result of a function of this frame; the function is called again only after the chart has changed."""
        state, found = self.chart.state_revision, self._answers.get(function)
        if found is None or found[0] != state:
            found = self._answers[function] = state, function(self)
        return found[1]

    def differs_by_trades_only(self, old: Frame) -> bool:
        """True if this frame differs from an older one at most by new trades, its time, the legend lines and the mouse position."""
        same_view = self.viewport == old.viewport and self.layout == old.layout and self.dpr == old.dpr and self.detail == old.detail
        same_look = self.theme is old.theme and self.rules is old.rules and self.mode == old.mode and self.as_of == old.as_of
        same_words = (self.badge, self.notice, self.shown) == (old.badge, old.notice, old.shown)
        return same_view and same_look and same_words and self.generation == old.generation and self.painter == old.painter

    @property
    def bars_on_screen(self) -> tuple[int, int]:
        """Indices `[first, end)` of all bars at least partly in view, also after `as_of`."""
        series, cached = self.chart.series, self._on_screen
        if cached is None or cached[0] is not series or cached[1] != series.revision:
            first, last = self.viewport.visible_bars()
            cached = series, series.revision, (series.index_of(first), series.index_of(last + 1))
            object.__setattr__(self, "_on_screen", cached)  # every layer asks for these bars, some layers often
        return cached[2]

    @property
    def known_end(self) -> int:
        """The index after the last bar that values may use: after the bar `as_of`, or after the newest bar if `as_of` is None."""
        series = self.chart.series
        return series.n_bars if self.as_of is None else series.index_of(self.as_of + 1)

    @property
    def known_x(self) -> float:
        """The x position at which bars that values may use end, logical pixels: the as-of moment, or the right edge of the price pane.

        The position is always between the left and the right edge of the price pane.
        """
        right = float(self.layout.price.right)
        return right if self.as_of is None else min(right, max(0.0, self.pixels.screen_x(self.as_of + 1) / self.dpr))

    @property
    def row_px(self) -> float:
        """The height of a row, logical pixels."""
        return self.chart.series.grid.ticks_per_row * self.viewport.tick_px


def once_a_frame(function: Callable[[Frame], Answer]) -> Callable[[Frame], Answer]:
    """Cache the result of a function for each frame, because several layers use the result, some of them several times.

    The function is called again if the chart changes. It must not depend on the legend lines of the overlays.
    """

    @wraps(function)
    def cached(frame: Frame) -> Answer:
        return frame.once(function)

    return cached


def figure_rules(frame: Frame) -> tuple[object, ...]:
    """The calculation settings on which the marks of a bar depend: those of value areas and imbalances."""
    return frame.rules.value_area, frame.rules.imbalance
