"""What candles say of the profiles on a chart, where trades do not: rows, shares of the time, and which candles are still wanted.

Kept per profile until coverage or the candles held change, or a trade of their time comes late; a live trade costs nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.analytics.candle_fallback import CandleRange, align_to_candles, candle_ranges
from app.analytics.profile import VolumeProfile, merge_profiles
from app.analytics.profile_from_candles import LADDER_NS, candle_length_ns
from app.market.bar_rule import DAY_NS
from app.market.span import Span
from app.profiles.candle_rows import CandleRows, TradeCoverage
from app.storage.candle_store import CandleStore
from app.storage.incomplete_spans import EVER_NS, IncompleteSpans
from app.storage.late_trades import NEVER_NS, LateTrades

TimeRanges = tuple[tuple[int, int | None], ...]
"""Starts and ends of stretches of time, nanoseconds; one without end grows with the market."""
_KEPT = 256  # as many as profiles are kept


class CandleFill(NamedTuple):
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
    wishes: tuple[CandleRange, ...]
    lacking_ns: int
    whole: bool


NO_CANDLES = CandleFill(VolumeProfile.empty(), True, (), (), 0, True)
"""Of a profile that lacks no trades, or where there is nobody to ask for candles."""


class CandleFillCache:
    """The candles that stand in on one chart.

    Parameters
    ----------
    chart : TradesHeld
        Read, never written.

    Attributes
    ----------
    wishes : sequence of Piece
        Candles that somebody wants for the profiles that he looks at, newest first; state, set by whoever shows them.
    worked_out : int
        How often candles have been spread over rows for a profile: a count of work for the tests.
    """

    def __init__(self, chart: TradeCoverage) -> None:
        self.wishes: Sequence[CandleRange] = ()
        self.worked_out = 0
        self._chart = chart
        self._gaps = IncompleteSpans()
        self._rows = CandleRows(chart)
        self._kept: OrderedDict[tuple[TimeRanges, bool], _Kept] = OrderedDict()

    def fill_for(self, stretches: TimeRanges, *, single_bar: bool = False) -> CandleFill:
        """What candles add to the trades of some stretches of time.

        Parameters
        ----------
        stretches : Stretches
            Edges of bars, in order and apart.
        single_bar : bool
            Whether it is the profile of one bar: then a candle that closed where it opened went down.
        """
        known = [length_ns for length_ns in LADDER_NS if length_ns in self.candle_store.lengths_ns]
        self._gaps.follow(self._chart.covered, self._chart.holes)
        until_ns = self._gaps.until_ns
        spans = [Span(start_ns, until_ns if end_ns is None else min(end_ns, until_ns)) for start_ns, end_ns in stretches]
        gaps = tuple(self._gaps.within(span) for span in spans) if known else ()
        if not any(gaps):
            return NO_CANDLES
        lengths = self._lengths(known, sum(span.length_ns for span in spans))
        key = (stretches, single_bar)
        kept = self._kept.get(key)
        if kept is None or not kept.holds(gaps, lengths, until_ns, self.candle_store.revision, self._chart.late):
            starts_ns = [span.start_ns for span in spans]
            kept = self._kept[key] = self._work_out(list(zip(starts_ns, gaps, strict=True)), lengths, single_bar)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return kept.found

    @property
    def candle_store(self) -> CandleStore:
        """The candles held, of all charts of a market; without lengths until somebody who can be asked is known."""
        return self._rows.held

    @candle_store.setter
    def candle_store(self, held: CandleStore) -> None:
        self._rows.held = held

    @property
    def until_ns(self) -> int:
        """Up to when anything is known of what is held: just behind the last trade."""
        self._gaps.follow(self._chart.covered, self._chart.holes)
        return self._gaps.until_ns

    def _lengths(self, known: list[int], span_ns: int) -> tuple[int, ...]:
        """The length by the ladder, and those coarser ones, of the ladder or the chart's own, that it fits into."""
        lengths, rule = [candle_length_ns(span_ns, tuple(known))], self._chart.series.rule
        own = {rule.length_ns} & {*self.candle_store.lengths_ns} if rule.is_time and DAY_NS % rule.length_ns == 0 else set()
        for length_ns in sorted({*known} | own):
            if length_ns > lengths[-1] and length_ns % lengths[-1] == 0:
                lengths.append(length_ns)
        return tuple(lengths)

    def _work_out(self, parts: list[tuple[int, tuple[Span, ...]]], lengths: tuple[int, ...], single_bar: bool) -> _Kept:
        """Of stretches of time, told by their start and gaps."""
        self.worked_out += 1
        tally = _Tally()
        for start_ns, gaps in parts:
            self._add(tally, start_ns, gaps, lengths, single_bar)
        found = CandleFill(
            merge_profiles(tally.profiles),
            tally.aggressors,
            tuple(sorted((length_ns, time_ns) for length_ns, time_ns in tally.time_ns.items() if time_ns)),
            tuple(sorted(tally.wishes, key=lambda wish: wish.span, reverse=True)),
            sum(gap.length_ns for _, gaps in parts for gap in gaps),
            tally.whole,
        )
        asked = (tuple(gaps for _, gaps in parts), lengths, self.candle_store.revision, self._chart.late.told)
        return _Kept(*asked, tally.reached_ns, tally.until_ns, found)

    def _add(self, tally: _Tally, start_ns: int, gaps: tuple[Span, ...], lengths: tuple[int, ...], single_bar: bool) -> None:
        """Add up what is had of one stretch of time, and what is wanted."""
        held, stand_in = self.candle_store, []
        finest_ns = next(length_ns for length_ns in LADDER_NS if length_ns in held.lengths_ns and lengths[0] % length_ns == 0)
        if gaps and -(-gaps[-1].end_ns // finest_ns) > self._gaps.until_ns // finest_ns:
            tally.until_ns = (self._gaps.until_ns // finest_ns + 1) * finest_ns
        for wide in align_to_candles(self._rows.fillable(gaps, finest_ns), start_ns, self._gaps.until_ns, finest_ns):
            tally.reached_ns = max(tally.reached_ns, wide.end_ns)
            for length_ns, span in candle_ranges(wide, lengths, finest_ns, held.first_ns):
                had = held.asked(length_ns, span)
                tally.wishes += [CandleRange(length_ns, rest) for rest in span.minus(had)]
                for asked in had:
                    there = Span(held.first_ns(length_ns, asked), asked.end_ns)
                    stand_in.append(there)
                    rows = self._rows.of(length_ns, there, single_bar=single_bar)
                    tally.profiles.append(rows.profile)
                    tally.aggressors &= rows.aggressors or not rows.profile.n_rows
                    tally.time_ns[length_ns] = tally.time_ns.get(length_ns, 0) + sum(gap.intersection(there).length_ns for gap in gaps)
        tally.whole &= not any(gap.minus(stand_in) for gap in gaps)


@dataclass(slots=True)
class _Tally:
    """What candles say of one profile, as far as it was added up."""

    profiles: list[VolumeProfile] = field(default_factory=list)
    aggressors: bool = True
    time_ns: dict[int, int] = field(default_factory=dict)
    wishes: list[CandleRange] = field(default_factory=list)
    whole: bool = True
    reached_ns: int = EVER_NS
    until_ns: int = NEVER_NS


class _Kept(NamedTuple):
    """What was found, and of what: trades up to `reached_ns`; from `until_ns` on another candle may be closed."""

    gaps: tuple[tuple[Span, ...], ...]
    lengths: tuple[int, ...]
    candles_revision: int
    told_late: int
    reached_ns: int
    until_ns: int
    found: CandleFill

    def holds(
        self, gaps: tuple[tuple[Span, ...], ...], lengths: tuple[int, ...], until_ns: int, candles_revision: int, late: LateTrades
    ) -> bool:
        """Whether nothing has changed that it was made of."""
        if self.candles_revision != candles_revision or late.since(self.told_late) < self.reached_ns:
            return False
        return self.gaps == gaps and self.lengths == lengths and until_ns < self.until_ns
