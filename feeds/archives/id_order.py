"""Checks of a file's numeric ids: whether they agree with the times of the trades, and whether most are consecutive."""

from __future__ import annotations

import numpy as np

from app.market.arrays import Int64Array

_LATE_NS = 10 * 10**9  # venues date trades a second or two late, never this much
_LATE_STEPS = 100  # at most one step in so many may go back in time


def ids_agree_with_time(ids: Int64Array, time_ns: Int64Array) -> bool:
    """True if times in the order of ids hardly go back: from one id to the next in at most 1 % of cases, and by at most 10 s."""
    back_ns = -np.diff(time_ns[np.argsort(ids, kind="stable")])
    late = int(np.count_nonzero(back_ns > 0))
    return not late or (late * _LATE_STEPS <= len(back_ns) and int(back_ns.max()) <= _LATE_NS)


def mostly_consecutive(ids: Int64Array) -> bool:
    """True if, without the largest id, at least half of the distinct ids are followed by the next whole number; also for under two ids."""
    steps = np.diff(np.unique(ids))
    return 2 * int(np.count_nonzero(steps == 1)) >= len(steps)
