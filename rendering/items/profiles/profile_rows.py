"""The rows of a volume profile in pixels, and their drawing, for all kinds of volume profile.

The edges of rows are the same rounded pixels as the edges of cells, so a row lines up with the cells whose volume it sums.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from PySide6.QtGui import QPainter

from app.profiles.profile_settings import Placement, ProfileSettings, VolumeDisplay
from app.profiles.profile_values import ProfileValues
from rendering.paint.bar_zones import BarZones
from rendering.paint.rect_batch import RectBatch
from rendering.style.profile_palette import profile_palette
from rendering.view.detail import Detail
from rendering.view.frame import Frame


class ProfileBars(NamedTuple):
    """The rows of a profile in device pixels, int64 [shape=(n,)], lowest price first.

    `top` and `height` are the row's position in the price pane; `sell`, `buy` and `other` are the lengths of its parts, which are
    drawn one after the other; `in_value_area`, bool, decides its colours.
    """

    top: np.ndarray
    height: np.ndarray
    sell: np.ndarray
    buy: np.ndarray
    other: np.ndarray
    in_value_area: np.ndarray


def profile_bars(
    frame: Frame, figures: ProfileValues, shown: VolumeDisplay, full_px: float, between: tuple[float, float] | None = None
) -> ProfileBars:
    """The visible rows of a profile, at a scale at which its longest row has length `full_px`, in logical pixels.

    With `between`, only rows that touch the heights between these two y positions. The ends of a row's parts are rounded, not their
    lengths, so a row's length does not depend on its split. Where several rows share a pixel, it shows the longest of them.
    """
    rows = figures.rows
    profile, step = rows.profile, rows.ticks_per_row
    low, high = frame.viewport.visible_ticks()
    if between is not None:  # a tick more on each side: edges are rounded
        above, below = between
        low, high = max(low, math.floor(frame.viewport.ticks_at(below)) - 1), min(high, math.ceil(frame.viewport.ticks_at(above)) + 1)
    first = min(max((low - rows.low_ticks) // step, 0), profile.n_rows)
    end = min(max((high - rows.low_ticks) // step + 1, first), profile.n_rows)
    edges = frame.pixels.price_y(rows.low_ticks + np.arange(first, end + 1) * float(step)) - frame.pixels.top
    bottom, top = edges[:-1], edges[1:]
    number = np.arange(first, end)
    length = np.abs(profile.delta) if shown is VolumeDisplay.DELTA else profile.total
    if number.size and (top == bottom).any():
        number, top = _largest_of_each_pixel(number, bottom - 1, length)
        bottom = top + 1
    scale = full_px * frame.dpr / max(int(length.max()), 1)
    sell, buy, other = _parts(figures, number, shown)
    ends = [np.floor(part * scale + 0.5).astype(np.int64) for part in (sell, sell + buy, sell + buy + other)]
    gap = BarZones.of(frame.pixels.bar_pitch, step * frame.pixels.tick_pitch, frame.dpr, Detail.CELLS).row_gap
    inside = (number >= figures.area.low_row) & (number <= figures.area.high_row)
    return ProfileBars(top + gap, bottom - top - gap, ends[0], ends[1] - ends[0], ends[2] - ends[1], inside)


def draw_rows(
    painter: QPainter,
    frame: Frame,
    rectangles: RectBatch,
    bars: ProfileBars,
    inputs: ProfileSettings,
    room: tuple[float, float],
    opacity: float = 1.0,
) -> None:
    """Draw the rows of a profile from the left or right edge of `room`, the x range available to them, in logical pixels."""
    tones = profile_palette(frame.theme, inputs.colours)
    left, right = (round(x * frame.dpr) for x in room)
    painter.save()
    painter.scale(1 / frame.dpr, 1 / frame.dpr)  # device pixels from here: edges are whole numbers
    for which, (sell, buy, other) in ((~bars.in_value_area, tones.outside), (bars.in_value_area, tones.inside)):
        top, height = bars.top[which], bars.height[which]
        lengths = [(bars.sell[which], sell), (bars.buy[which], buy), (bars.other[which], other)]
        start = np.full(len(top), left, np.int64)
        if inputs.placement is Placement.RIGHT:
            start = right - (bars.sell[which] + bars.buy[which] + bars.other[which])
        for length, colour in lengths:  # selling left of buying, as in the cells
            if not length.any():
                continue
            rectangles.draw(painter, colour.faded(opacity), start, top, length, height)
            start = start + length
    painter.restore()


def _parts(figures: ProfileValues, number: np.ndarray, shown: VolumeDisplay) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The parts of each row in lots, in drawing order: sell, buy, other; parts that `shown` leaves out are 0."""
    profile = figures.rows.profile
    nothing = np.zeros(len(number), np.int64)
    if shown is VolumeDisplay.TOTAL:
        return nothing, nothing, profile.total[number]
    if shown is VolumeDisplay.DELTA:
        delta = profile.delta[number]
        return np.maximum(-delta, 0), np.maximum(delta, 0), nothing
    return profile.sell[number], profile.buy[number], profile.unknown[number]


def _largest_of_each_pixel(number: np.ndarray, pixel: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each line of pixels, the number of the longest row on it, and the number of the line itself."""
    order = np.lexsort((length[number], pixel))
    last = np.flatnonzero(np.append(np.diff(pixel[order]) != 0, True))
    return number[order][last], pixel[order][last]
