"""The choice of the painter for this machine: OpenGL on a fast graphics card, else raster tiles."""

from __future__ import annotations

from dataclasses import dataclass

from rendering.paint.gl_probe import GlProbe, probe_gl
from rendering.view.frame import PainterName

FRAME_BUDGET_MS = 8.0
"""An empty frame that takes longer leaves no time for drawing."""


@dataclass(frozen=True, slots=True)
class PainterChoice:
    """The name of a painter, and the reason why it was chosen."""

    painter: PainterName
    reason: str


def choose_painter(wanted: str = "auto", probe: GlProbe | None = None) -> PainterChoice:
    """Choose the painter for this machine, and give the reason; `raster` whenever OpenGL does not work.

    Parameters
    ----------
    wanted : "auto", "gl" or "raster"
        The user's setting; `gl` also allows software and slow drivers.
    probe : GlProbe, optional
        The result of a test of OpenGL; by default OpenGL is tested now, unless `wanted` is "raster".
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
