"""An image of a scene, drawn without a widget and without a display."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from app.errors import TapeprintError

if TYPE_CHECKING:
    from rendering.scene.scene import ChartScene


def scene_image(scene: ChartScene, now_ns: int | None) -> QImage:
    """An image of all layers at a time of our clock, in the scene's device pixels.

    Raises
    ------
    TapeprintError
        If a layer cannot be drawn: an image without it would be incomplete.
    """
    failures = dict(scene.failures)
    scene.refresh(now_ns)
    scene.settle()
    whole = scene.sceneRect()
    image = QImage(round(whole.width() * scene.dpr), round(whole.height() * scene.dpr), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(scene.dpr)
    image.fill(QColor(*scene.theme.background))
    with QPainter(image) as painter:  # a painter that outlives its image crashes the process
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        scene.render(painter, QRectF(whole), QRectF(whole), Qt.AspectRatioMode.IgnoreAspectRatio)
    if scene.failures != failures or any(scene.layers.is_out_of_use(item) for item in scene.layers.items):
        raise TapeprintError(f"picture: could not draw {', '.join(scene.failures)}, see the log")
    return image
