"""The base class of the chart's layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QGraphicsObject, QGraphicsScene, QStyleOptionGraphicsItem, QWidget

from rendering.hit_tests.hit_target import HitTarget
from rendering.items.dirty_regions import dirty_rects, mark_dirty
from rendering.paint.exposed_region import exposed_bounds
from rendering.view.detail import Detail
from rendering.view.layout import Strip

if TYPE_CHECKING:
    from app.settings.calculation import CalculationSettings
    from rendering.view.frame import Frame


UNDER_CELLS_Z, OVER_CELLS_Z = 5.0, 40.0
"""`z` and `z_without_digits` of lines across the price pane."""
READING_REST_S = 1 / 15
"""`rest_s` of most layers except the bars: values that change more often cannot be read, and cost more than the bars."""


@runtime_checkable
class LayerErrorHandler(Protocol):
    """A scene that handles the errors of its layers."""

    def layer_failed(self, item: ChartItem, error: Exception) -> None:
        """Handle an error that a layer raised."""
        ...


class LayerPicture(Protocol):
    """An image that layers are drawn into; see `LayerCache`."""

    def mark_dirty(self, item: ChartItem, rect: QRect) -> None:
        """Mark a rectangle of the scene, in which a layer changed, to be drawn again."""
        ...


class ChartItem(QGraphicsObject):
    """A layer of the chart that redraws only where something changed.

    A subclass defines its area (`pane`), the regions that changed from one frame to the next (`changed`), and the drawing (`draw`);
    all three use scene coordinates, logical pixels. `z` orders the layers; the largest is on top.

    A layer with a `name` is an overlay: the user can show and hide it. Menu, key list and `snapshot --show` derive from these
    attributes. Layers that are shown and hidden together have the same name; the first of them in `LAYERS` has the title, help and keys.
    """

    if TYPE_CHECKING:  # None until it is added to one, which Qt's own types leave out

        def scene(self) -> QGraphicsScene | None: ...  # type: ignore[override]

    name: str = ""
    """Name of an overlay on the command line and in the settings, e.g. `"vwap-week"`; empty for a layer that is always shown."""
    title: str = ""
    """Name in the menu."""
    help: str = ""
    """Description in one line."""
    help_page: str = ""
    """Section of the help that explains it, e.g. `"values.md#tpo"`."""
    keys: tuple[str, ...] = ()
    """Keys that show and hide it, in Qt's notation."""
    shown_at_first: bool = True
    """Whether it is shown by default."""
    z: float = 0.0
    z_without_digits: float | None = None
    """`z` while the cells show no digits, which a line over them would make unreadable; None if `z` never changes."""
    rest_s: float = 0.0
    """Minimum time between two updates to new trades; a moved view is always drawn at once."""
    follows_cursor: bool = False
    """Whether it draws something at the mouse; other layers are not asked when only the mouse has moved."""
    kept: bool = False
    """Whether it is drawn into a cached image, see `layer_cache`: for layers that stay inside the price pane and seldom change."""

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(self.z)
        self.setFlag(self.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # the exposed rectangle, not the whole item
        self._frame: Frame | None = None
        self.followed_ns = -(1 << 62)
        """Time of its last update to new trades."""
        self.waits = False
        """Whether it leaves new trades to a later frame, because it is the turn of other layers."""
        self.due_ns: int | None = None
        """Time from which a refresh may draw more although nothing has changed since: it left trades, or part of its work, to a later
        frame. None if it is up to date."""
        self._bounds = QRectF()
        self.pictures: Sequence[LayerPicture] = ()
        """The cached images that this layer may be drawn into; set by `LayerStack`."""

    def pane(self, frame: Frame) -> QRectF:
        """The rectangle in which this layer draws."""
        raise NotImplementedError

    def changed(self, old: Frame, new: Frame) -> QRectF | Sequence[QRectF] | None:
        """The regions that changed from one frame to the next, one rectangle or several; None if nothing changed.

        Not called when layout, theme or pixel ratio changed. After a change of the calculation settings the complete pane is
        drawn again, whatever this method returns.
        """
        raise NotImplementedError

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        """Draw at least the part inside `exposed`; the painter is clipped to this rectangle."""
        raise NotImplementedError

    @classmethod
    def strip(cls, rules: CalculationSettings) -> Strip | None:
        """The pane that this layer requests under the bars; None if it needs none.

        `frame.layout.strip_of` returns the pane that the layer gets.
        """
        return None

    def legend(self, frame: Frame) -> str:
        """The overlay's text in the legend; empty if it has none.

        The text names settings and sources, not values that every trade changes.
        """
        return ""

    def price_tags(self, frame: Frame) -> tuple[float, ...]:
        """Y positions of this layer's tags on the price axis, logical pixels; the axis omits labels that touch a tag."""
        return ()

    def hits(self, frame: Frame, x: float, y: float) -> Sequence[HitTarget]:
        """Hit targets of the values that this layer draws at a point, the most likely first; empty if there are none."""
        return ()

    def refresh(self, frame: Frame) -> bool:
        """Update to a frame and mark the changed regions to be painted again; return False if there are none.

        If there are only new trades, the layer may leave them to a later frame; see `due_ns`.
        """
        if self.z_without_digits is not None:
            self.setZValue(self.z if frame.detail is Detail.DIGITS else self.z_without_digits)
        old = self._frame
        only_trades = old is not None and frame.differs_by_trades_only(old) and not (self.follows_cursor and frame.cursor != old.cursor)
        self.due_ns = self._next_turn_ns(frame) if only_trades else None
        if self.due_ns is not None:
            return False  # `old` stays, so that no change is missed
        self._frame = frame
        if old is None or old.layout != frame.layout:
            bounds = self.pane(frame)
            if bounds != self._bounds:
                self.prepareGeometryChange()
                self._bounds = bounds
        rects = dirty_rects(self._bounds, self.changed, old, frame)
        for rect in rects:
            self.mark_dirty(rect)
        if only_trades and old is not None and frame.revision != old.revision:
            self.followed_ns = frame.now_ns
        return bool(rects)

    def mark_dirty(self, rect: QRectF) -> None:
        """Mark a rectangle to be painted again in the views and in the cached images of this layer."""
        aligned = rect.toAlignedRect()
        for picture in self.pictures:
            picture.mark_dirty(self, aligned)
        mark_dirty(self.scene(), aligned)

    def is_due(self, frame: Frame) -> bool:
        """True if only new trades are to be drawn, and this layer last updated to trades at least `rest_s` ago.

        Always False for a layer without a `rest_s`.
        """
        old = self._frame
        if not self.rest_s or old is None or frame.revision == old.revision:
            return False
        return not self._rests(frame) and frame.differs_by_trades_only(old)

    def _next_turn_ns(self, frame: Frame) -> int | None:
        """Time of this layer's next update to new trades, ns; None if it may update now."""
        if self._rests(frame):
            return self.followed_ns + round(self.rest_s * 1e9)
        return frame.now_ns if self.waits else None

    def _rests(self, frame: Frame) -> bool:
        return 0 <= frame.now_ns - self.followed_ns < self.rest_s * 1e9

    def forget(self) -> None:
        """Forget the last frame, so that the next frame is drawn completely; called when the layer is shown or hidden."""
        self._frame = self.due_ns = None

    def idle(self, budget_s: float) -> bool:
        """Do work for later frames for about `budget_s` seconds; return True if more is left."""
        return False

    def settle(self) -> None:
        """Finish all deferred work of this layer, if it defers any."""

    def take_after(self, other: ChartItem) -> None:
        """Copy from another item of this class the state that both need to draw the same; by default, copy nothing."""

    def boundingRect(self) -> QRectF:
        """The pane of this layer in the last frame, in scene coordinates."""
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw an exposed region, unless a cached image shows this layer; called by Qt."""
        if self._frame is None or (self.pictures and widget is not None):
            return
        # a copy, as Qt's rectangle is gone after this call; it contains dirty rectangles of other items, hence `exposed_bounds`
        self.draw_part(painter, QRectF(option.exposedRect) & exposed_bounds(painter, self._bounds))

    def draw_part(self, painter: QPainter, exposed: QRectF) -> None:
        """Draw the part inside a rectangle of the scene, clipped to that rectangle; an error is reported, see `report`."""
        exposed = exposed & self._bounds
        if self._frame is None or exposed.isEmpty():
            return
        painter.save()
        painter.setClipRect(exposed)
        try:
            self.draw(painter, self._frame, exposed)
        except Exception as error:  # an error in one layer must not stop the others
            self.report(error)
        finally:
            painter.restore()

    def report(self, error: Exception) -> None:
        """Report an error of this layer to the scene, or raise it if the scene does not handle layer errors."""
        scene = self.scene()
        if not isinstance(scene, LayerErrorHandler):
            raise error
        scene.layer_failed(self, error)
