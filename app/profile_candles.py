"""What candles say of the profiles on a chart, where trades do not: rows, shares of the time, and which candles are still wanted.

Kept per profile until coverage or the candles held change, or a trade of their time comes late; a live trade costs nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from app.analytics.candle_ladder import LADDER_NS, ladder_length_ns, profile_of_candles
from app.analytics.footprint import FootprintSeries
from app.analytics.profile import VolumeProfile, merged
from app.analytics.stand_ins import Piece, beside_held, pieces_of, widened
from app.market.bar_rule import DAY_NS
from app.market.candle import CandleBatch, joined
from app.market.coverage import Covered
from app.market.span import Span
from app.market.trade import BUY, TradeBatch
from app.storage.candles import HeldCandles
from app.storage.late_trades import LateTrades
from app.storage.memory import Hole

Stretches = tuple[tuple[int, int | None], ...]
"""Starts and ends of stretches of time, nanoseconds; one without end grows with the market."""
_KEPT = 256  # as many as profiles are kept
_EVER_NS = -(1 << 62)


class BesideTrades(NamedTuple):
    """What candles add to the trades of one profile.

    Attributes
    ----------
    profile : VolumeProfile
        `buy` and `sell` hold what went up and down, unless `aggressors`.
    aggressors : bool
        Whether the candles tell who was aggressive; True without candles.
    shares : tuple of (int, int)
        Length of candles and nanoseconds of the profile's time for which they stand in, finest first.
    wishes : tuple of Piece
        Candles that are not held and were not asked for, newest first.
    lacking_ns : int
        The time of the profile for which trades are missing; together the shares are at most that.
    whole : bool
        Whether candles stand in for all of it.
    """

    profile: VolumeProfile
    aggressors: bool
    shares: tuple[tuple[int, int], ...]
    wishes: tuple[Piece, ...]
    lacking_ns: int
    whole: bool


NO_CANDLES = BesideTrades(VolumeProfile.empty(), True, (), (), 0, True)
"""Of a profile that lacks no trades, or where there is nobody to ask for candles."""


class TradesHeld(Protocol):
    """What is asked of a chart; see there."""

    covered: Sequence[Covered]
    holes: Sequence[Hole]
    trades: Callable[[int, int], TradeBatch] | None
    trades_from_ns: int
    late: LateTrades
    series: FootprintSeries


class CandlesOfProfiles:
    """The candles that stand in on one chart.

    Parameters
    ----------
    chart : TradesHeld
        Read, never written.

    Attributes
    ----------
    held : HeldCandles
        Shared by all charts of a market; without lengths until somebody who can be asked is known.
    wishes : sequence of Piece
        Candles that somebody wants for the profiles that he looks at, newest first; state, set by whoever shows them.
    worked_out : int
        How often candles have been spread over rows for a profile: a count of work for the tests.
    """

    def __init__(self, chart: TradesHeld) -> None:
        self.held = HeldCandles()
        self.wishes: Sequence[Piece] = ()
        self.worked_out = 0
        self._chart = chart
        self._gaps = _Gaps()
        self._kept: OrderedDict[tuple[Stretches, bool], _Kept] = OrderedDict()

    def beside(self, stretches: Stretches, *, single_bar: bool = False) -> BesideTrades:
        """What candles add to the trades of some stretches of time.

        Parameters
        ----------
        stretches : Stretches
            Edges of bars, in order and apart.
        single_bar : bool
            Whether it is the profile of one bar: then a candle that closed where it opened went down.
        """
        known = [length_ns for length_ns in LADDER_NS if length_ns in self.held.lengths_ns]
        self._gaps.follow(self._chart)
        until_ns = self._gaps.until_ns
        spans = [Span(start_ns, until_ns if end_ns is None else min(end_ns, until_ns)) for start_ns, end_ns in stretches]
        gaps = tuple(self._gaps.within(span) for span in spans) if known else ()
        if not any(gaps):
            return NO_CANDLES
        lengths = self._lengths(known, sum(span.length_ns for span in spans))
        key = (stretches, single_bar)
        kept = self._kept.get(key)
        if kept is None or not kept.holds(gaps, lengths, self.held, self._chart.late):
            starts_ns = [span.start_ns for span in spans]
            kept = self._kept[key] = self._work_out(list(zip(starts_ns, gaps, strict=True)), lengths, single_bar)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return kept.found

    @property
    def until_ns(self) -> int:
        """Up to when anything is known of what is held: just behind the last trade."""
        self._gaps.follow(self._chart)
        return self._gaps.until_ns

    def _lengths(self, known: list[int], span_ns: int) -> tuple[int, ...]:
        """The length by the ladder, and those coarser ones, of the ladder or the chart's own, that it fits into."""
        lengths, rule = [ladder_length_ns(span_ns, tuple(known))], self._chart.series.rule
        own = {rule.length_ns} & {*self.held.lengths_ns} if rule.is_time and DAY_NS % rule.length_ns == 0 else set()
        for length_ns in sorted({*known} | own):
            if length_ns > lengths[-1] and length_ns % lengths[-1] == 0:
                lengths.append(length_ns)
        return tuple(lengths)

    def _work_out(self, parts: list[tuple[int, tuple[Span, ...]]], lengths: tuple[int, ...], single_bar: bool) -> _Kept:
        """Of stretches of time, told by their start and gaps."""
        self.worked_out += 1
        held, chart = self.held, self._chart
        finest_ns = next(length_ns for length_ns in LADDER_NS if length_ns in held.lengths_ns and lengths[0] % length_ns == 0)
        found: dict[int, list[CandleBatch]] = {}
        time_ns: dict[int, int] = {}
        left: list[Span] = []
        wishes: list[Piece] = []
        reached_ns = _EVER_NS
        for start_ns, gaps in parts:
            stand_in: list[Span] = []
            for wide in widened(self._tellable(gaps, finest_ns), start_ns, self._gaps.until_ns, finest_ns):
                reached_ns = max(reached_ns, wide.end_ns)
                for length_ns, span in pieces_of(wide, lengths, finest_ns, held.first_ns):
                    had = held.asked(length_ns, span)
                    wishes += [Piece(length_ns, rest) for rest in span.minus(had)]
                    for asked in had:
                        there = Span(held.first_ns(length_ns, asked), asked.end_ns)
                        stand_in.append(there)
                        found.setdefault(length_ns, []).append(self._beside_held(held.of(length_ns, there), there))
                        time_ns[length_ns] = time_ns.get(length_ns, 0) + sum(gap.intersection(there).length_ns for gap in gaps)
            left += [rest for gap in gaps for rest in gap.minus(stand_in)]
        told = [profile_of_candles(joined(batches), chart.series.grid, single_bar=single_bar) for batches in found.values()]
        told = [each for each in told if each.profile.n_rows]
        beside = BesideTrades(
            merged(each.profile for each in told),
            all(each.aggressors for each in told),
            tuple(sorted((length_ns, time) for length_ns, time in time_ns.items() if time)),
            tuple(sorted(wishes, key=lambda wish: wish.span, reverse=True)),
            sum(gap.length_ns for _, gaps in parts for gap in gaps),
            not left,
        )
        return _Kept(tuple(gaps for _, gaps in parts), lengths, held.revision, chart.late.told, reached_ns, beside)

    def _tellable(self, gaps: Sequence[Span], finest_ns: int) -> Sequence[Span]:
        """The gaps, without the candles on their edges where nobody can tell any more what is held of their time."""
        from_ns = self._chart.trades_from_ns
        if self._bars_tell(finest_ns) or not gaps or gaps[0].start_ns >= from_ns:
            return gaps
        return [
            gap if gap.start_ns >= from_ns else Span(-(-gap.start_ns // finest_ns) * finest_ns, gap.end_ns // finest_ns * finest_ns)
            for gap in gaps
        ]

    def _bars_tell(self, length_ns: int) -> bool:
        """Whether each bar lies in one candle of a length."""
        rule = self._chart.series.rule
        return rule.is_time and length_ns % rule.length_ns == 0

    def _beside_held(self, candles: CandleBatch, span: Span) -> CandleBatch:
        """What is held of their time is told by the bars where a bar lies in one candle, else by the trades in memory."""
        chart = self._chart
        series, trades = chart.series, chart.trades
        if self._bars_tell(candles.length_ns):
            first, end = (series.index_of(series.rule.number(at_ns)) for at_ns in (span.start_ns, span.end_ns))
            bars = slice(first, end)
            return beside_held(candles, series.times.of_bars(first, end), series.volume[bars], series.buy[bars])
        if trades is None:
            return candles
        found = trades(span.start_ns, span.end_ns)
        return beside_held(candles, found.time_ns, found.quantity_lots, np.where(found.side == BUY, found.quantity_lots, 0))


class _Kept(NamedTuple):
    gaps: tuple[tuple[Span, ...], ...]
    lengths: tuple[int, ...]
    candles_revision: int
    told_late: int
    reached_ns: int
    found: BesideTrades

    def holds(self, gaps: tuple[tuple[Span, ...], ...], lengths: tuple[int, ...], held: HeldCandles, late: LateTrades) -> bool:
        """Whether nothing has changed that it was made of."""
        if self.candles_revision != held.revision or late.since(self.told_late) < self.reached_ns:
            return False
        return self.gaps == gaps and self.lengths == lengths


class _Gaps:
    """The times of a chart up to its last trade of which not all trades are held, disjoint and in order of time."""

    def __init__(self) -> None:
        self.until_ns = _EVER_NS
        self._covered: Sequence[Covered] = ()
        self._holes: Sequence[Hole] = ()
        self._spans: list[Span] = []

    def follow(self, chart: TradesHeld) -> None:
        """Take note of what a chart says; where only the last trade is a later one, nothing is worked out."""
        covered, holes = chart.covered, chart.holes
        if covered is self._covered and holes is self._holes:
            return
        if holes is not self._holes or not _same_but_for_the_end(covered, self._covered):
            self._spans = _gaps(covered, [Span(hole.start_ns, hole.end_ns + 1) for hole in chart.holes])
        self._covered, self._holes = covered, holes
        self.until_ns = max((stretch.span.end_ns for stretch in covered), default=_EVER_NS)

    def within(self, span: Span) -> tuple[Span, ...]:
        """The parts of a span that are gaps."""
        found: list[Span] = []
        for gap in self._spans[max(0, bisect_right(self._spans, span.start_ns, key=_start) - 1) :]:
            if gap.start_ns >= span.end_ns:
                break
            if part := gap.intersection(span):
                found.append(part)
        return tuple(found)


def _gaps(covered: Sequence[Covered], holes: list[Span]) -> list[Span]:
    """What no stretch covers before the end of the last, and the holes: from the trade before to the trade after, both included."""
    if not covered:
        return []
    until_ns = max(stretch.span.end_ns for stretch in covered)
    joined: list[Span] = []
    for span in sorted([*Span(_EVER_NS, until_ns).minus([stretch.span for stretch in covered]), *holes]):
        if joined and span.start_ns <= joined[-1].end_ns:
            span = Span(joined[-1].start_ns, max(joined.pop().end_ns, span.end_ns))
        joined.append(span)
    return joined


def _same_but_for_the_end(covered: Sequence[Covered], before: Sequence[Covered]) -> bool:
    """Whether the last stretch alone differs, and in its end alone; all the others end before it."""
    if not covered or len(covered) != len(before) or covered[:-1] != before[:-1]:
        return False
    last, was = covered[-1].span, before[-1].span
    return (
        last.start_ns == was.start_ns
        and last.end_ns >= was.end_ns
        and all(stretch.span.end_ns <= last.start_ns for stretch in covered[:-1])
    )


def _start(span: Span) -> int:
    return span.start_ns
