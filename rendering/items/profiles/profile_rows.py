"""The rows of a profile as pixels, and how they are painted; the same for every kind of profile.

Rows take their edges from the same rounded pixels as the cells, so a row lies exactly beside the cells whose volume it sums.
"""

from __future__ import annotations

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
    """The rows of a profile as device pixels of the price pane, int64 [shape=(n,)], lowest price first.

    `top` and `height` place the row; `sell`, `buy` and `other` are lengths that lie end to end; `in_value_area` says which
    tone it has.
    """

    top: np.ndarray
    height: np.ndarray
    sell: np.ndarray
    buy: np.ndarray
    other: np.ndarray
    in_value_area: np.ndarray


def profile_bars(frame: Frame, figures: ProfileValues, shown: VolumeDisplay, full_px: float) -> ProfileBars:
    """The visible rows of a profile; the heaviest of all its rows is `full_px` logical pixels long.

    Ends of parts are rounded, not their lengths: a row is never longer than its volume says because it was split. Where rows
    are finer than pixels, a pixel shows the largest of its rows.
    """
    rows = figures.rows
    profile, step = rows.profile, rows.ticks_per_row
    low, high = frame.viewport.visible_ticks()
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
    """Paint rows from the left edge of their room, or from its right one; logical pixels."""
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
            rectangles.draw(painter, colour.faded(opacity), start, top, length, height)
            start = start + length
    painter.restore()


def _parts(figures: ProfileValues, number: np.ndarray, shown: VolumeDisplay) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lots of selling, of buying, and of neither, in the order in which they are drawn."""
    profile = figures.rows.profile
    nothing = np.zeros(len(number), np.int64)
    if shown is VolumeDisplay.TOTAL:
        return nothing, nothing, profile.total[number]
    if shown is VolumeDisplay.DELTA:
        delta = profile.delta[number]
        return np.maximum(-delta, 0), np.maximum(delta, 0), nothing
    return profile.sell[number], profile.buy[number], profile.unknown[number]


def _largest_of_each_pixel(number: np.ndarray, pixel: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the rows that share a pixel line the longest, and the line."""
    order = np.lexsort((length[number], pixel))
    last = np.flatnonzero(np.append(np.diff(pixel[order]) != 0, True))
    return number[order][last], pixel[order][last]
