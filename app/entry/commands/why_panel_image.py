"""The Why? panel in an image, for the value at a time and price."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QImage, QPainter

from app.entry.commands.common import parse_time
from app.errors import BadInputError
from app.explain.answer import find_trades
from rendering.scene.explanation_placement import panel_box
from rendering.scene.scene import ChartScene
from widgets.panels.explanation import WhyPanel
from widgets.parts.qt_palette import palette_of


def draw_panel(scene: ChartScene, image: QImage, where: str) -> None:
    """Draw the Why? panel for the value at `TIME@PRICE` into an image of the scene.

    Raises
    ------
    BadInputError
        If the text has another format, the place is out of view, or there is no value there.
    """
    x, y = _place(scene, where)
    frame = scene.frame
    questions = [] if frame is None else scene.layers.hits(frame, x, y)
    if frame is None or not questions:
        raise BadInputError(f"--why: nothing to explain at {where}; the bar and price must be in view")
    answer = find_trades(scene.chart, questions[0].ask())
    panel = WhyPanel(scene.theme)
    panel.setPalette(palette_of(scene.theme))
    room = QSize(frame.layout.plot_right - 8, frame.layout.time_axis.top - 8)
    panel.show_answer(answer, (0, len(questions)), scene.theme, room)
    box = panel_box(frame, answer.explanation, (float(panel.width()), float(panel.height())), (x, y))
    with QPainter(image) as painter:
        panel.render(painter, QPoint(int(box.left), int(box.top)))


def _place(scene: ChartScene, where: str) -> tuple[float, float]:
    moment, _, price_text = where.rpartition("@")
    series, viewport = scene.chart.series, scene.viewport
    if not moment or not price_text:
        raise BadInputError(f"--why: found {where!r}, expected TIME@PRICE, e.g. 2026-11-21T15:30Z@43700.1")
    number = series.times.number(parse_time(moment))
    if not np.isin(number, series.number):
        raise BadInputError(f"--why: no bar at {moment}; choose a time with trades")
    row = series.grid.row(int(series.grid.ticks([price_text])[0]))
    x, y = viewport.x(number + 0.5), viewport.y((row + 0.5) * series.grid.ticks_per_row)
    if not scene.layout.price.holds(math.floor(x), math.floor(y)):
        raise BadInputError(f"--why: {where} is out of view")
    return x, y
