"""How much of a bar is drawn at which size."""

from __future__ import annotations

import enum

HYSTERESIS = 0.15
"""A level once reached is kept until its size is missed by this share, so that zooming does not flicker."""


class Detail(enum.IntEnum):
    """What is drawn, from far away to near."""

    CANDLES = 0
    BODIES = 1
    CELLS = 2
    DIGITS = 3


# what a bar and a row must measure at least, logical pixels
_BAR_PX = {Detail.DIGITS: 64.0, Detail.CELLS: 6.0, Detail.BODIES: 3.0, Detail.CANDLES: 0.0}
_ROW_PX = {Detail.DIGITS: 11.0, Detail.CELLS: 0.5, Detail.BODIES: 0.0, Detail.CANDLES: 0.0}


def detail_for(bar_px: float, row_px: float, previous: Detail | None = None) -> Detail:
    """The finest level for which bars and rows are large enough.

    A size equal to the limit is large enough. `previous` is the level drawn last: it, and what is coarser, is judged
    by limits 15 % lower.
    """
    for level in (Detail.DIGITS, Detail.CELLS, Detail.BODIES):
        ease = 1 - HYSTERESIS if previous is not None and level <= previous else 1.0
        if bar_px >= _BAR_PX[level] * ease and row_px >= _ROW_PX[level] * ease:
            return level
    return Detail.CANDLES
