"""The candle fill of profiles: candles that are used where trades are missing.

A fill has rows, shares of time, and the candles still to be requested. It is cached per profile until coverage or the loaded
candles change, or a late trade in its time arrives; a live trade costs nothing.
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
"""Starts and ends of time ranges, in nanoseconds; a range with the end None grows with the market."""
_MOST_CACHED = 256  # as many as profiles are cached


class CandleFill(NamedTuple):
    """The candles used in one profile where trades are missing, and those still to be requested.

    Attributes
    ----------
    profile : VolumeProfile
        Volume of the candles. If not `aggressors`, `buy` and `sell` are the volume of rising and of falling candles.
    aggressors : bool
        True if all the candles have their aggressive buy volume, or there are no candles.
    shares : tuple of (int, int)
        Candle length, and nanoseconds of the profile's time filled by candles of that length; finest first.
    wishes : tuple of CandleRange
        Candles that have not been requested yet, newest first.
    lacking_ns : int
        Time of the profile for which trades are missing; the shares add up to this at most.
    whole : bool
        True if candles fill all of the time for which trades are missing.
    """

    profile: VolumeProfile
    aggressors: bool
    shares: tuple[tuple[int, int], ...]
    wishes: tuple[CandleRange, ...]
    lacking_ns: int
    whole: bool


NO_CANDLES = CandleFill(VolumeProfile.empty(), True, (), (), 0, True)
"""The candle fill of a profile without missing trades, or of a market without candles."""


class CandleFillCache:
    """Computes the candle fills of one chart's profiles, and caches those of the 256 profiles used last.

    Parameters
    ----------
    chart : TradeCoverage
        Only read.

    Attributes
    ----------
    wishes : sequence of CandleRange
        Candles requested for the profiles in view, newest first; set by the view that shows them.
    worked_out : int
        Number of times a fill was computed; for tests.
    """

    def __init__(self, chart: TradeCoverage) -> None:
        self.wishes: Sequence[CandleRange] = ()
        self.worked_out = 0
        self._chart = chart
        self._gaps = IncompleteSpans()
        self._rows = CandleRows(chart)
        self._cached: OrderedDict[tuple[TimeRanges, bool], _Cached] = OrderedDict()

    def fill_for(self, stretches: TimeRanges, *, single_bar: bool = False) -> CandleFill:
        """The candle fill of a profile over some time ranges; `NO_CANDLES` if no trades are missing or the market has no candles.

        Parameters
        ----------
        stretches : TimeRanges
            Edges of bars, in order and not touching.
        single_bar : bool
            True for the profile of one bar: there a candle that closes at its open counts as falling.
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
        cached = self._cached.get(key)
        if cached is None or not cached.holds(gaps, lengths, until_ns, self.candle_store.revision, self._chart.late):
            starts_ns = [span.start_ns for span in spans]
            cached = self._cached[key] = self._compute(list(zip(starts_ns, gaps, strict=True)), lengths, single_bar)
            if len(self._cached) > _MOST_CACHED:
                self._cached.popitem(last=False)
        self._cached.move_to_end(key)
        return cached.found

    @property
    def candle_store(self) -> CandleStore:
        """The store of loaded candles, shared by a market's charts; empty if the market has no candles."""
        return self._rows.held

    @candle_store.setter
    def candle_store(self, held: CandleStore) -> None:
        self._rows.held = held

    @property
    def until_ns(self) -> int:
        """The end of the time whose coverage is known: just after the last trade; `EVER_NS` before any trade is loaded."""
        self._gaps.follow(self._chart.covered, self._chart.holes)
        return self._gaps.until_ns

    def _lengths(self, known: list[int], span_ns: int) -> tuple[int, ...]:
        """The candle length for a profile over `span_ns` of time, and the longer lengths, each a multiple of the one before.

        The first is one of the lengths in `known`; the chart's own bar length may be among the longer ones.
        """
        lengths, rule = [candle_length_ns(span_ns, tuple(known))], self._chart.series.rule
        own: set[int] = {rule.length_ns} & {*self.candle_store.lengths_ns} if rule.is_time and DAY_NS % rule.length_ns == 0 else set()
        for length_ns in sorted({*known} | own):
            if length_ns > lengths[-1] and length_ns % lengths[-1] == 0:
                lengths.append(length_ns)
        return tuple(lengths)

    def _compute(self, parts: list[tuple[int, tuple[Span, ...]]], lengths: tuple[int, ...], single_bar: bool) -> _Cached:
        """Compute the candle fill of some time ranges, each given by its start and its gaps."""
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
        return _Cached(*asked, tally.reached_ns, tally.until_ns, found)

    def _add(self, tally: _Tally, start_ns: int, gaps: tuple[Span, ...], lengths: tuple[int, ...], single_bar: bool) -> None:
        """Add to a tally the loaded candles in one time range's gaps, and requests for candles not requested yet."""
        held = self.candle_store
        filled: list[Span] = []
        finest_ns = next(length_ns for length_ns in LADDER_NS if length_ns in held.lengths_ns and lengths[0] % length_ns == 0)
        if gaps and -(-gaps[-1].end_ns // finest_ns) > self._gaps.until_ns // finest_ns:
            tally.until_ns = (self._gaps.until_ns // finest_ns + 1) * finest_ns
        for wide in align_to_candles(self._rows.fillable(gaps, finest_ns), start_ns, self._gaps.until_ns, finest_ns):
            tally.reached_ns = max(tally.reached_ns, wide.end_ns)
            for length_ns, span in candle_ranges(wide, lengths, finest_ns, held.first_ns):
                requested = held.asked(length_ns, span)
                tally.wishes += [CandleRange(length_ns, rest) for rest in span.minus(requested)]
                for asked in requested:
                    there = Span(held.first_ns(length_ns, asked), asked.end_ns)
                    filled.append(there)
                    rows = self._rows.of(length_ns, there, single_bar=single_bar)
                    tally.profiles.append(rows.profile)
                    tally.aggressors &= rows.aggressors or not rows.profile.n_rows
                    tally.time_ns[length_ns] = tally.time_ns.get(length_ns, 0) + sum(gap.intersection(there).length_ns for gap in gaps)
        tally.whole &= not any(gap.minus(filled) for gap in gaps)


@dataclass(slots=True)
class _Tally:
    """Running sums for the candle fill of one profile."""

    profiles: list[VolumeProfile] = field(default_factory=list[VolumeProfile])
    aggressors: bool = True
    time_ns: dict[int, int] = field(default_factory=dict[int, int])
    wishes: list[CandleRange] = field(default_factory=list[CandleRange])
    whole: bool = True
    reached_ns: int = EVER_NS
    until_ns: int = NEVER_NS


class _Cached(NamedTuple):
    """A cached candle fill, with the data that shows if it is out of date.

    A late trade before `reached_ns` makes the fill out of date, and so does coverage up to `until_ns`: another candle may have closed.
    """

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
        """True if nothing on which the candle fill depends has changed."""
        if self.candles_revision != candles_revision or late.since(self.told_late) < self.reached_ns:
            return False
        return self.gaps == gaps and self.lengths == lengths and until_ns < self.until_ns
