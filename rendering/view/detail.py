"""Levels of detail: which parts of bars are drawn at which size of bars and rows."""

from __future__ import annotations

import enum

HYSTERESIS = 0.15
"""A level stays until the size falls below its limit by this share, so that zooming does not flicker."""


class Detail(enum.IntEnum):
    """Levels of detail of the bars, from coarse to fine: narrow candles, candles with bodies, cells, and cells with digits."""

    CANDLES = 0
    BODIES = 1
    CELLS = 2
    DIGITS = 3


# minimum width of a bar and height of a row, logical pixels
_BAR_PX = {Detail.DIGITS: 64.0, Detail.CELLS: 6.0, Detail.BODIES: 3.0, Detail.CANDLES: 0.0}
_ROW_PX = {Detail.DIGITS: 11.0, Detail.CELLS: 0.5, Detail.BODIES: 0.0, Detail.CANDLES: 0.0}


def detail_for(bar_px: float, row_px: float, previous: Detail | None = None) -> Detail:
    """The finest level of detail for which bars and rows are large enough; sizes in logical pixels.

    A size equal to the limit is large enough. `previous` is the level drawn last: for this level, and for coarser levels, the
    limits are 15 % lower.
    """
    for level in (Detail.DIGITS, Detail.CELLS, Detail.BODIES):
        ease = 1 - HYSTERESIS if previous is not None and level <= previous else 1.0
        if bar_px >= _BAR_PX[level] * ease and row_px >= _ROW_PX[level] * ease:
            return level
    return Detail.CANDLES
