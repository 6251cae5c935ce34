"""The part of a painter's surface that Qt is repainting."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QRegion


def exposed_region(painter: QPainter) -> QRegion | None:
    """The region that is being repainted, in device pixels of the painter's surface; None if everything is repainted."""
    engine = painter.paintEngine()
    region = engine.systemClip() if engine is not None else QRegion()  # pyright: ignore[reportUnnecessaryComparison]
    return None if region.isEmpty() else region


def is_exposed(painter: QPainter, rect: QRectF) -> bool:
    """True if any part of a rectangle, in the painter's coordinates, is being repainted."""
    region = exposed_region(painter)
    return region is None or region.intersects(painter.deviceTransform().mapRect(rect).toAlignedRect())


def exposed_bounds(painter: QPainter, bounds: QRectF) -> QRectF:
    """The smallest rectangle around the repainted part of `bounds`, in the painter's coordinates; empty if none is repainted."""
    region = exposed_region(painter)
    if region is None:
        return bounds
    to_device = painter.deviceTransform()
    inside = QRectF(region.intersected(to_device.mapRect(bounds).toAlignedRect()).boundingRect())
    return to_device.inverted()[0].mapRect(inside) if not inside.isEmpty() else QRectF()
