"""Gaps on disk are filled newest first, and resumed after errors."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import DecodeError, VenueUnreachableError
from app.ingest import store_backfill as filling
from app.ingest.store_backfill import StoreGap, fill_gaps, fill_owed, store_gaps
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.catalogue.settled import Settled
from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter
from tests.app.chart.test_chart import MARKET
from tests.app.ingest.pumps import DAY, Archive
from tests.sameness import same

WHOLE = Span(int(DAY.time_ns[0]), int(DAY.time_ns[-1]) + 1)


async def no_wait(_seconds: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
def writer(tmp_path: Path):
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, MARKET)
    yield writer
    writer.close()
    store.close()


def filled(writer: TapeWriter, archive: Archive, span: Span = WHOLE) -> int:
    return asyncio.run(fill_gaps(writer, archive, span, wall_ns=lambda: WHOLE.end_ns, sleep=no_wait))


def kept(writer: TapeWriter) -> TradeBatch:
    return writer.tape.trades(Span(0, 1 << 62))


def test_gaps_are_filled_newest_first_without_stored_trades(writer):
    writer.insert_bulk(DAY[1000:2000], Source.LIVE)
    writer.insert_bulk(DAY[5000:6000], Source.LIVE)
    archive = Archive(DAY)
    assert filled(writer, archive) == 6000
    assert same(kept(writer), DAY)
    assert archive.asked == [("since", int(DAY.time_ns[5999]), None), ("between", 2001, 5000), ("since", WHOLE.start_ns, 1001)]
    assert store_gaps(writer, WHOLE) == []
    assert filled(writer, archive) == 0
    assert len(archive.asked) == 3


def test_missing_ids_between_trades_of_equal_time_are_a_gap(writer):
    at_once = TradeBatch.of(np.full(6, 10**18), *(np.ones(6),) * 3, np.arange(1, 7))
    writer.insert(at_once[[0, 1, 4, 5]], Source.LIVE)
    ids = [(gap.first_id, gap.before_id) for gap in store_gaps(writer, Span(10**18, 10**18 + 1))]
    assert ids == [(None, 1), (3, 5), (7, None)]
    assert filled(writer, Archive(at_once), Span(10**18, 10**18 + 1)) == 2
    assert same(kept(writer), at_once)


def test_trades_with_the_time_of_the_last_stored_one_are_fetched(writer):
    at_once = TradeBatch.of([10**18] * 4 + [10**18 + 5], *(np.ones(5),) * 3, np.arange(1, 6))
    writer.insert(at_once[:2], Source.LIVE)
    assert filled(writer, Archive(at_once), Span(10**18, 10**18 + 10)) == 3
    assert same(kept(writer), at_once)


def test_backfill_resumes_where_it_stopped_after_an_error(writer, monkeypatch):
    monkeypatch.setattr(filling, "_AT_ONCE", 700)
    archive = Archive(DAY)
    archive.failures = [(3, VenueUnreachableError("no answer")), (5, VenueUnreachableError("no answer"))]
    assert filled(writer, archive) == len(DAY)
    assert same(kept(writer), DAY)
    assert archive.asked[1][1] > WHOLE.start_ns


def test_backfill_stores_fetched_trades_when_the_venue_fails(writer, monkeypatch):
    monkeypatch.setattr(filling, "_AT_ONCE", 400)
    archive = Archive(DAY)
    archive.failures = [(2, VenueUnreachableError("no answer"))] + [(0, VenueUnreachableError("no answer"))] * 6
    with pytest.raises(VenueUnreachableError):
        filled(writer, archive)
    assert 0 < len(kept(writer)) < len(DAY)


def test_pages_that_came_before_a_failure_are_stored(writer):
    """Once up to 20,000 trades were dropped with the error, so that a venue that failed again and again was never done with."""
    writer.insert(DAY[:100], Source.LIVE)
    writer.insert(DAY[5_100:], Source.LIVE)
    archive = Archive(DAY)
    for done in (1_000, 2_000, 3_000):
        archive.failures = [(2, DecodeError("cut"))]
        with pytest.raises(DecodeError):
            asyncio.run(fill_owed(writer, archive, writer.owed[0], tries=1))
        assert archive.asked[-1][1] == done - 1_000 + 101
        assert same(kept(writer), DAY[np.r_[: 100 + done, 5_100 : len(DAY)]])
        assert (writer.owed[0].tries, writer.owed[0].next_try_ns) == (0, 0)
    for pause_s in (10, 20, 40, 80, 160, 320, 600, 600):
        archive.failures = [(0, DecodeError("cut"))]
        with pytest.raises(DecodeError):
            asyncio.run(fill_owed(writer, archive, writer.owed[0], tries=1))
        assert writer.owed[0].next_try_ns - writer.owed[0].changed_ns == pause_s * 10**9


def test_a_failure_leaves_the_time_after_the_last_unnumbered_trade_missing(tmp_path: Path):
    instrument = Instrument("hyperliquid", "BTC", MARKET.tick_size, MARKET.lot_size, numbered=False)
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, instrument)
    archive = Archive(DAY)
    archive.failures = [(2, VenueUnreachableError("no answer"))]
    assert filled(writer, archive) == len(DAY)
    assert archive.asked == [("since", WHOLE.start_ns, None), ("since", int(DAY.time_ns[999]), None)]
    assert same(kept(writer), DAY)
    writer.close()
    store.close()


def test_unnumbered_trades_are_covered_only_where_any_were_found(tmp_path: Path):
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, Instrument("bybit", "X", MARKET.tick_size, MARKET.lot_size, numbered=False))
    assert asyncio.run(fill_gaps(writer, Archive(DAY[4000:]), WHOLE, wall_ns=lambda: WHOLE.end_ns)) == 4000
    (covered,) = writer.intervals.covered(proven=False)
    assert covered.span == Span(int(DAY.time_ns[4000]) + 1, WHOLE.end_ns)
    assert store_gaps(writer, WHOLE) == [StoreGap(Span(WHOLE.start_ns, int(DAY.time_ns[4000]) + 1), None, None)]
    writer.close()
    store.close()


def test_a_venue_that_has_no_trades_has_answered(writer):
    noon = (WHOLE.start_ns + WHOLE.end_ns) // 2
    quiet = Archive(DAY[(noon - 10**12 > DAY.time_ns) | (noon + 10**12 <= DAY.time_ns)])
    span = Span(noon - 10**12, noon + 10**12)
    assert filled(writer, quiet, span) == 0
    assert store_gaps(writer, span) == []
    assert filled(writer, quiet, span) == 0 and len(quiet.asked) == 1


@pytest.mark.parametrize("at_the_edge", [True, False])
def test_whole_days_from_files_are_complete_to_the_nanosecond(writer, at_the_edge):
    day = Span(WHOLE.start_ns - (0 if at_the_edge else 7), WHOLE.end_ns + (0 if at_the_edge else 7))
    writer.insert_bulk(DAY, Source.ARCHIVE, day)
    if at_the_edge:
        assert [gap.span.length_ns for gap in store_gaps(writer, day)] == [1, 1]  # of trades alone nothing follows for that nanosecond
    writer.settle(day, Source.ARCHIVE)
    assert store_gaps(writer, day) == []
    later = Span(day.start_ns - 100, day.end_ns + 100)
    assert [gap.span for gap in store_gaps(writer, later)] == [Span(later.start_ns, day.start_ns), Span(day.end_ns, later.end_ns)]


def test_what_a_source_has_delivered_is_forgotten_with_the_day(writer, tmp_path):
    day = Span(WHOLE.start_ns // DAY_NS * DAY_NS, (WHOLE.end_ns // DAY_NS + 1) * DAY_NS)
    writer.insert_bulk(DAY, Source.ARCHIVE, day)
    writer.settle(day, Source.ARCHIVE, [Span(90_000, 90_002)])
    again = DiskStore(tmp_path, write=False)
    assert again.catalogue.settled(MARKET.id) == writer.settled == Settled(((Source.ARCHIVE, day),), (Span(90_000, 90_002),))
    again.close()
    writer.forget(range(day.start_ns // DAY_NS, day.end_ns // DAY_NS))
    assert store_gaps(writer, day) == [StoreGap(day, None, None)]


def test_ids_without_a_trade_are_not_missing(writer):
    writer.insert(DAY[:10], Source.LIVE)
    writer.insert(DAY[20:30], Source.LIVE)
    first = int(DAY.trade_id[10])
    assert [(gap.first_id, gap.before_id) for gap in store_gaps(writer, WHOLE) if gap.before_id] == [
        (None, first - 10),
        (first, first + 10),
    ]
    writer.settle(Span(0, 0), Source.ARCHIVE, [Span(first + 2, first + 3), Span(first + 3, first + 5)])
    inside = [(gap.first_id, gap.before_id) for gap in store_gaps(writer, WHOLE) if gap.before_id]
    assert inside == [(None, first - 10), (first, first + 2), (first + 5, first + 10)]
    writer.settle(Span(0, 0), Source.ARCHIVE, [Span(first, first + 10)])
    assert [gap for gap in store_gaps(writer, WHOLE) if gap.first_id and gap.before_id] == []


@settings(max_examples=25)
@given(runs=st.lists(st.tuples(st.integers(0, 299), st.integers(1, 60)), max_size=6), a=st.integers(0, 299), b=st.integers(0, 299))
def test_backfill_completes_a_span_whatever_is_stored(tmp_path_factory, runs, a, b):
    tape = TradeBatch.of(DAY.time_ns[:300] // 10**10 * 10**10, *(column[:300] for column in DAY.columns[1:]))
    store = DiskStore(tmp_path_factory.mktemp("store"))
    writer = TapeWriter(store, MARKET)
    for first, length in runs:
        writer.insert(tape[first : first + length], Source.LIVE)
    span = Span(int(tape.time_ns[min(a, b)]), int(tape.time_ns[max(a, b)]) + 10**9)
    asyncio.run(fill_gaps(writer, Archive(tape, page=20), span, wall_ns=lambda: WHOLE.end_ns))
    inside = (tape.time_ns >= span.start_ns) & (tape.time_ns < span.end_ns)
    assert same(writer.tape.trades(span), tape[inside])
    writer.close()
    store.close()
