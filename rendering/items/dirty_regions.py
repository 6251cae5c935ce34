"""Find the regions of a layer that changed between two frames, and mark them to be painted again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QRect, QRectF
from PySide6.QtWidgets import QGraphicsScene

from rendering.view.frame import Frame

Region = QRectF | Sequence[QRectF] | None


def dirty_rects(bounds: QRectF, changed: Callable[[Frame, Frame], Region], old: Frame | None, new: Frame) -> list[QRectF]:
    """The rectangles of a layer to paint again, in scene coordinates; empty rectangles are left out.

    After a change of layout, theme, pixel ratio or calculation settings, or for a first frame, the result is `bounds`, the complete
    layer, else what `changed` returns.
    """
    if old is None or old.layout != new.layout or old.theme != new.theme or old.dpr != new.dpr:
        region: Region = bounds
    else:
        region = changed(old, new)
        if old.rules is not new.rules:
            region = bounds
    rects = (region,) if isinstance(region, QRectF) else region or ()
    return [rect for rect in rects if not rect.isEmpty()]


def mark_dirty(scene: QGraphicsScene | None, rect: QRect) -> None:
    """Mark a rectangle to be painted again in all views of a scene; without a scene, do nothing.

    The views are updated directly, because `QGraphicsItem.update` adds a margin and so makes all neighbouring layers draw too.
    """
    for view in scene.views() if scene is not None else ():
        view.viewport().update(rect)
