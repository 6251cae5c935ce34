"""CVD, swings, divergences, VWAP and bar statistics computed slowly and simply, one bar or trade after the other."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from fractions import Fraction

from app.market.trade import TradeBatch


def cvd(deltas: Sequence[int], starts_ns: Sequence[int], *, by_day: bool) -> list[int]:
    """CVD after each bar; with `by_day` it starts again from 0 on each UTC day."""
    found, running, today = [], 0, None
    for delta, start_ns in zip(deltas, starts_ns, strict=True):
        day = datetime.fromtimestamp(start_ns // 10**9, UTC).date()
        running = delta if by_day and day != today else running + delta
        today = day
        found.append(running)
    return found


def swing_highs(values: Sequence[int], reach: int) -> list[int]:
    """Middle indices of runs of equal values that are above the `reach` values on each side."""
    found, index = [], 0
    while index < len(values):
        last = index
        while last + 1 < len(values) and values[last + 1] == values[index]:
            last += 1
        before, after = values[max(0, index - reach) : index], values[last + 1 : last + 1 + reach]
        if len(before) == len(after) == reach and all(value < values[index] for value in (*before, *after)):
            found.append((index + last) // 2)
        index = last + 1
    return found


def divergences(highs: Sequence[int], lows: Sequence[int], cvd: Sequence[int], reach: int) -> set[tuple[int, int, int]]:
    """The divergences as (index of the first swing, index of the second swing, side)."""
    found = set()
    tops = swing_highs(highs, reach)
    for one, other in itertools.pairwise(tops):
        if highs[other] > highs[one] and cvd[other] < cvd[one]:
            found.add((one, other, -1))
    bottoms = swing_highs([-low for low in lows], reach)
    for one, other in itertools.pairwise(bottoms):
        if lows[other] < lows[one] and cvd[other] > cvd[one]:
            found.add((one, other, 1))
    return found


def vwap_of_day(trades: TradeBatch, bar_start_ns: int, bar_ns: int) -> tuple[Fraction, Fraction]:
    """VWAP and variance of the trades of a UTC day up to the end of the bar that starts at `bar_start_ns`."""
    day = bar_start_ns // 86_400_000_000_000
    columns = (trades.time_ns.tolist(), trades.price_ticks.tolist(), trades.quantity_lots.tolist())
    inside = [
        (price, lots)
        for time_ns, price, lots in zip(*columns, strict=True)
        if time_ns < bar_start_ns + bar_ns and time_ns // bar_ns * bar_ns // 86_400_000_000_000 == day
    ]
    volume = sum(lots for _, lots in inside)
    average = Fraction(sum(price * lots for price, lots in inside), volume)
    return average, sum((Fraction(lots) * (price - average) ** 2 for price, lots in inside), Fraction(0)) / volume


def statistics(trades: TradeBatch, bar_ns: int) -> dict[str, list[int]]:
    """The bar statistics of time bars, added up trade by trade."""
    bars: dict[int, dict[str, int]] = {}
    for time_ns, price, lots, side in zip(*(column.tolist() for column in trades.columns[:4]), strict=True):
        zero = {"volume": 0, "buy": 0, "sell": 0, "delta": 0, "delta-min": 0, "delta-max": 0, "trades": 0, "low": price, "high": price}
        bar = bars.setdefault(time_ns // bar_ns, zero)
        bar["volume"] += lots
        bar["buy"] += lots if side > 0 else 0
        bar["sell"] += lots if side < 0 else 0
        bar["delta"] += side * lots
        bar["delta-min"] = min(bar["delta-min"], bar["delta"])
        bar["delta-max"] = max(bar["delta-max"], bar["delta"])
        bar["trades"] += 1
        bar["low"], bar["high"] = min(bar["low"], price), max(bar["high"], price)
    names = ("volume", "buy", "sell", "delta", "delta-min", "delta-max", "trades")
    table = {name: [bar[name] for bar in bars.values()] for name in names}
    table["range"] = [bar["high"] - bar["low"] for bar in bars.values()]
    return table
