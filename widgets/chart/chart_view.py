"""The widget that shows a chart, and passes mouse, keys and size to its scene and tools."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QEvent, QPoint, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QHideEvent, QKeyEvent, QMouseEvent, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsView, QWidget

from rendering.scene.chart_point import ChartPoint, chart_point_at
from rendering.scene.scene import ChartScene
from widgets.chart.alert_drag import AlertDrag
from widgets.chart.pan_zoom import PanAndZoom
from widgets.chart.profile_tool import ProfileTool

_NUDGES = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
_NUDGE_KEYS = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier)
_AS_OF_KEY = Qt.Key.Key_K
_INPUT = frozenset(
    {
        *(QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease, QEvent.Type.MouseButtonDblClick),
        *(QEvent.Type.Wheel, QEvent.Type.Leave, QEvent.Type.Resize, QEvent.Type.KeyPress, QEvent.Type.KeyRelease),
    }
)


class ChartView(QGraphicsView):
    """The widget that shows one chart; scene coordinates are logical pixels of the widget.

    Parameters
    ----------
    scene : ChartScene
        The chart to show.
    use_gl : bool
        Draw with OpenGL instead of raster tiles.

    Attributes
    ----------
    anchors : ProfileTool
        Mouse handling for profiles.
    alert_handle : AlertDrag or None
        Mouse handling for alert tags.
    on_told : callable
        Called with a status bar text: the result of a tool; an empty text removes the tool's hint.
    on_edit : callable
        Called after the flag of a profile was double-clicked, which selects the profile.
    on_click : callable
        Called with the position of a click: a press that no tool handled, released at the same place.
    on_focus : callable
        Called when the chart gets the keyboard's focus.
    paint_s : float
        Time that the last painting took, s.
    on_input : callable
        Called for each mouse, wheel, key and resize event, as each may change the chart.
    on_frame : callable
        Called in each frame with the scene and the surface that it is painted on; refreshes the scene if anything has changed, and
        returns False if there was nothing to do.
    on_painted : callable
        Called when a frame is on the screen: at the end of its painting or, with OpenGL, after the swap of the buffers.
    on_menu : callable
        Called with a screen position and the point of the chart there, when the menu is requested by mouse or key.
    """

    def __init__(
        self,
        scene: ChartScene,
        *,
        use_gl: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.alert_handle: AlertDrag | None = None
        self.on_told: Callable[[str], None] = lambda line: None
        self.on_edit: Callable[[], None] = lambda: None
        self.on_focus: Callable[[], None] = lambda: None
        self.on_input: Callable[[], None] = lambda: None
        self.on_frame: Callable[[ChartScene, QWidget], bool] = lambda scene, surface: scene.refresh_if_changed()
        self.on_painted: Callable[[], object] = lambda: None
        self.paint_s = 0.0
        self.on_menu: Callable[[QPoint, ChartPoint], None] = lambda place, spot: None
        self.on_click: Callable[[float, float], None] = lambda x, y: None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.setOptimizationFlag(QGraphicsView.OptimizationFlag.DontSavePainterState)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Chart")
        self.setMinimumSize(QSize(320, 200))
        self.use_gl(use_gl)
        self.show_scene(scene)

    def show_scene(self, scene: ChartScene) -> None:
        """Show another chart's scene, and pass mouse and keys to it from now on."""
        if self.scene() is not None:  # pyright: ignore[reportUnnecessaryComparison]
            self.chart_scene.leave_screen()
        self.chart_scene = scene
        self._mouse = PanAndZoom(scene)
        self.anchors = ProfileTool(scene, lambda line: self.on_told(line))
        self.setScene(scene)
        self._fit_scene()

    def use_gl(self, on: bool) -> None:
        """Draw with OpenGL, or without it if `on` is False, in a new Qt viewport; everything is painted again."""
        self._swaps = on
        if on:
            from pyqtgraph.Qt.OpenGLHelpers import GraphicsViewGLWidget  # loads all of pyqtgraph

            surface = GraphicsViewGLWidget()
            surface.frameSwapped.connect(lambda: self.on_painted())
            self.setViewport(surface)
        else:
            self.setViewport(QWidget())
        # an OpenGL viewport is always repainted completely, a raster one only where it changed
        mode = QGraphicsView.ViewportUpdateMode
        self.setViewportUpdateMode(mode.FullViewportUpdate if on else mode.MinimalViewportUpdate)
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def _fit_scene(self) -> None:
        size = self.viewport().size()
        self.setSceneRect(0, 0, size.width(), size.height())
        self.chart_scene.resize(size.width(), size.height(), self.devicePixelRatioF())

    @property
    def on_screen(self) -> bool:
        """Whether the chart can be seen; False if it or its tab is hidden, or its window minimised."""
        return self.isVisible() and not self.window().isMinimized()

    def refresh_if_changed(self) -> bool:
        """Refresh the scene if anything has changed; return False if there was nothing to do."""
        return self.on_frame(self.chart_scene, self.viewport())

    def show_cursor(self) -> None:
        """Set the shape of the mouse cursor to match the state of the profile tool."""
        if self.cursor().shape() is not self.anchors.cursor:
            self.setCursor(self.anchors.cursor)

    # -- Qt's events -----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_scene()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.chart_scene.return_to_screen()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.chart_scene.leave_screen()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._fit_scene()

    def event(self, event: QEvent) -> bool:
        """Give the chart's own keys precedence over the window's shortcuts; call `on_input` for mouse, key and resize events.

        While a profile is selected, Left and Right move its start (with Alt, the end of a range) instead of the view. K shows the as-of
        view while it is held down.
        """
        if event.type() is QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and (self._nudges(event) or _is_as_of_key(event)):
            event.accept()
            return True
        if event.type() in _INPUT:
            self.on_input()
        return super().event(event)

    def viewportEvent(self, event: QEvent) -> bool:
        kind = event.type()
        if kind in _INPUT:
            self.on_input()
        if kind is not QEvent.Type.Paint:
            return super().viewportEvent(event)
        started = time.perf_counter()
        painted = super().viewportEvent(event)
        self.paint_s = time.perf_counter() - started
        if not self._swaps:
            self.on_painted()
        return painted

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._nudges(event):
            self.anchors.nudge(_NUDGES[Qt.Key(event.key())], end=bool(event.modifiers() & Qt.KeyboardModifier.AltModifier))
        elif _is_as_of_key(event):
            self.chart_scene.as_of.held = True
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == _AS_OF_KEY and not event.isAutoRepeat():  # even if other keys are held down by now
            self.chart_scene.as_of.held = False
        else:
            super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.on_focus()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.chart_scene.as_of.held = False  # another widget will receive the key release

    def _nudges(self, event: QKeyEvent) -> bool:
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        return event.key() in _NUDGES and modifiers in _NUDGE_KEYS and self.chart_scene.chart.anchors.selected is not None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        x, y = event.position().x(), event.position().y()
        taken = event.button() is not Qt.MouseButton.LeftButton or (self.alert_handle and self.alert_handle.press(x, y))
        if not taken and not self.anchors.press(x, y, event.modifiers()):
            self._mouse.press(x, y)
        self.show_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x, y = event.position().x(), event.position().y()
        if not (self.alert_handle and self.alert_handle.move(x, y)) and not self.anchors.move(x, y):
            self._mouse.move(x, y)
        self.chart_scene.set_cursor((x, y))
        self.show_cursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        taken = event.button() is not Qt.MouseButton.LeftButton or (self.alert_handle and self.alert_handle.release())
        if not taken and not self.anchors.release() and self._mouse.release():
            self.on_click(event.position().x(), event.position().y())
        self.show_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        x, y = event.position().x(), event.position().y()
        if self.anchors.double_click(x, y):
            self.on_edit()
        else:
            self._mouse.double_click(x, y)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        frame = self.chart_scene.frame
        if frame is None or self._mouse.dragging:
            return
        place = event.pos()
        if event.reason() is QContextMenuEvent.Reason.Keyboard:
            x, y = self.chart_scene.cursor or (frame.layout.price.width / 2, frame.layout.price.height / 2)
            place = QPoint(round(x), round(y))
        self.on_menu(self.viewport().mapToGlobal(place), chart_point_at(frame, place.x(), place.y()))
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        modifiers = event.modifiers()
        pan = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
        delta = event.angleDelta()
        notches = (delta.y() or delta.x()) / 120.0
        if not delta.y() and delta.x():  # two fingers sideways on a trackpad
            pan = True
        price = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        self._mouse.wheel(event.position().x(), event.position().y(), notches, price=price, pan=pan)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.chart_scene.set_cursor(None)


def _is_as_of_key(event: QKeyEvent) -> bool:
    return event.key() == _AS_OF_KEY and event.modifiers() == Qt.KeyboardModifier.NoModifier
