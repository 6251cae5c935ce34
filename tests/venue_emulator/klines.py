"""Klines as the venue serves them, made of the trades that have happened; one without trades has the previous close."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from tests.venue_emulator.playback import Playback
from tests.venue_emulator.tape import Rows

MINUTE_US = 60_000_000
INTERVALS_US = (
    {f"{minutes}m": minutes * MINUTE_US for minutes in (1, 3, 5, 15, 30)}
    | {f"{hours}h": hours * 60 * MINUTE_US for hours in (1, 2, 4, 6, 8, 12)}
    | {"1d": 1440 * MINUTE_US}
)
"""Length of each interval by the venue's name; weeks and months are not supported."""


def klines(playback: Playback, length_us: int, start_us: int, end_us: int, limit: int) -> list[list[object]]:
    """The klines that open between two times, both included, oldest first and at most `limit`; none before the first trade."""
    first_us = playback.first_us
    if first_us is None:
        return []
    begin = max(-(-start_us // length_us), first_us // length_us)
    end = min(end_us // length_us + 1, playback.now_us // length_us + 1, begin + limit)
    if begin >= end:
        return []
    rows = playback.between(begin * length_us, end * length_us)
    number = rows.offset_us // length_us  # between() returns venue times
    edges = np.searchsorted(number, np.arange(begin, end + 1))
    close = playback.close_before(begin * length_us)
    found: list[list[object]] = []
    for place, (a, b) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        inside = rows.cut(slice(a, b))
        found.append(_kline(playback, begin + place, length_us, inside, close))
        close = int(inside.price_ticks[-1]) if inside.size else close
    return found


def _kline(playback: Playback, number: int, length_us: int, rows: Rows, close: int) -> list[object]:
    tick, lot = playback.tape.tick_size, playback.tape.lot_size
    facts = playback.tape.market.facts
    prices = rows.price_ticks if rows.size else np.array([close])
    bought = rows.cut(rows.side > 0)

    def price(ticks: int) -> str:
        return f"{int(ticks) * tick:.{facts.price_digits}f}"

    def quantity(some: Rows) -> str:
        return f"{int(some.quantity_lots.sum()) * lot:.{facts.quantity_digits}f}"

    def turnover(some: Rows) -> str:
        return f"{int((some.price_ticks * some.quantity_lots).sum()) * tick * lot:.{facts.quantity_digits}f}"

    start_ms, length_ms = number * length_us // 1000, length_us // 1000
    figures = [price(each) for each in (prices[0], prices.max(), prices.min(), prices[-1])]
    volumes = [quantity(rows), start_ms + length_ms - 1, turnover(rows), rows.size, quantity(bought), turnover(bought)]
    return [start_ms, *figures, *volumes, str(Decimal(0))]
