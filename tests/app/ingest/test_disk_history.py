"""Stored trades are read in their tape ranges, newest day first, with the time they cover."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import StoreError
from app.ingest.disk_history import DiskBatch, DiskHistory, span_of
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import BUY, TradeBatch
from app.storage.disk import DiskStore
from app.storage.tape_ranges import TapeRange
from app.storage.tape_writer import TapeWriter
from app.storage.trade_store import TradeStore
from tests.app.storage.stores import ALL, ARCHIVE, BACKFILL, BYBIT, FIRST_DAY, LIVE, TAPE, days_of_trades
from tests.builders import SECOND_NS
from tests.sameness import same

TRADES = days_of_trades(300, 2.5)
TIMES = TRADES.time_ns.tolist()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DiskStore]:
    store = DiskStore(tmp_path)
    yield store
    store.close()


def history_of(store: DiskStore, *stored: tuple[TradeBatch, Source, Span | None], instrument: Instrument = TAPE) -> DiskHistory:
    """The history of a market with these trades."""
    writer = TapeWriter(store, instrument)
    for part in stored:
        writer.insert_bulk(*part)
    writer.close()
    return DiskHistory(store.tape(instrument), TradeStore(by_time=not instrument.numbered))


def at(*ids: int) -> TradeBatch:
    """Trades with these ids, one each second from the time 0 on: id 5 at 5 s."""
    n = len(ids)
    return TradeBatch.of([i * SECOND_NS for i in ids], [100] * n, [1] * n, [BUY] * n, ids)


def seconds(start: float, end: float) -> Span:
    return Span(round(start * SECOND_NS), round(end * SECOND_NS))


def spans(ranges: list[TapeRange]) -> list[tuple[int, int, Span]]:
    return [(found.first_id, found.last_id, span_of(found)) for found in ranges]


def ranges_in(history: DiskHistory, span: Span, before_id: int | None = None) -> list[tuple[int, int, Span]]:
    return spans(asyncio.run(history.ranges_in(span, before_id)))


def test_an_empty_tape_has_no_history(store: DiskStore) -> None:
    history = history_of(store)
    assert asyncio.run(history.oldest_ns()) is None
    assert (ranges_in(history, ALL), asyncio.run(history.count_in(ALL)), asyncio.run(history.parts(ALL, []))) == ([], 0, [])


def test_the_oldest_time_is_the_start_of_the_first_range(store: DiskStore) -> None:
    history = history_of(store, (at(8, 9), ARCHIVE, None), (at(3, 4), LIVE, seconds(2.5, 4.5)))
    assert asyncio.run(history.oldest_ns()) == 2_500_000_000


# -- ranges --------------------------------------------------------------------------------------


def test_ranges_are_limited_to_the_span(store: DiskStore) -> None:
    history = history_of(store, (at(1, 2, 3), ARCHIVE, seconds(1, 4)), (at(7, 8, 9), LIVE, seconds(7, 10)))
    assert ranges_in(history, seconds(0, 20)) == [(1, 3, seconds(1, 4)), (7, 9, seconds(7, 10))]
    assert ranges_in(history, seconds(2, 8)) == [(1, 3, seconds(2, 4)), (7, 9, seconds(7, 8))]
    assert ranges_in(history, seconds(4, 7)) == []


def test_a_range_reaches_the_next_one_if_no_trade_is_missing(store: DiskStore) -> None:
    history = history_of(store, (at(1, 2), ARCHIVE, None), (at(3, 5), LIVE, None))
    assert ranges_in(history, seconds(0, 9)) == [
        (1, 2, seconds(1, 3)),
        (3, 3, Span(3 * SECOND_NS, 3 * SECOND_NS + 1)),
        (5, 5, Span(5 * SECOND_NS, 5 * SECOND_NS + 1)),
    ]


@pytest.mark.parametrize(
    ("before_id", "found"),
    [
        (None, [(1, 3, seconds(1, 4)), (7, 9, seconds(7, 10))]),
        (12, [(1, 3, seconds(1, 4)), (7, 9, seconds(7, 10))]),  # 10 and 11 are missing
        (10, [(1, 3, seconds(1, 4)), (7, 9, seconds(7, 20))]),  # no trade is missing before it
        (8, [(1, 3, seconds(1, 4)), (7, 9, seconds(7, 20))]),
        (7, [(1, 3, seconds(1, 4))]),
        (4, [(1, 3, seconds(1, 20))]),
        (1, []),
    ],
)
def test_ranges_before_a_trade_reach_up_to_it(store: DiskStore, before_id: int | None, found: list) -> None:
    history = history_of(store, (at(1, 2, 3), ARCHIVE, seconds(1, 4)), (at(7, 8, 9), LIVE, seconds(7, 10)))
    assert ranges_in(history, seconds(0, 20), before_id) == found


# -- counts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "count"), [(seconds(0, 2000), 1000), (seconds(0, 500), 500), (seconds(250, 500), 250), (seconds(1000, 2000), 0)]
)
def test_trades_are_counted_by_their_share_of_the_time(store: DiskStore, span: Span, count: int) -> None:
    history = history_of(store, (at(*range(1001)), ARCHIVE, seconds(0, 1000)))
    assert asyncio.run(history.count_in(span)) == count


def test_unnumbered_trades_are_not_counted(store: DiskStore) -> None:
    history = history_of(store, (at(*range(100)), ARCHIVE, seconds(0, 100)), instrument=BYBIT)
    assert asyncio.run(history.count_in(ALL)) == 0


# -- trades --------------------------------------------------------------------------------------


def parts(history: DiskHistory, span: Span, held: list[TapeRange] | None = None) -> list[DiskBatch]:
    return asyncio.run(history.parts(span, asyncio.run(history.ranges_in(span, None)) if held is None else held))


def test_trades_are_read_newest_day_first(store: DiskStore) -> None:
    days = TRADES.time_ns // (86_400 * SECOND_NS) - FIRST_DAY
    found = parts(history_of(store, (TRADES, ARCHIVE, None)), ALL)
    assert [same(part.trades, TRADES[days == day]) for part, day in zip(found, (2, 1, 0), strict=True)] == [True] * 3
    assert {(part.source, part.complete) for part in found} == {(ARCHIVE, Span(TIMES[0], TIMES[-1] + 1))}


def test_each_range_has_its_trades_and_its_source(store: DiskStore) -> None:
    history = history_of(store, (at(1, 2), ARCHIVE, None), (at(3, 4), LIVE, None), (at(8), BACKFILL, None))
    found = parts(history, seconds(2, 9))
    assert [(part.trades.trade_id.tolist(), part.source, part.complete.start_ns) for part in found] == [
        ([2], ARCHIVE, 2 * SECOND_NS),
        ([3, 4], LIVE, 3 * SECOND_NS),
        ([8], BACKFILL, 8 * SECOND_NS),
    ]


def test_unnumbered_trades_are_cut_by_their_times(store: DiskStore) -> None:
    trades = TradeBatch.of(*at(1, 2, 3, 8).columns[:4], [70, 10, 40, 20])
    history = history_of(store, (trades[:3], ARCHIVE, seconds(0, 4)), (trades[3:], LIVE, seconds(8, 9)), instrument=BYBIT)
    found = parts(history, seconds(2, 9))
    assert [(part.trades.trade_id.tolist(), part.source, part.complete) for part in found] == [
        ([10, 40], ARCHIVE, seconds(2, 4)),
        ([20], LIVE, seconds(8, 9)),
    ]


def test_nothing_is_read_without_ranges(store: DiskStore) -> None:
    history = history_of(store, (TRADES, ARCHIVE, None))
    for path in store.folder.glob("*/*/trades/*.parquet"):
        path.write_bytes(b"damaged")
    assert parts(history, ALL, []) == []
    with pytest.raises(StoreError, match=r"^cannot read "):
        parts(history, ALL)
