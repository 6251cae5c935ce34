"""The view on a chart: hands mouse and size to the scene, and owns the surface that is painted on."""

from __future__ import annotations

from pyqtgraph.Qt.OpenGLHelpers import GraphicsViewGLWidget
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsView, QWidget

from rendering.scene import ChartScene
from widgets.tools import PanAndZoom


class ChartView(QGraphicsView):
    """One chart on the screen; scene coordinates are the view's own logical pixels.

    Parameters
    ----------
    scene : ChartScene
        What to show.
    use_gl : bool
        Paint through an OpenGL viewport instead of raster tiles.
    """

    def __init__(
        self,
        scene: ChartScene,
        *,
        use_gl: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
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
        """Show another chart."""
        self.chart_scene = scene
        self._mouse = PanAndZoom(scene)
        self.setScene(scene)
        self._fit_scene()

    def use_gl(self, on: bool) -> None:
        """Change the surface; what is on it is painted again."""
        self.setViewport(GraphicsViewGLWidget() if on else QWidget())
        # an OpenGL viewport is always repainted whole, a raster one only where it changed
        mode = QGraphicsView.ViewportUpdateMode
        self.setViewportUpdateMode(mode.FullViewportUpdate if on else mode.MinimalViewportUpdate)
        self.viewport().setMouseTracking(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def _fit_scene(self) -> None:
        size = self.viewport().size()
        self.setSceneRect(0, 0, size.width(), size.height())
        self.chart_scene.resize(size.width(), size.height(), self.devicePixelRatioF())

    # -- Qt's events -----------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_scene()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._fit_scene()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._mouse.press(event.position().x(), event.position().y())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x, y = event.position().x(), event.position().y()
        self._mouse.move(x, y)
        self.chart_scene.set_cursor((x, y))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self._mouse.release()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._mouse.double_click(event.position().x(), event.position().y())

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
