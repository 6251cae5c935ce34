"""Which candles stand in for trades that are not held, and what of them is not in the trades already.

Trades come first: every trade held counts in its own row. Of the time in between, and before the first, candles count that
begin in the profile:

- whole candles of the length that the ladder says for the profile's whole time, as far as they lie between the trades;
- what is left at either end, in the finest candles that the venue has, so that a candle of a day does not reach into hours of
  which all trades are held;
- a candle in whose time trades are held counts with what it holds more than those, spread over its rows like any other.

So nothing is counted twice and nothing is lost: trades and candles of such a candle's time make the candle's volume together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from app.market.candle import CandleBatch
from app.market.span import Span


class CandleRange(NamedTuple):
    """A stretch of time for the candles of one length: whole ones, the first begins with it and the last ends with it."""

    length_ns: int
    span: Span

    def lies_in(self, other: CandleRange) -> bool:
        """Whether another one of the same length holds it."""
        return self.length_ns == other.length_ns and other.span.start_ns <= self.span.start_ns and self.span.end_ns <= other.span.end_ns


def align_to_candles(gaps: Sequence[Span], start_ns: int, end_ns: int, finest_ns: int) -> list[Span]:
    """The times of the finest candles that lie in gaps or reach into them, and begin at `start_ns` or later; disjoint, in order.

    Parameters
    ----------
    gaps : sequence of Span
        In order of time.
    end_ns : int
        Candles end by then: those that end later may still grow.
    """
    first_ns, last_ns = _up(start_ns, finest_ns), _down(end_ns, finest_ns)
    found: list[Span] = []
    for gap in gaps:
        wide = Span(max(first_ns, _down(gap.start_ns, finest_ns)), min(last_ns, _up(gap.end_ns, finest_ns)))
        if not wide:
            continue
        if found and wide.start_ns <= found[-1].end_ns:
            wide = Span(found.pop().start_ns, wide.end_ns)
        found.append(wide)
    return found


def candle_ranges(gap: Span, lengths_ns: Sequence[int], finest_ns: int, first_ns: Callable[[int, Span], int]) -> list[CandleRange]:
    """How a stretch without trades is filled, newest first.

    With the first of the lengths, and before the first such candle that the venue has with the next coarser one, as long as
    that reaches further back. What is left at the ends is for the finest, whether the venue has it or not.

    Parameters
    ----------
    gap : Span
        Of whole finest candles, see `widened`.
    lengths_ns : sequence of int
        Multiples of the finest, and each of the one before.
    first_ns : callable
        From a length and a span to the time from which on the venue has, or may have, candles of that length in it; the span's
        end where it is known to have none.
    """
    whole = _within(gap, lengths_ns[0])
    if not whole:
        return [CandleRange(finest_ns, gap)]
    found: list[CandleRange] = []
    until_ns = whole.end_ns
    for length_ns in lengths_ns:
        span = _within(Span(whole.start_ns, _up(until_ns, length_ns)), length_ns)
        if span.end_ns > whole.end_ns:
            span = _within(Span(whole.start_ns, until_ns), length_ns)
        from_ns = first_ns(length_ns, span) if span else until_ns
        if from_ns < _down(until_ns, length_ns):
            # where the finer ones begin inside of a coarser one they begin behind it
            found = [finer._replace(span=Span(max(finer.span.start_ns, span.end_ns), finer.span.end_ns)) for finer in found]
            found.append(CandleRange(length_ns, Span(from_ns, span.end_ns)))
            until_ns = from_ns
        if until_ns <= span.start_ns:
            break
    ends = (CandleRange(finest_ns, Span(whole.end_ns, gap.end_ns)), CandleRange(finest_ns, Span(gap.start_ns, whole.start_ns)))
    return [piece for piece in (ends[0], *found, ends[1]) if piece.span]


def subtract_trades(candles: CandleBatch, time_ns: np.ndarray, volume: np.ndarray, buy: np.ndarray) -> CandleBatch:
    """The candles with what they hold more than what is held of their time; none holds less than nothing.

    Parameters
    ----------
    time_ns, volume, buy : int64 [shape=(n,)]
        What is held: when, how many lots, and how many of them were bought aggressively. Trades, or bars that each lie in one
        candle; those of other times do not count.
    """
    if not len(candles) or not len(time_ns):
        return candles
    place = np.searchsorted(candles.start_ns, time_ns, side="right") - 1
    inside = (place >= 0) & (time_ns < candles.start_ns[place] + candles.length_ns)
    held, held_buy = np.zeros((2, len(candles)), np.int64)
    np.add.at(held, place[inside], volume[inside])
    np.add.at(held_buy, place[inside], buy[inside])
    rest = np.maximum(candles.volume - held, 0)
    return replace(candles, volume=rest, buy=np.where(candles.buy < 0, -1, np.clip(candles.buy - held_buy, 0, rest)))


def _within(span: Span, length_ns: int) -> Span:
    """The whole candles in a span."""
    return Span(_up(span.start_ns, length_ns), _down(span.end_ns, length_ns))


def _down(time_ns: int, length_ns: int) -> int:
    return time_ns // length_ns * length_ns


def _up(time_ns: int, length_ns: int) -> int:
    return -(-time_ns // length_ns) * length_ns
