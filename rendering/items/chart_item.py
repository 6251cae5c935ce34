"""The one base class of everything drawn on the chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import pyqtgraph as pg
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from rendering.hit_tests.hit_target import HitTarget
from rendering.paint.dirty import dirty_bounds
from rendering.view.layout import Strip

if TYPE_CHECKING:
    from app.settings.calculation import CalculationSettings
    from rendering.view.frame import Frame


READING_REST_S = 1 / 15
"""For layers beside the bars: figures that change more often cannot be read, and cost more than the bars themselves."""


@runtime_checkable
class LayerErrorHandler(Protocol):
    """Whoever is told of a layer that raised."""

    def layer_failed(self, item: ChartItem, error: Exception) -> None:
        """Take note of it."""
        ...


class LayerPicture(Protocol):
    """An image that layers are drawn into; see `LayerCache`."""

    def spoil(self, item: ChartItem, rect: QRect) -> None:
        """Mark a rectangle of a layer as out of date."""
        ...


class ChartItem(pg.GraphicsObject):
    """A layer of the chart that redraws only where something changed.

    A subclass says where it lives (`pane`), what changed from one frame to the next (`changed`), and draws (`draw`);
    all three in scene coordinates, logical pixels. `z` orders the layers, larger is nearer to the eye.

    A layer with a `name` is an overlay: it can be shown and hidden. Menu, key list and `snapshot --show` derive from these
    attributes. Layers that belong together have the same name; then the first of them in the table says the rest.
    """

    name: str = ""
    """What an overlay is called on the command line and in the settings, as `"vwap-week"`; empty: always there."""
    title: str = ""
    """What it is called in the menu."""
    help: str = ""
    """What it shows, in a line."""
    keys: tuple[str, ...] = ()
    """What shows and hides it, in Qt's notation."""
    shown_at_first: bool = True
    """Whether it is shown until the user says otherwise."""
    z: float = 0.0
    rest_s: float = 0.0
    """How long this layer rests after it looked at new trades; a moved view never waits."""
    kept: bool = False
    """Whether it draws over the price pane alone and rather seldom: then it is drawn into a picture, see `kept_picture`."""

    def __init__(self) -> None:
        super().__init__()
        self.setZValue(self.z)
        self.setFlag(self.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # the exposed rectangle, not the whole item
        self._frame: Frame | None = None
        self.followed_ns = -(1 << 62)
        """When it last looked at new trades."""
        self.waits = False
        """Whether it leaves new trades to a later frame: other layers have their turn."""
        self._bounds = QRectF()
        self.pictures: Sequence[LayerPicture] = ()
        """Where a kept layer is drawn on the screen; whoever puts layers together says so."""

    def pane(self, frame: Frame) -> QRectF:
        """The area this item draws in."""
        raise NotImplementedError

    def changed(self, old: Frame, new: Frame) -> QRectF | Sequence[QRectF] | None:
        """What must be drawn again, one rectangle or several, or None for nothing.

        Not asked when pane, theme or scale changed; with other rules all is drawn again, whatever it says.
        """
        raise NotImplementedError

    def draw(self, painter: QPainter, frame: Frame, exposed: QRectF) -> None:
        """Draw at least what lies inside `exposed`; the painter is clipped to the pane."""
        raise NotImplementedError

    @classmethod
    def strip(cls, rules: CalculationSettings) -> Strip | None:
        """The room of its own that it wants under the bars; `frame.layout.strip_of(name)` says where it lies."""
        return None

    def legend(self, frame: Frame) -> str:
        """What an overlay tells in the legend: rules and sources, not figures that every trade changes. Empty for nothing."""
        return ""

    def price_tags(self, frame: Frame) -> tuple[float, ...]:
        """Heights at which this item puts tags on the price axis, which leaves out the labels under them."""
        return ()

    def hits(self, frame: Frame, x: float, y: float) -> Sequence[HitTarget]:
        """What can be explained of that which it draws at a point, the likeliest first."""
        return ()

    def refresh(self, frame: Frame) -> bool:
        """Take note of a frame; asks for the repaint of what changed and says whether there was anything."""
        old = self._frame
        only_trades = old is not None and frame.differs_by_trades_only(old)
        if only_trades and (self.waits or self._rests(frame)):
            return False  # `old` stays, so that nothing is forgotten
        self._frame = frame
        if old is None or old.layout != frame.layout:
            bounds = self.pane(frame)
            if bounds != self._bounds:
                self.prepareGeometryChange()
                self._bounds = bounds
        if old is None or old.layout != frame.layout or old.theme != frame.theme or old.dpr != frame.dpr:
            region: QRectF | Sequence[QRectF] | None = self._bounds
        else:
            region = self.changed(old, frame)
            if old.rules is not frame.rules:
                region = self._bounds
        rects = (region,) if isinstance(region, QRectF) else region or ()
        dirty = False
        for rect in rects:
            if not rect.isEmpty():
                self._repaint(rect)
                dirty = True
        if only_trades and old is not None and frame.revision != old.revision:
            self.followed_ns = frame.now_ns
        return dirty

    def is_due(self, frame: Frame) -> bool:
        """Whether it has rested, and new trades are all that it would look at."""
        old = self._frame
        if not self.rest_s or old is None or frame.revision == old.revision:
            return False
        return not self._rests(frame) and frame.differs_by_trades_only(old)

    def _rests(self, frame: Frame) -> bool:
        return 0 <= frame.now_ns - self.followed_ns < self.rest_s * 1e9

    def forget(self) -> None:
        """Take the next frame as the first: the layer was hidden meanwhile."""
        self._frame = None

    def _repaint(self, rect: QRectF) -> None:
        """Ask the views directly: `QGraphicsItem.update` adds a margin, which would make every neighbour draw too."""
        scene, aligned = self.scene(), rect.toAlignedRect()
        for picture in self.pictures:
            picture.spoil(self, aligned)
        for view in scene.views() if scene is not None else ():
            view.viewport().update(aligned)

    def idle(self, budget_s: float) -> bool:
        """Use up to `budget_s` seconds for what the next frames may need; whether there is more to do."""
        return False

    def settle(self) -> None:
        """Finish what was put off to later frames."""

    def take_after(self, other: ChartItem) -> None:
        """Adopt what makes the picture the same as another item's of the same class; for pictures of a view."""

    def boundingRect(self) -> QRectF:
        """The pane."""
        return self._bounds

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Called by Qt for an exposed region."""
        if self._frame is None or (self.pictures and widget is not None):
            return
        # a copy: it dies with this call. Qt unites the dirty rectangles of all items before it cuts off what is not ours
        self.draw_part(painter, QRectF(option.exposedRect) & dirty_bounds(painter, self._bounds))  # type: ignore[attr-defined]

    def draw_part(self, painter: QPainter, exposed: QRectF) -> None:
        """Draw what lies inside a rectangle of the scene, and nothing beside it."""
        exposed = exposed & self._bounds
        if self._frame is None or exposed.isEmpty():
            return
        painter.save()
        painter.setClipRect(exposed)
        try:
            self.draw(painter, self._frame, exposed)
        except Exception as error:  # a mistake in one layer must not take the others with it
            self.report(error)
        finally:
            painter.restore()

    def report(self, error: Exception) -> None:
        """Tell the scene that this layer raised; without one that listens, let it through."""
        scene = self.scene()
        if not isinstance(scene, LayerErrorHandler):
            raise error
        scene.layer_failed(self, error)
