"""Candle fill counts nothing twice and loses nothing, wherever gaps and edges are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analytics import profile_from_candles as candle_ladder
from app.analytics.candle_fallback import CandleRange
from app.analytics.row_layout import RowLayout
from app.analytics.value_area import ValueAreaMethod
from app.chart.chart import Chart, build_series
from app.market.bar_rule import BarKind, BarRule
from app.market.coverage import Source
from app.market.span import Span
from app.market.trade import BUY, TradeBatch
from app.profiles.placed_profile import TimeRange
from app.profiles.profile_values import ProfileValues
from app.storage.candle_store import CandleStore
from app.storage.tape_ranges import TapeRanges, id_ranges
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import spec
from tests.builders import SECOND_NS, START_NS, random_trades
from tests.candles import MINUTE_NS, CandleVenue
from tests.oracles.stand_ins import SlowCandle, SlowTrade, slow_rows

LENGTHS_NS = tuple(minutes * MINUTE_NS for minutes in (1, 3, 5, 15, 30))
BEGIN_NS = START_NS // (30 * MINUTE_NS) * 30 * MINUTE_NS
_DRAWN = random_trades(3, 900)
_TIMES = BEGIN_NS + np.sort(np.random.default_rng(5).integers(0, 3600 * SECOND_NS, 900)) // 10**6 * 10**6
TAPE = TradeBatch.of(_TIMES, *_DRAWN.columns[1:])
"""An hour, some fifteen trades a minute."""


def minute(number: float) -> int:
    return BEGIN_NS + round(number * MINUTE_NS)


def between(trades: TradeBatch, start: float, end: float) -> TradeBatch:
    return trades[(trades.time_ns >= minute(start)) & (trades.time_ns < minute(end))]


class Held:
    """A chart of some trades of a tape, and a venue that has candles of all of it."""

    def __init__(
        self,
        held: Sequence[TradeBatch],
        tape: TradeBatch = TAPE,
        *,
        bar_s: int = 60,
        ticks_per_row: int = 1,
        rule: BarRule | None = None,
        **venue,
    ) -> None:
        self.store, self.intervals = TradeStore(), TapeRanges()
        made = spec(bar_s, ticks_per_row)
        self.chart = Chart(replace(made, bar_rule=rule or made.bar_rule))
        self.venue = CandleVenue(tape, venue.pop("lengths_ns", LENGTHS_NS), **venue)
        self.chart.candles.candle_store = CandleStore(self.venue.lengths_ns)
        for batch in held:
            self.add(batch)

    def add(self, trades: TradeBatch) -> None:
        fresh = self.store.insert(trades)
        self.chart.apply(fresh, self.store)
        for stretch in id_ranges(fresh, Source.LIVE):
            self.intervals.add(stretch)
        self.chart.holes, self.chart.covered = self.store.gaps(), self.intervals.covered(proven=True)

    def profile(self, start_ns: int, end_ns: int | None = None) -> ProfileValues | None:
        return self.chart.profiles.of([TimeRange(start_ns, end_ns)], RowLayout(), 70, ValueAreaMethod.DALTON)

    def wishes(self, start_ns: int, end_ns: int | None = None) -> tuple[CandleRange, ...]:
        return self.chart.profiles.candle_requests([self.chart.profiles.bars_of([TimeRange(start_ns, end_ns)])])

    def fetch(self, start_ns: int, end_ns: int | None = None) -> list[CandleRange]:
        """Fetch what is wanted until nothing is; all that was fetched."""
        fetched: list[CandleRange] = []
        while wishes := self.wishes(start_ns, end_ns):
            for length_ns, span in wishes:
                self.chart.candles.candle_store.take(length_ns, span, [self.venue.page_of(length_ns, span)])
            fetched += wishes
        return fetched

    def filled(self, start: float, end: float | None = None) -> ProfileValues:
        end_ns = None if end is None else minute(end)
        self.fetch(minute(start), end_ns)
        found = self.profile(minute(start), end_ns)
        assert found is not None
        return found


def rows_of(figures: ProfileValues) -> dict[int, list[int]]:
    rows = figures.rows
    sides = zip(rows.profile.buy.tolist(), rows.profile.sell.tolist(), strict=True)
    return {rows.low_ticks // rows.ticks_per_row + row: list(pair) for row, pair in enumerate(sides) if any(pair)}


def shares(figures: ProfileValues) -> Mapping[int, float]:
    """Minutes for which candles of so many minutes stand in."""
    return {length_ns // MINUTE_NS: time_ns / MINUTE_NS for length_ns, time_ns in figures.candles.shares}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ladder on which forty minutes make candles of 15."""
    monkeypatch.setattr(candle_ladder, "MOST_CANDLES", 8)


def test_candles_before_the_loaded_trades_complete_the_volume() -> None:
    there = Held([between(TAPE, 40, 61)])
    lone = there.profile(minute(5))
    assert lone is not None and lone.rows.profile.volume == int(between(TAPE, 40, 61).quantity_lots.sum())
    found = there.filled(5)
    assert found.rows.profile.volume == int(between(TAPE, 5, 61).quantity_lots.sum())
    assert int(found.rows.profile.buy.sum()) == int(between(TAPE, 5, 61).quantity_lots[between(TAPE, 5, 61).side == BUY].sum())
    assert found.candles.whole and found.candles.aggressors
    assert shares(found).keys() == {1}


def test_requests_follow_the_ladder_with_finest_candles_at_edges(few: None) -> None:
    there = Held([between(TAPE, 37.5, 61)])
    first_ns = int(between(TAPE, 37.5, 61).time_ns[0])
    fetched = there.fetch(minute(5))
    assert fetched == [
        CandleRange(MINUTE_NS, Span(minute(30), -(-first_ns // MINUTE_NS) * MINUTE_NS)),
        CandleRange(15 * MINUTE_NS, Span(minute(15), minute(30))),
        CandleRange(MINUTE_NS, Span(minute(5), minute(15))),
    ]
    assert there.filled(5).rows.profile.volume == int(between(TAPE, 5, 61).quantity_lots.sum())


def test_an_edge_candle_counts_less_its_loaded_trades() -> None:
    there = Held([between(TAPE, 40.5, 61)])
    found = there.filled(40)
    assert found.rows.profile.volume == int(between(TAPE, 40, 61).quantity_lots.sum())
    trades = there.chart.series
    assert found.candles.profile.volume == int(between(TAPE, 40, 40.5).quantity_lots.sum())
    assert found.rows.profile.volume - found.candles.profile.volume == int(trades.volume.sum())


def test_a_short_gap_is_filled_to_the_lot() -> None:
    ids = TAPE.trade_id
    there = Held([TAPE[(ids < 400) | (ids > 402)]])
    assert there.filled(0).rows.profile.volume == int(between(TAPE, 0, 61).quantity_lots.sum())


def test_a_complete_tape_requests_and_adds_no_candles() -> None:
    there = Held([TAPE])
    start = int(TAPE.time_ns[0]) // MINUTE_NS * MINUTE_NS + MINUTE_NS
    assert there.fetch(start) == []
    found = there.profile(start)
    assert found is not None and not found.candles.shares and there.chart.candles.worked_out == 0


def test_trades_loaded_later_replace_the_candles() -> None:
    there = Held([between(TAPE, 40, 61)])
    assert shares(there.filled(20))[1] > 19
    there.add(between(TAPE, 30, 40))
    found = there.profile(minute(20))
    assert found is not None and 9 < shares(found)[1] < 11
    assert found.rows.profile.volume == int(between(TAPE, 20, 61).quantity_lots.sum())
    there.add(between(TAPE, 10, 30))
    whole = there.profile(minute(20))
    assert whole is not None and not whole.candles.shares
    assert rows_of(whole) == rows_of(Held([between(TAPE, 10, 61)]).filled(20))


def test_a_range_before_all_trades_uses_only_candles() -> None:
    there = Held([between(TAPE, 40, 61)])
    assert there.profile(minute(5), minute(20)) is None
    found = there.filled(5, 20)
    assert found.rows.profile.volume == int(between(TAPE, 5, 20).quantity_lots.sum())
    assert shares(found) == {1: 15}


def test_adjacent_profiles_count_each_candle_once() -> None:
    there = Held([between(TAPE, 40, 61)], bar_s=15)
    edges = [3, 7.25, 11.5, 20]
    parts = [there.filled(a, b).rows.profile.volume for a, b in pairwise(edges)]
    assert sum(parts) == there.filled(3, 20).rows.profile.volume == int(between(TAPE, 3, 20).quantity_lots.sum())


def test_candles_without_buy_volume_are_marked() -> None:
    found = Held([between(TAPE, 40, 61)], told=False).filled(5)
    assert not found.candles.aggressors
    assert found.rows.profile.volume == int(between(TAPE, 5, 61).quantity_lots.sum())


def test_an_unchanged_candle_falls_only_in_a_single_bar_profile() -> None:
    still = TradeBatch.of([minute(1), minute(2), minute(40)], [100, 100, 100], [7, 7, 1], [1, 1, 1], [1, 2, 3])
    there = Held([still[2:]], still, told=False)
    assert rows_of(there.filled(1, 2)) == {100: [0, 7]}
    assert rows_of(there.filled(1, 3)) == {100: [14, 0]}


def test_coarser_candles_fill_where_fine_ones_do_not_reach(few: None) -> None:
    there = Held([between(TAPE, 50, 61)], lengths_ns=LENGTHS_NS[:3], reaches_ns={MINUTE_NS: minute(46), 3 * MINUTE_NS: minute(31)})
    found = there.filled(42, 50)
    assert shares(found) == {1: 2, 3: 6} and found.rows.profile.volume == int(between(TAPE, 42, 50).quantity_lots.sum())
    assert there.fetch(minute(42), minute(50)) == []


def test_time_before_all_candles_stays_incomplete() -> None:
    there = Held([between(TAPE, 40, 61)], reaches_ns=dict.fromkeys(LENGTHS_NS, minute(33)))
    found = there.filled(5)
    assert not found.candles.whole and found.candles.lacking_ns > 34 * MINUTE_NS
    assert shares(found) == {1: pytest.approx(7, abs=0.2)}
    assert found.rows.profile.volume == int(between(TAPE, 33, 61).quantity_lots.sum())
    assert there.fetch(minute(5)) == []


def test_the_charts_own_bar_length_fills_before_the_ladder() -> None:
    two = 2 * MINUTE_NS
    there = Held([between(TAPE, 40, 61)], lengths_ns=(MINUTE_NS, two), bar_s=120, reaches_ns={MINUTE_NS: minute(34)})
    found = there.filled(6)
    assert shares(found) == {1: pytest.approx(6, abs=0.2), 2: 28}
    assert found.candles.whole and found.rows.profile.volume == int(between(TAPE, 6, 61).quantity_lots.sum())


def test_profiles_use_only_trades_without_a_candle_history() -> None:
    there = Held([between(TAPE, 40, 61)], lengths_ns=())
    assert there.fetch(minute(5)) == []
    found = there.profile(minute(5))
    assert found is not None and found.rows.profile.volume == int(between(TAPE, 40, 61).quantity_lots.sum())


def test_a_live_trade_recomputes_no_candle_fill() -> None:
    there = Held([between(TAPE, 40, 55)])
    there.filled(5)
    worked_out = there.chart.candles.worked_out
    for second in range(20):
        there.add(between(TAPE, 55 + second / 60, 55 + (second + 1) / 60))
        there.profile(minute(5))
    assert there.chart.candles.worked_out == worked_out


def test_a_gap_at_a_minutes_edge_belongs_to_the_later_minute() -> None:
    times = [minute(1), minute(9.5), minute(10), minute(10), minute(20)]
    tape = TradeBatch.of(times, [100] * 5, [1, 10, 100, 1000, 1], [1] * 5, [1, 2, 3, 4, 5])
    there = Held([tape[[0, 1, 3, 4]]], tape)
    assert rows_of(there.filled(1)) == {100: [1112, 0]}


def test_a_gap_in_the_current_minute_waits_for_its_candle() -> None:
    ids = between(TAPE, 54, 54.7).trade_id[3:6]
    there = Held([between(TAPE, 40, 54.9)[~np.isin(between(TAPE, 40, 54.9).trade_id, ids)]])
    assert there.fetch(minute(50)) == []
    found = there.profile(minute(50))
    assert found is not None and not found.candles.whole
    there.add(between(TAPE, 54.9, 56))
    assert there.fetch(minute(50)) == [CandleRange(MINUTE_NS, Span(minute(54), minute(55)))]
    assert there.filled(50).rows.profile.volume == int(between(TAPE, 50, 56).quantity_lots.sum())


def test_the_time_of_a_gap_is_counted_once() -> None:
    ids, times = TAPE.trade_id, TAPE.time_ns
    there = Held([TAPE[(ids < 400) | (ids > 430)]])
    found = there.filled(int((times[0] - BEGIN_NS) // MINUTE_NS) + 1)
    hole_ns = int(times[430] - times[398]) + 1
    assert found.candles.lacking_ns == hole_ns == sum(time_ns for _, time_ns in found.candles.shares)


def test_a_trade_in_uncovered_time_is_not_counted_twice() -> None:
    """As in a market that does not number its trades."""
    there = Held([between(TAPE, 40, 55)])
    before = there.filled(5).rows.profile.volume
    covered = there.chart.covered
    there.add(between(TAPE, 20, 20.5))
    there.chart.covered, there.chart.holes = covered, ()
    assert there.filled(5).rows.profile.volume == before == int(between(TAPE, 5, 55).quantity_lots.sum())


def test_covered_time_without_trades_needs_no_candles() -> None:
    there = Held([between(TAPE, 40, 55)])
    lacking = there.filled(5).candles.lacking_ns
    (covered,) = there.chart.covered
    there.chart.covered = (replace(covered, span=Span(minute(35), covered.span.end_ns)),)
    found = there.profile(minute(5))
    assert found is not None and found.candles.lacking_ns == 30 * MINUTE_NS < lacking


def test_candles_fill_profiles_of_another_row_size() -> None:
    there = Held([between(TAPE, 40, 55)])
    there.filled(5)
    coarse = spec(60, 4)
    there.chart.replace_series(coarse, build_series(there.store.batches(), coarse), there.chart.last_key)
    expected = Held([between(TAPE, 40, 55)], ticks_per_row=4)
    assert rows_of(there.filled(5)) == rows_of(expected.filled(5))


def test_an_anchor_before_tick_bars_keeps_its_time() -> None:
    there = Held([between(TAPE, 40.2, 55)], rule=BarRule.counted(BarKind.TRADES, 20))
    anchor_ns = minute(5)
    there.fetch(anchor_ns)
    worked_out = there.chart.candles.worked_out
    for second in range(60):
        there.add(between(TAPE, 55 + second / 60, 55 + (second + 1) / 60))
        found = there.profile(anchor_ns)
        assert found is not None
    assert found.rows.profile.volume == int(between(TAPE, 5, 56).quantity_lots.sum())
    assert there.chart.candles.worked_out == worked_out


def test_a_late_trade_is_subtracted_from_its_candle() -> None:
    by_id = TAPE[np.argsort(TAPE.trade_id)]
    late = int(between(TAPE, 40.9, 41).trade_id[-1])
    held = between(TAPE, 40.5, 55)
    there = Held([held[held.trade_id != late]])
    there.filled(40)
    there.add(by_id[by_id.trade_id == late])
    assert there.filled(40).rows.profile.volume == int(between(TAPE, 40, 55).quantity_lots.sum())


@pytest.mark.parametrize("bar_s", [60, 300])
def test_candles_over_dropped_trades_use_bars_or_are_left_out(bar_s: int) -> None:
    there = Held([between(TAPE, 40.5, 61)], bar_s=bar_s)
    there.chart.trades_from_ns = minute(55)
    there.chart.trades = lambda start, end: between(TAPE, 55, 61)[:0]
    found = there.filled(35)
    whole = int(between(TAPE, 35, 61).quantity_lots.sum())
    assert found.rows.profile.volume == whole - (0 if bar_s == 60 else int(between(TAPE, 40, 40.5).quantity_lots.sum()))
    assert found.candles.whole is (bar_s == 60)


SPANS = st.lists(st.tuples(st.integers(0, 899), st.integers(1, 300)), min_size=1, max_size=4)


@given(SPANS, st.integers(0, 55), st.sampled_from([15, 60, 300]), st.sampled_from([1, 4]), st.sampled_from([8, 20, 5000]))
def test_candle_fill_equals_the_oracle_and_conserves_volume(held, first: int, bar_s: int, ticks_per_row: int, most: int) -> None:
    ids = np.zeros(900, bool)
    for begin, n in held:
        ids[begin : begin + n] = True
    ids[890:] = True  # there is a last trade
    trades = TAPE[ids]
    there = Held([trades], bar_s=bar_s, ticks_per_row=ticks_per_row)
    start_ns = minute(first) // (bar_s * SECOND_NS) * bar_s * SECOND_NS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candle_ladder, "MOST_CANDLES", most)
        there.fetch(start_ns)
        found = there.profile(start_ns + 7 * SECOND_NS)
        until_ns = int(TAPE.time_ns[-1]) + 1
        length_ns = candle_ladder.candle_length_ns(until_ns - start_ns, LENGTHS_NS)
    assert found is not None

    def lacking(begin_ns: int, end_ns: int) -> bool:
        """Whether a trade that is missing may lie there: between two held, both included, if ids are missing between."""
        known = [(int(trade_id), int(time_ns)) for trade_id, time_ns in zip(trades.trade_id, trades.time_ns, strict=True)]
        if begin_ns < known[0][1]:
            return True
        return any(b[0] - a[0] > 1 and a[1] < end_ns and b[1] >= begin_ns for a, b in pairwise(known))

    def candle_of(at_ns: int, length: int) -> SlowCandle:
        told = there.venue.page_of(length, Span(at_ns, at_ns + 1))
        bought = int(told.buy[0])
        return SlowCandle(at_ns, int(told.low[0]), int(told.high[0]), bought, int(told.volume[0]) - bought)

    listed = [
        SlowTrade(*row)
        for row in zip(
            trades.time_ns.tolist(), trades.price_ticks.tolist(), trades.quantity_lots.tolist(), (trades.side == BUY).tolist(), strict=True
        )
    ]
    assert rows_of(found) == slow_rows(listed, lacking, candle_of, start_ns, until_ns, MINUTE_NS, length_ns, ticks_per_row)
    closed_ns = until_ns // MINUTE_NS * MINUTE_NS
    counted = (TAPE.time_ns >= start_ns) & (ids | (TAPE.time_ns < closed_ns))
    assert found.rows.profile.volume == int(TAPE.quantity_lots[counted].sum())
