"""The zones into which the width of a bar is divided: candle, bracket of the value area, cells.

        │ ┃ ├┌──────────────┐ │
        │ ┃ ││   12.4×3.20  │ │
        │ ╹ ├└──────────────┘ │
        0 candle bracket cells gap

All positions are device pixels from the bar's left edge, except `gap`, which is counted from its right edge: if a bar is one
pixel wider than its neighbours, only its cells are wider.
"""

from __future__ import annotations

from dataclasses import dataclass

from rendering.view.detail import Detail


@dataclass(frozen=True, slots=True)
class BarZones:
    """The zones of a bar, in device pixels; a zone with zero width is not drawn.

    Attributes
    ----------
    body_left, body_right, wick_left, wick_right : int
        Edges of the candle.
    bracket_left, bracket_right : int
        Edges of the value area's bracket.
    cell_left, gap : int
        Cells start at `cell_left` and end `gap` pixels before the bar's right edge.
    row_gap : int
        Free pixels at the upper edge of each row.
    hairline : int
        Width of the thinnest line.
    marks : bool
        Whether bars are wide enough for a mark of the POC.
    """

    body_left: int
    body_right: int
    wick_left: int
    wick_right: int
    bracket_left: int
    bracket_right: int
    cell_left: int
    gap: int
    row_gap: int
    hairline: int
    marks: bool

    @classmethod
    def of(cls, bar_pitch: float, row_pitch: float, dpr: float, detail: Detail, *, candle: bool = True, bracket: bool = True) -> BarZones:
        """The zones of bars `bar_pitch` wide with rows `row_pitch` high, both in device pixels.

        A detail without cells has only the candle. `candle` and `bracket` are whether the settings show these next to the cells;
        narrow bars have no bracket, and very narrow ones no candle either.
        """
        hairline = max(1, round(dpr * 0.8))
        bar_px = bar_pitch / dpr
        row_gap = hairline if row_pitch >= 6 * dpr else 0
        if detail <= Detail.BODIES:
            return cls._of_bodies(bar_pitch, dpr, hairline)
        gap = max(1, round(dpr)) if bar_px >= 4 else 0
        if bar_px < 22:
            return cls(0, 0, 0, 0, 0, 0, 0, gap, row_gap, hairline, bar_px >= 3)
        at = left = round((3 if bar_px >= 60 else 1) * dpr)
        body = (0, 0, 0, 0)
        if candle:
            width = _odd_like(round((6 if bar_px >= 60 else 4) * dpr), hairline)
            at = left + width
            wick = left + (width - hairline) // 2
            body = (left, at, wick, wick + hairline)
            at += round((3 if bar_px >= 60 else 1) * dpr)
        brace = (0, 0)
        if bracket and bar_px >= 40:
            brace = (at, at + max(2, round(3 * dpr)))
            at = brace[1] + hairline
        return cls(*body, *brace, at, max(gap, round(2 * dpr)) if bar_px >= 60 else gap, row_gap, hairline, True)

    @classmethod
    def _of_bodies(cls, bar_pitch: float, dpr: float, hairline: int) -> BarZones:
        whole = max(1, int(bar_pitch))
        gap = max(1, round(whole * 0.25)) if whole >= 3 else 0
        width = whole - gap
        if width > hairline and (width - hairline) % 2:
            width -= 1  # so that the wick is exactly in the middle
        wick = (width - hairline) // 2 if width > hairline else 0
        return cls(0, width, wick, wick + min(hairline, width), 0, 0, 0, gap, 0, hairline, whole >= 3 * dpr)


def _odd_like(width: int, hairline: int) -> int:
    return width + ((width - hairline) % 2)
