"""Candles that fill a profile where trades are missing, minus the volume of loaded trades.

Trades come first: every loaded trade counts in its own row. For the time between and before the trades, the candles that begin in the
profile's time count:

- complete candles of the length that `LADDER_NS` gives for the time of the profile, where they fit between the trades;
- at both ends of a gap, the shortest candles that the venue has, so that a daily candle does not overlap hours whose trades are
  all loaded;
- a candle that overlaps loaded trades counts with its volume minus theirs, spread over its rows like any other.

So nothing is counted twice and nothing is lost: for the time of such a candle, its trades and the rest add up to the candle's volume.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from app.market.arrays import Int64Array
from app.market.candle import CandleBatch
from app.market.span import Span


class CandleRange(NamedTuple):
    """A time range made of complete candles of one length."""

    length_ns: int
    span: Span

    def lies_in(self, other: CandleRange) -> bool:
        """True if another range of the same candle length contains this one."""
        return self.length_ns == other.length_ns and other.span.start_ns <= self.span.start_ns and self.span.end_ns <= other.span.end_ns


def align_to_candles(gaps: Sequence[Span], start_ns: int, end_ns: int, finest_ns: int) -> list[Span]:
    """Widen gaps to the edges of the shortest candles, and join those that then overlap or touch; return them in order of time.

    Only candles that begin at `start_ns` or later and end by `end_ns` count; a gap without such a candle is dropped.

    Parameters
    ----------
    gaps : sequence of Span
        In order of time.
    end_ns : int
        Later candles may still grow.
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
    """Divide a gap into ranges, each filled by candles of one length; newest range first.

    Uses the first of the lengths; for the time before the venue's first candle of that length, the next longer one, as long as its
    candles reach further back. The rest at both ends takes the shortest candles, whether the venue has them or not.

    Parameters
    ----------
    gap : Span
        Made of complete shortest candles, see `align_to_candles`.
    lengths_ns : sequence of int
        Each a multiple of the one before, and of the shortest.
    first_ns : callable
        Maps a length and a span to the time from which the venue has, or may have, candles of that length in it; to the end of
        the span if it is known to have none.
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
            # shorter candles that would begin inside a longer one begin after it
            found = [finer._replace(span=Span(max(finer.span.start_ns, span.end_ns), finer.span.end_ns)) for finer in found]
            found.append(CandleRange(length_ns, Span(from_ns, span.end_ns)))
            until_ns = from_ns
        if until_ns <= span.start_ns:
            break
    ends = (CandleRange(finest_ns, Span(whole.end_ns, gap.end_ns)), CandleRange(finest_ns, Span(gap.start_ns, whole.start_ns)))
    return [piece for piece in (ends[0], *found, ends[1]) if piece.span]


def subtract_trades(candles: CandleBatch, time_ns: Int64Array, volume: Int64Array, buy: Int64Array) -> CandleBatch:
    """Subtract the volume of loaded trades from the candles in which they lie; no volume falls below 0.

    Parameters
    ----------
    time_ns, volume, buy : int64 [shape=(n,)]
        Time, volume and aggressively bought volume, in lots, of the loaded trades, or of bars that each lie in one candle. Trades
        and bars outside the candles do not count.
    """
    if not len(candles) or not len(time_ns):
        return candles
    place = np.searchsorted(candles.start_ns, time_ns, side="right") - 1
    inside = (place >= 0) & (time_ns < candles.start_ns[place] + candles.length_ns)
    traded, traded_buy = np.zeros((2, len(candles)), np.int64)
    np.add.at(traded, place[inside], volume[inside])
    np.add.at(traded_buy, place[inside], buy[inside])
    rest = np.maximum(candles.volume - traded, 0)
    return replace(candles, volume=rest, buy=np.where(candles.buy < 0, -1, np.clip(candles.buy - traded_buy, 0, rest)))


def _within(span: Span, length_ns: int) -> Span:
    """Shorten a span to the candles of one length that lie completely inside it; empty if none does."""
    return Span(_up(span.start_ns, length_ns), _down(span.end_ns, length_ns))


def _down(time_ns: int, length_ns: int) -> int:
    return time_ns // length_ns * length_ns


def _up(time_ns: int, length_ns: int) -> int:
    return -(-time_ns // length_ns) * length_ns
