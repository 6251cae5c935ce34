"""Viewports on OpenGL."""

from PySide6.QtOpenGLWidgets import QOpenGLWidget

class GraphicsViewGLWidget(QOpenGLWidget):
    def __init__(self) -> None: ...
