"""Positions and texts of axis labels: round prices and calendar times. Does not use Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from app.market.decimals import decimal_places
from app.market.price_grid import PriceGrid
from app.market.times import clock_text, month_text, short_date_text

PRICE_SPACING_PX = 32.0
TIME_SPACING_PX = 78.0

_NS_PER_S = 1_000_000_000
_DAY_S = 86_400
_MONDAY_S = 4 * _DAY_S  # 5 January 1970: weeks are counted from here
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, _DAY_S, 2 * _DAY_S, 7 * _DAY_S)
_STEPS_MONTHS = (1, 3, 6, 12, 24, 60, 120, 240)
_MONTH_S = 30.44 * _DAY_S
_LAST_S = 253_402_300_799  # the end of year 9999, the last of `datetime`


class TimeLabel(NamedTuple):
    """A label of the time axis; `strong` is True where a larger unit of time begins: a day, or zoomed out a month or year."""

    time_ns: int
    text: str
    strong: bool


def price_step(grid: PriceGrid, tick_px: float, spacing_px: float = PRICE_SPACING_PX) -> int:
    """The distance between two price labels, in ticks.

    The distance is 1, 2, 2.5 or 5 times a power of ten in price, is a whole number of ticks, and is at least `spacing_px` high.
    A distance that is also a whole number of rows is preferred if it is at most 2.5 times as large. For a tick size without such a
    distance, it is the smallest whole number of rows that is high enough.
    """
    least = spacing_px / tick_px
    mantissa = int(grid.tick_size.scaleb(decimal_places(grid.tick_size)))
    nice = None
    for power in range(40):
        for factor in (100, 200, 250, 500):
            value = factor * 10**power
            ticks, rest = divmod(value, 100 * mantissa)
            if rest or not ticks or ticks < least:
                continue
            if nice is None:
                nice = ticks
            if ticks > 2.5 * nice:
                return nice
            if ticks % grid.ticks_per_row == 0:
                return ticks
    return nice or max(1, math.ceil(least / grid.ticks_per_row)) * grid.ticks_per_row


def price_labels(low_ticks: float, high_ticks: float, step: int) -> range:
    """The labelled prices from `low_ticks` to `high_ticks`, in ticks: multiples of `step`, not negative, ascending."""
    return range(max(0, math.ceil(low_ticks / step)) * step, max(0, math.floor(high_ticks)) + 1, step)


def time_step(bar_ns: int, bar_px: float, spacing_px: float = TIME_SPACING_PX) -> tuple[int, int]:
    """The distance between two time labels, at least `spacing_px` wide if possible: seconds and months, one of which is 0."""
    least_s = max(spacing_px / bar_px * bar_ns, bar_ns) / _NS_PER_S
    for seconds in _STEPS_S:
        if seconds >= least_s:
            return seconds, 0
    for months in _STEPS_MONTHS:
        if months * _MONTH_S >= least_s:
            return 0, months
    return 0, _STEPS_MONTHS[-1]


@lru_cache(maxsize=16)  # several layers ask for the same labels, in every frame until another bar comes into view
def time_ticks(start_ns: int, end_ns: int, step: tuple[int, int]) -> tuple[TimeLabel, ...]:
    """The time labels between two times, both included, oldest first; UTC.

    A label is the time of day, or the date at midnight, or the year at the start of a year; with a step in months, the month.
    """
    start_s = min(max(0, -(-start_ns // _NS_PER_S)), _LAST_S)
    end_s = min(end_ns // _NS_PER_S, _LAST_S)
    if end_s < start_s:
        return ()
    seconds, months = step
    times = _every_months(start_s, end_s, months) if months else _every_seconds(start_s, end_s, seconds)
    return tuple(_label(time_s, step) for time_s in times)


def bar_step(bar_px: float, spacing_px: float = TIME_SPACING_PX) -> int:
    """The number of bars from one time label to the next, for bars not built by time: 1, 2 or 5 times a power of ten."""
    steps = (factor * 10**power for power in range(12) for factor in (1, 2, 5))
    return next(step for step in steps if step * bar_px >= spacing_px)


def bar_ticks(starts_ns: Sequence[int]) -> list[TimeLabel]:
    """Time labels of bars with these start times, oldest first; UTC.

    A label is the time of day, or the date where the date differs from that of the previous label.
    """
    ticks: list[TimeLabel] = []
    last_day = None
    for start_ns in starts_ns:
        day = start_ns // (_DAY_S * _NS_PER_S)
        strong, last_day = last_day not in (None, day), day
        ticks.append(TimeLabel(start_ns, short_date_text(start_ns) if strong else clock_text(start_ns, seconds=True), strong))
    return ticks


def _utc(time_s: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=min(max(0, time_s), _LAST_S))


def _every_seconds(start_s: int, end_s: int, step_s: int) -> range:
    anchor = _MONDAY_S if step_s == 7 * _DAY_S else 0
    return range(anchor - (anchor - start_s) // step_s * step_s, end_s + 1, step_s)


def _every_months(start_s: int, end_s: int, step: int) -> list[int]:
    first = _utc(start_s)
    month = (first.year * 12 + first.month - 1) // step * step
    times: list[int] = []
    while month < 9999 * 12:
        time_s = int(datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC).timestamp())
        if time_s > end_s:
            break
        if time_s >= start_s:
            times.append(time_s)
        month += step
    return times


def _label(time_s: int, step: tuple[int, int]) -> TimeLabel:
    when, time_ns = _utc(time_s), time_s * _NS_PER_S
    seconds, months = step
    new_year = when.month == 1 and when.day == 1 and time_s % _DAY_S == 0
    if new_year:
        text = f"{when.year}"
    elif months:
        text = month_text(time_ns)
    elif time_s % _DAY_S == 0:
        text = short_date_text(time_ns)
    else:
        text = clock_text(time_ns, seconds=seconds < 60)
    strong = new_year or (not months and time_s % _DAY_S == 0 and (seconds < _DAY_S or when.day == 1))
    return TimeLabel(time_ns, text, strong)
