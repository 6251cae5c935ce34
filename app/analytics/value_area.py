"""POC and value area, of one profile or of many bars at once.

All three published rules are the same walk: from the POC, the next step above (one or two rows) is
compared with the next step below, and the one with more volume joins. That is a merge of two queues
by their heads, and such a merge equals a sort by the running minimum of each queue: a step can join
only after every step before it in its queue, so it waits as long as the lightest of those. This lets
numpy do the walk for one profile of thousands of rows, or for all bars in view together.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.analytics.profile import VolumeProfile
from app.errors import BadInputError, EmptyProfileError
from app.market.arrays import Int64Array


class ValueAreaMethod(enum.Enum):
    """The published rules for adding rows to a value area; each member's value is the name shown on screen.

    DALTON : two rows above against two rows below, the pair with more volume joins, if equal the upper; until the target is reached.
    TRADINGVIEW : row by row, if equal the one closer to the POC, then the upper; stops before a row that would exceed the target.
    SINGLE : row by row, if equal the upper; until the target is reached.
    """

    DALTON = "dalton"
    TRADINGVIEW = "tradingview"
    SINGLE = "single"


@dataclass(frozen=True, slots=True)
class ValueArea:
    """The value area of a profile, with its POC.

    Attributes
    ----------
    low_row, high_row : int
        Both inclusive: VAL is the bottom edge of `low_row`, VAH the top edge of `high_row`.
    poc_row : int
        The row with the most volume.
    volume : int
        Lots inside the value area.
    """

    low_row: int
    high_row: int
    poc_row: int
    volume: int


class RunValueAreas(NamedTuple):
    """The POC, and the lowest and highest row of the value area, of each of several volume profiles, int64 [shape=(n_runs,)].

    Rows are counted from the lowest row of each profile.
    """

    poc: Int64Array
    low: Int64Array
    high: Int64Array


def point_of_control(profile: VolumeProfile) -> int:
    """The POC of a profile: the row with the most volume; of equal rows the one nearest the middle of the traded rows, then the lower.

    Raises
    ------
    EmptyProfileError
        If the profile has no volume.
    """
    first_row, volume = _traded(profile)
    return first_row + int(points_of_control(volume, np.array([len(volume)]))[0])


def value_area(profile: VolumeProfile, percent: int = 70, method: ValueAreaMethod = ValueAreaMethod.DALTON) -> ValueArea:
    """The POC of a profile, and its value area: the rows around the POC that hold `percent` % of the volume, as near as `method` allows.

    Empty rows between traded ones count as rows, empty rows outside do not. If only one row is left
    on a side, it is compared instead of a pair; when one side has no more rows, the other continues
    alone whatever its volume, so the walk always ends.

    Parameters
    ----------
    profile : VolumeProfile
        In lots, lowest row first.
    percent : int, 1 to 100
        Share of the volume to enclose.
    method : ValueAreaMethod
        The published rule to follow.

    Returns
    -------
    ValueArea
        Rows, inclusive at both ends.

    Raises
    ------
    EmptyProfileError
        If the profile has no volume.
    BadInputError
        If `percent` is not from 1 to 100.

    References
    ----------
    J. F. Dalton et al., Mind over Markets: value-area calculation by row pairs.
    TradingView, help on the volume profile, 2025: the row-by-row rule.
    """
    first_row, volume = _traded(profile)
    poc, low, high = (int(found[0]) for found in value_areas(volume, np.array([len(volume)]), percent, method))
    return ValueArea(first_row + low, first_row + high, first_row + poc, int(volume[low : high + 1].sum()))


def points_of_control(volume: Int64Array, n_rows: Int64Array) -> Int64Array:
    """For each of several volume profiles, the POC as a row counted from the profile's lowest row.

    Ties as in `point_of_control`.

    Parameters
    ----------
    volume : int64 [shape=(n_rows.sum(),)]
        Runs back to back, each from its lowest traded row to its highest.
    n_rows : int64 [shape=(n_runs,)]
        Rows of each run, at least 1.
    """
    if not len(n_rows):
        return np.zeros(0, np.int64)
    start = np.cumsum(n_rows) - n_rows
    heaviest = np.repeat(np.maximum.reduceat(volume, start), n_rows)
    # twice the distance from the middle is an integer; the last bit prefers the lower of two rows at the same distance
    offset = 2 * (np.arange(len(volume)) - np.repeat(start, n_rows)) - np.repeat(n_rows - 1, n_rows)
    key = np.where(volume == heaviest, 2 * np.abs(offset) + (offset > 0), np.iinfo(np.int64).max)
    best = np.minimum.reduceat(key, start)
    distance = best >> 1
    return (n_rows - 1 + np.where(best & 1, distance, -distance)) // 2


def value_areas(volume: Int64Array, n_rows: Int64Array, percent: int, method: ValueAreaMethod) -> RunValueAreas:
    """Compute the POC and value area of several volume profiles at once.

    Parameters as in `points_of_control` and `value_area`; raises `BadInputError` if `percent` is not from 1 to 100.
    """
    if not 1 <= percent <= 100:
        raise BadInputError(f"value area: found {percent} %, expected 1 to 100")
    poc = points_of_control(volume, n_rows)
    if not len(n_rows):
        return RunValueAreas(poc, poc, poc)
    steps = _steps(volume, n_rows, poc, rows_a_step=2 if method is ValueAreaMethod.DALTON else 1)
    order = _joining_order(steps, nearer_first=method is ValueAreaMethod.TRADINGVIEW)
    joined = steps.volume[order]
    first = np.flatnonzero(steps.side == _POC)  # of each run's steps, before as after the sort
    after = np.cumsum(joined)
    counts = np.diff(np.append(first, len(order)))
    after -= np.repeat(after[first] - joined[first], counts)
    total = np.add.reduceat(volume, np.cumsum(n_rows) - n_rows)
    # total * percent / 100 without the product, which might not fit into 64 bits
    whole, rest = total // 100 * percent, total % 100 * percent
    if method is ValueAreaMethod.TRADINGVIEW:
        taken = (after <= np.repeat(whole + rest // 100, counts)) | (steps.side[order] == _POC)
    else:
        taken = after - joined < np.repeat(whole - -rest // 100, counts)
    rows = np.where(taken, steps.rows[order], 0)
    above = np.add.reduceat(np.where(steps.side[order] == _ABOVE, rows, 0), first)
    below = np.add.reduceat(np.where(steps.side[order] == _BELOW, rows, 0), first)
    return RunValueAreas(poc, poc - below, poc + above)


_POC, _ABOVE, _BELOW = 0, 1, 2


class _Steps(NamedTuple):
    """The steps, of one or two rows, in which value areas grow: for each profile the POC row, then the steps above, then those below."""

    volume: Int64Array
    rows: Int64Array
    run: Int64Array
    side: Int64Array
    distance: Int64Array


def _steps(volume: Int64Array, n_rows: Int64Array, poc: Int64Array, rows_a_step: int) -> _Steps:
    start = np.cumsum(n_rows) - n_rows
    run = np.repeat(np.arange(len(n_rows)), n_rows)
    place = np.arange(len(volume)) - start[run]
    n_above = (n_rows - 1 - poc)[run]
    side = np.where(place == 0, _POC, np.where(place <= n_above, _ABOVE, _BELOW))
    distance = np.where(side == _BELOW, place - n_above, place)  # in rows from the POC
    outwards = volume[(start + poc)[run] + np.where(side == _BELOW, -distance, distance)]
    if rows_a_step == 1:
        return _Steps(outwards, np.ones_like(outwards), run, side, distance)
    heads = np.flatnonzero((side == _POC) | (distance % rows_a_step == 1))
    rows = np.diff(np.append(heads, len(outwards)))  # a step has one row only if an odd row is left over
    return _Steps(np.add.reduceat(outwards, heads), rows, run[heads], side[heads], distance[heads])


def _joining_order(steps: _Steps, nearer_first: bool) -> Int64Array:
    """Indices of the steps in the order in which value areas take them, one profile after the other."""
    levels, rank = np.unique(steps.volume, return_inverse=True)
    queue = 3 * steps.run + steps.side  # ascending
    below_former_queues = queue * len(levels)  # ranks, not volumes: these products always fit
    lightest = np.minimum.accumulate(rank - below_former_queues) + below_former_queues
    lightest[steps.side == _POC] = len(levels)
    key = steps.run * (len(levels) + 1) + (len(levels) - lightest)
    if not nearer_first:
        return np.argsort(key, kind="stable")  # stable: above comes first on a tie
    # A step with more volume than its queue's lightest so far joins right after that one: they tie as one, at its distance.
    head = np.where(rank == lightest, np.arange(len(rank)), 0)
    head[np.flatnonzero(np.diff(queue, prepend=-1))] = np.flatnonzero(np.diff(queue, prepend=-1))
    return np.lexsort((steps.distance[np.maximum.accumulate(head)], key))


def _traded(profile: VolumeProfile) -> tuple[int, Int64Array]:
    """The lowest traded row of a profile, and the volume of each row from there to the highest traded one.

    Raises `EmptyProfileError` if there is no volume.
    """
    volume = profile.total
    traded = np.flatnonzero(volume)
    if not traded.size:
        raise EmptyProfileError("profile: found no volume", detail=f"rows {profile.first_row} to {profile.first_row + profile.n_rows - 1}")
    low, high = int(traded[0]), int(traded[-1])
    return profile.first_row + low, volume[low : high + 1]
