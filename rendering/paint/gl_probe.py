"""A test of this machine's OpenGL, with an offscreen context."""

from __future__ import annotations

import time
from dataclasses import dataclass

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
from PySide6.QtOpenGL import QOpenGLFramebufferObject

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "gdi generic", "microsoft basic render", "software")
_GL_RENDERER, _GL_VERSION, _GL_COLOR_BUFFER_BIT = 0x1F01, 0x1F02, 0x4000
_FRAMES = 3


@dataclass(frozen=True, slots=True)
class GlProbe:
    """The result of testing OpenGL.

    Attributes
    ----------
    works : bool
        Whether an OpenGL context could be created and used.
    renderer, version : str
        Names that the driver reports; may be empty if OpenGL does not work.
    is_hardware : bool
        Whether a graphics card draws, and not software.
    empty_frame_ms : float
        Time to clear and finish a frame of 1600 x 900 pixels; median of three.
    reason : str
        Reason if OpenGL does not work; empty if it does.
    """

    works: bool
    renderer: str = ""
    version: str = ""
    is_hardware: bool = False
    empty_frame_ms: float = 0.0
    reason: str = ""


def probe_gl() -> GlProbe:
    """Test this machine's OpenGL by drawing three empty frames; needs a QGuiApplication."""
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        return GlProbe(False, reason=f"not supported on the {QGuiApplication.platformName()} platform")
    context = QOpenGLContext()
    if not context.create():
        return GlProbe(False, reason="the driver could not create a context")
    surface = QOffscreenSurface()
    surface.setFormat(context.format())
    surface.create()
    if not surface.isValid() or not context.makeCurrent(surface):
        return GlProbe(False, reason="the driver could not create a surface")
    try:
        functions = context.functions()
        renderer, version = str(functions.glGetString(_GL_RENDERER)), str(functions.glGetString(_GL_VERSION))
        target = QOpenGLFramebufferObject(1600, 900)
        if not target.bind():
            return GlProbe(False, renderer, version, reason="the driver could not create a framebuffer")
        times: list[float] = []
        for _ in range(_FRAMES):
            started = time.perf_counter()
            functions.glClearColor(0.1, 0.1, 0.1, 1.0)
            functions.glClear(_GL_COLOR_BUFFER_BIT)
            functions.glFinish()
            times.append(1000 * (time.perf_counter() - started))
        target.release()
    finally:
        context.doneCurrent()
    return GlProbe(True, renderer, version, is_hardware_renderer(renderer), sorted(times)[_FRAMES // 2])


def is_hardware_renderer(renderer: str) -> bool:
    """True if a renderer's name is that of a graphics card; False for a software renderer or an empty name."""
    name = renderer.lower()
    return bool(name) and not any(word in name for word in _SOFTWARE)
