"""The OpenGL painter's objects on the graphics card: programs, buffers, glyph atlas.

This module uploads and draws instances and does not depend on bars. All calls need a current OpenGL context.
"""

from __future__ import annotations

from importlib import resources

import numpy as np
import shiboken6
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage, QOffscreenSurface, QOpenGLContext, QOpenGLExtraFunctions
from PySide6.QtOpenGL import QOpenGLBuffer, QOpenGLShader, QOpenGLShaderProgram, QOpenGLTexture, QOpenGLVertexArrayObject

from app.errors import TapeprintError
from rendering.paint.instances import GLYPH, QUAD

GL_FLOAT, GL_UNSIGNED_BYTE, GL_TRIANGLE_STRIP = 0x1406, 0x1401, 0x0005
GL_BLEND, GL_ONE, GL_ONE_MINUS_SRC_ALPHA = 0x0BE2, 1, 0x0303
GL_SCISSOR_TEST, GL_DEPTH_TEST, GL_STENCIL_TEST, GL_CULL_FACE = 0x0C11, 0x0B71, 0x0B90, 0x0B44
_SPARE_FACTOR = 1.5  # a new buffer is this many times as large as the rows that it is created for


class GlError(TapeprintError):
    """Raised when OpenGL fails; the raster painter takes over."""


class InstanceBuffer:
    """A vertex buffer for one kind of instance, rectangles or glyphs, and the shader program that draws it.

    Attributes
    ----------
    uploaded_bytes : int
        Number of bytes uploaded so far, for tests.
    """

    def __init__(self, program: QOpenGLShaderProgram, dtype: np.dtype, attributes: tuple[tuple[str, int, str], ...]) -> None:
        self._program, self._dtype, self._attributes = program, dtype, attributes
        self._buffer = QOpenGLBuffer(QOpenGLBuffer.Type.VertexBuffer)
        self._state = QOpenGLVertexArrayObject()
        if not (self._buffer.create() and self._state.create()):
            raise GlError("the driver could not create vertex buffers")
        self._buffer.setUsagePattern(QOpenGLBuffer.UsagePattern.DynamicDraw)
        self._offsets = {name: int(field[1]) for name, field in (dtype.fields or {}).items()}
        self._capacity = 0
        self.uploaded_bytes = 0

    def write(self, rows: np.ndarray, start: int) -> None:
        """Write instances to the buffer, from row `start` on.

        If the rows do not fit, a larger buffer is created; it must be written from row 0.

        Raises
        ------
        GlError
            If the rows do not fit and `start` is not 0.
        """
        self._buffer.bind()
        end = start + len(rows)
        if end > self._capacity:
            if start:
                raise GlError("a vertex buffer was outgrown piecemeal")
            self._capacity = max(256, int(end * _SPARE_FACTOR))
            self._buffer.allocate(self._capacity * self._dtype.itemsize)
        if len(rows):
            data = rows.tobytes()
            self._buffer.write(start * self._dtype.itemsize, data, len(data))  # type: ignore[arg-type]  # takes bytes
            self.uploaded_bytes += len(data)
        self._buffer.release()

    def fits(self, rows: int) -> bool:
        """True if this many instances fit into the buffer."""
        return rows <= self._capacity

    def draw(self, functions: QOpenGLExtraFunctions, rows: int) -> None:
        """Draw the first `rows` instances as rectangles of two triangles each.

        The program must be bound and its uniforms set.
        """
        if not rows:
            return
        self._state.bind()
        self._buffer.bind()
        for name, size, kind in self._attributes:
            place = self._program.attributeLocation(name)
            self._program.enableAttributeArray(place)
            at = shiboken6.VoidPtr(self._offsets[name])
            code, normalised = (GL_FLOAT, False) if kind == "float" else (GL_UNSIGNED_BYTE, True)
            functions.glVertexAttribPointer(place, size, code, normalised, self._dtype.itemsize, at)  # type: ignore[arg-type]
            functions.glVertexAttribDivisor(place, 1)
        functions.glDrawArraysInstanced(GL_TRIANGLE_STRIP, 0, 4, rows)
        self._buffer.release()
        self._state.release()

    def destroy(self) -> None:
        """Release the buffer on the graphics card."""
        self._state.destroy()
        self._buffer.destroy()


class GlSurface:
    """The OpenGL painter's programs, buffers and glyph atlas in one OpenGL context.

    Raises
    ------
    GlError
        If the OpenGL version is too old, or the driver cannot create a program or buffer.
    """

    def __init__(self, context: QOpenGLContext) -> None:
        self.context = context
        self._offscreen = QOffscreenSurface()  # to release everything when the window's own surface is gone
        self._offscreen.setFormat(context.format())
        self._offscreen.create()
        self.functions = context.extraFunctions()
        version = (context.format().majorVersion(), context.format().minorVersion())
        if version < ((3, 0) if context.isOpenGLES() else (3, 3)):
            raise GlError(f"OpenGL {version[0]}.{version[1]} is too old (3.3 required)")
        self._quad_program = _program("quad", context.isOpenGLES())
        self._glyph_program = _program("glyph", context.isOpenGLES())
        self.quads = InstanceBuffer(self._quad_program, QUAD, (("rect", 4, "float"), ("colour", 4, "byte")))
        self.glyphs = InstanceBuffer(self._glyph_program, GLYPH, (("place", 2, "float"), ("glyph", 1, "float")))
        self._atlas: QOpenGLTexture | None = None
        self._glyph_size, self._columns = (1.0, 1.0), 1.0

    def set_atlas(self, pixels: np.ndarray, glyph_size: tuple[int, int]) -> None:
        """Replace the glyph atlas by `pixels`, uint8 RGBA, premultiplied [shape=(height, width, 4)]; `glyph_size` is (width, height)."""
        if self._atlas is not None:
            self._atlas.destroy()
        height, width, _ = pixels.shape
        image = QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
        atlas = QOpenGLTexture(QOpenGLTexture.Target.Target2D)
        atlas.setMinMagFilters(QOpenGLTexture.Filter.Nearest, QOpenGLTexture.Filter.Nearest)
        atlas.setData(image, QOpenGLTexture.MipMapGeneration.DontGenerateMipMaps)
        self._atlas, self._glyph_size, self._columns = atlas, (float(glyph_size[0]), float(glyph_size[1])), float(width // glyph_size[0])

    def draw(self, n_quads: int, n_glyphs: int, surface: QSize, clip: tuple[int, int, int, int], offset: tuple[int, int]) -> None:
        """Draw the uploaded instances inside `clip`.

        `clip` is left, top, width, height in pixels of the surface; `offset` is the position of the instances' origin on it.

        Raises
        ------
        GlError
            If OpenGL reports an error.
        """
        gl = self.functions
        gl.glViewport(0, 0, surface.width(), surface.height())
        for off in (GL_DEPTH_TEST, GL_STENCIL_TEST, GL_CULL_FACE):
            gl.glDisable(off)
        gl.glEnable(GL_SCISSOR_TEST)
        gl.glScissor(clip[0], surface.height() - clip[1] - clip[3], clip[2], clip[3])
        gl.glEnable(GL_BLEND)
        gl.glBlendFunc(GL_ONE, GL_ONE_MINUS_SRC_ALPHA)
        self._quad_program.bind()
        self._place(self._quad_program, surface, offset)
        self.quads.draw(gl, n_quads)
        self._quad_program.release()
        if n_glyphs and self._atlas is not None:
            program = self._glyph_program
            program.bind()
            self._place(program, surface, offset)
            program.setUniformValue1f(program.uniformLocation("columns"), self._columns)
            gl.glUniform2f(program.uniformLocation("size"), *self._glyph_size)
            program.setUniformValue1i(program.uniformLocation("atlas"), 0)
            self._atlas.bind(0)
            self.glyphs.draw(gl, n_glyphs)
            self._atlas.release()
            program.release()
        gl.glDisable(GL_SCISSOR_TEST)
        if error := gl.glGetError():
            raise GlError(f"OpenGL reports error 0x{error:04x}")

    def destroy(self) -> None:
        """Release all objects on the graphics card while their context still exists; do nothing if it cannot be made current."""
        if not self.context.makeCurrent(self._offscreen):
            return
        for part in (self.quads, self.glyphs, *([self._atlas] if self._atlas is not None else [])):
            part.destroy()
        self._quad_program.removeAllShaders()
        self._glyph_program.removeAllShaders()
        self.context.doneCurrent()

    def _place(self, program: QOpenGLShaderProgram, surface: QSize, offset: tuple[int, int]) -> None:
        self.functions.glUniform2f(program.uniformLocation("offset"), float(offset[0]), float(offset[1]))
        self.functions.glUniform2f(program.uniformLocation("surface"), float(surface.width()), float(surface.height()))


def _program(name: str, is_es: bool) -> QOpenGLShaderProgram:
    ahead = "#version 300 es\nprecision highp float;\nprecision highp int;\n" if is_es else "#version 330\n"
    program = QOpenGLShaderProgram()
    folder = resources.files("resources") / "shaders"
    for kind, suffix in ((QOpenGLShader.ShaderTypeBit.Vertex, "vert"), (QOpenGLShader.ShaderTypeBit.Fragment, "frag")):
        if not program.addShaderFromSourceCode(kind, ahead + (folder / f"{name}.{suffix}").read_text()):
            raise GlError(f"the driver failed to compile {name}.{suffix}", detail=program.log())
    if not program.link():
        raise GlError(f"the driver failed to link {name}", detail=program.log())
    return program
