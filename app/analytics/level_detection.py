"""Detection of levels in closed bars, finished sessions and finished periods.

Prices are ticks; those of rows are defined in `app.market.price_grid`. A level is a line (`bottom == top`) or a zone; see
`app.analytics.level_expiry` for how it ends.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import Imbalances, zones_from_marks
from app.analytics.level_expiry import ALWAYS, NEVER
from app.analytics.profile import VolumeProfile
from app.analytics.tpo import TpoProfile
from app.analytics.value_area import ValueAreaMethod, value_area
from app.analytics.volume_nodes import VolumeNodes
from app.market.price_grid import row_price, row_top
from app.market.trade import BUY


class LevelKind(enum.IntEnum):
    """The kinds of level; the level table stores the numbers."""

    POC = 0
    VAH = 1
    VAL = 2
    HVN = 3
    LVN = 4
    SINGLE_PRINTS = 5
    POOR_HIGH = 6
    POOR_LOW = 7
    UNFINISHED_HIGH = 8
    UNFINISHED_LOW = 9
    STACKED_BUY = 10
    STACKED_SELL = 11


class DetectedLevel(NamedTuple):
    """A level, and the condition under which a bar ends it; prices in ticks.

    A bar ends the level if its low is at most `low_at_most` and its high is at least `high_at_least`.
    """

    kind: LevelKind
    bottom: int
    top: int
    low_at_most: int
    high_at_least: int


def touched(kind: LevelKind, bottom: int, top: int) -> DetectedLevel:
    """Make a level that stays active until a bar's range includes a price from its bottom to its top, both included."""
    return DetectedLevel(kind, bottom, top, top, bottom)


def traded_above(kind: LevelKind, price: int, bottom: int | None = None) -> DetectedLevel:
    """Make a level with the top `price` that stays active until a bar trades above it; a zone if `bottom` is given, else a line."""
    return DetectedLevel(kind, price if bottom is None else bottom, price, ALWAYS, price + 1)


def traded_below(kind: LevelKind, price: int, top: int | None = None) -> DetectedLevel:
    """Make a level with the bottom `price` that stays active until a bar trades below it; a zone if `top` is given, else a line."""
    return DetectedLevel(kind, price, price if top is None else top, price - 1, NEVER)


def levels_of_bars(
    series: FootprintSeries, first: int, end: int, marks: Imbalances, stacked: int, zones_end: str
) -> list[tuple[int, DetectedLevel]]:
    """Find the unfinished auctions and the stacked zones of the bars `[first, end)`, each with the index of its bar; ordered by bar.

    An auction is unfinished if both sides traded in the bar's outermost row: exact to the tick if a row is one tick. The
    level is the bar's own high or low. A stacked zone is active until a later bar touches it; with `zones_end="close"` until one
    closes through it (below a buy zone, above a sell zone).
    """
    bars = slice(first, end)
    lowest = series.cell_start[bars]
    highest = lowest + series.n_rows[bars] - 1
    found: list[tuple[int, DetectedLevel]] = []
    for kind, cell in ((LevelKind.UNFINISHED_LOW, lowest), (LevelKind.UNFINISHED_HIGH, highest)):
        for bar in (first + np.flatnonzero((series.cell_buy[cell] > 0) & (series.cell_sell[cell] > 0))).tolist():
            low = kind is LevelKind.UNFINISHED_LOW
            price = int(series.low[bar] if low else series.high[bar])
            found.append((bar, traded_below(kind, price) if low else traded_above(kind, price)))
    height = series.grid.ticks_per_row
    zones = zones_from_marks(series, first, end, marks, stacked)
    for bar, low_row, high_row, side in zip(*(column.tolist() for column in zones), strict=True):
        kind = LevelKind.STACKED_BUY if side == BUY else LevelKind.STACKED_SELL
        bottom, top = low_row * height, (high_row + 1) * height - 1
        if zones_end == "touch":
            level = touched(kind, bottom, top)
        else:
            level = traded_below(kind, bottom, top) if side == BUY else traded_above(kind, top, bottom)
        found.append((bar, level))
    found.sort(key=lambda entry: entry[0])
    return found


def levels_of_profile(profile: VolumeProfile, height: int, percent: int, method: ValueAreaMethod) -> Iterator[DetectedLevel]:
    """Make the POC, VAH and VAL levels of a finished period; each ends when a bar's range contains its price.

    `height` is the number of ticks per row.

    Raises
    ------
    EmptyProfileError
        If the profile has no volume.
    """
    area = value_area(profile, percent, method)
    poc, high, low = row_price(area.poc_row * height, height), row_top(area.high_row * height, height), area.low_row * height
    for kind, price in ((LevelKind.POC, poc), (LevelKind.VAH, high), (LevelKind.VAL, low)):
        yield touched(kind, price, price)


def levels_of_nodes(nodes: VolumeNodes, height: int) -> Iterator[DetectedLevel]:
    """Make levels from high and low volume nodes, at the prices of their rows.

    No price ends them: they last until the nodes of the next day begin.
    """
    for kind, rows in ((LevelKind.HVN, nodes.high), (LevelKind.LVN, nodes.low)):
        for row in rows.tolist():
            price = row_price(row * height, height)
            yield DetectedLevel(kind, price, price, NEVER, ALWAYS)


def levels_of_tpo(letters: TpoProfile, height: int, last_price: int) -> Iterator[DetectedLevel]:
    """Find the single prints, the poor high and the poor low of a finished session.

    `height` is the number of ticks per row; the session closed at `last_price`, in ticks.

    A run of single prints is one zone. It is active until later trades cross it, from the side on which the session closed, to its
    far row; if the session closed inside the zone, until it is touched. A poor high or low is active until traded through.
    """
    rows = letters.single_prints
    ends = np.flatnonzero(np.diff(rows) != 1)
    for first, last in zip(rows[np.append(0, ends + 1)].tolist(), rows[np.append(ends, -1)].tolist(), strict=True) if len(rows) else ():
        bottom, top = first * height, (last + 1) * height - 1
        if last_price > top:
            yield DetectedLevel(LevelKind.SINGLE_PRINTS, bottom, top, (first + 1) * height - 1, NEVER)
        elif last_price < bottom:
            yield DetectedLevel(LevelKind.SINGLE_PRINTS, bottom, top, ALWAYS, last * height)
        else:
            yield touched(LevelKind.SINGLE_PRINTS, bottom, top)
    low, high = letters.range_ticks
    if letters.poor_high:
        yield traded_above(LevelKind.POOR_HIGH, high)
    if letters.poor_low:
        yield traded_below(LevelKind.POOR_LOW, low)
