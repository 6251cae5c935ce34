"""Who draws the cells on this machine: OpenGL where the driver is hardware and fast, raster tiles elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from rendering.paint.gl_probe import GlProbe, probe_gl
from rendering.view.frame import PainterName

FRAME_BUDGET_MS = 8.0
"""An empty frame that takes longer than this leaves no time to draw in."""


@dataclass(frozen=True, slots=True)
class PainterChoice:
    """The painter, and why."""

    painter: PainterName
    reason: str


def choose_painter(wanted: str = "auto", probe: GlProbe | None = None) -> PainterChoice:
    """The painter for this machine.

    Parameters
    ----------
    wanted : "auto", "gl" or "raster"
        What the user asked for; `gl` is honoured wherever a context can be made.
    probe : GlProbe, optional
        What the driver says; it is asked unless given.
    """
    if wanted == "raster":
        return PainterChoice("raster", "requested")
    probe = probe or probe_gl()
    if not probe.works:
        return PainterChoice("raster", f"no OpenGL: {probe.reason}")
    if wanted == "gl":
        return PainterChoice("gl", f"requested, on {probe.renderer}")
    if not probe.is_hardware:
        return PainterChoice("raster", f"{probe.renderer} is a software renderer")
    if probe.empty_frame_ms > FRAME_BUDGET_MS:
        return PainterChoice("raster", f"{probe.renderer} needs {probe.empty_frame_ms:.0f} ms per empty frame")
    return PainterChoice("gl", probe.renderer)
