"""Tape ranges and the catalogue are rebuilt from day files, with their sources."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from app.errors import StoreError
from app.market.bar_rule import DAY_NS
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.catalogue.catalogue import Catalogue, write_tail
from app.storage.day_file import write_day
from app.storage.rebuild import ranges_in_day, ranges_in_file, ranges_in_files, ranges_without_files, rebuild_catalogue
from app.storage.tape import Tape, day_name
from app.storage.tape_ranges import TapeRange, TapeRanges, time_range
from tests.app.storage.stores import ARCHIVE, BACKFILL, BYBIT, FIRST_DAY, LIVE, TAPE, days_of_trades, with_ids

TRADES = days_of_trades(100, 0.9)  # ids 1 to 100, in one day
DAY = Span(FIRST_DAY * DAY_NS, (FIRST_DAY + 1) * DAY_NS)


@pytest.fixture
def tape(tmp_path: Path):
    catalogue = Catalogue(tmp_path, write=True)
    yield Tape(catalogue, tmp_path, TAPE)
    catalogue.close()


def path_of(tape: Tape, part: int | None = None, day: int = 0) -> Path:
    return tape.folder / "trades" / f"{day_name(FIRST_DAY + day)}{'' if part is None else f'.{part}'}.parquet"


def run_of(first: int, last: int, source=ARCHIVE) -> TapeRange:
    """The tape range of the trades with these ids."""
    inside = TRADES[first - 1 : last]
    return TapeRange(first, last, first, last, int(inside.time_ns[0]), int(inside.time_ns[-1]) + 1, source)


def ids(ranges) -> list[tuple[int, int]]:
    return [(held.first_id, held.last_id) for held in ranges]


# -- one day and one file ------------------------------------------------------------------------


def test_ranges_of_a_day_are_those_that_touch_it() -> None:
    spans = [
        (DAY.start_ns - 9, DAY.start_ns),
        (DAY.start_ns - 9, DAY.start_ns + 1),
        (DAY.end_ns - 1, DAY.end_ns + 9),
        (DAY.end_ns, DAY.end_ns + 9),
    ]
    ranges = TapeRanges(time_range(Span(*span), source) for span, source in zip(spans, (LIVE, BACKFILL, LIVE, BACKFILL), strict=True))
    assert [held.start_ns for held in ranges_in_day(ranges, FIRST_DAY)] == [spans[1][0], spans[2][0]]


def test_ranges_of_numbered_trades_are_the_runs_of_ids_with_their_sources(tape: Tape) -> None:
    written = [run_of(1, 10, LIVE), run_of(11, 60, BACKFILL), run_of(90, 100, LIVE)]
    kept = TRADES[(TRADES.trade_id <= 50) | (TRADES.trade_id > 60)]
    write_day(path_of(tape), kept, TAPE, written)
    found = ranges_in_file(path_of(tape), FIRST_DAY)
    assert ids(found) == [(1, 50), (61, 100)]
    assert [held.source for held in found] == [LIVE, ARCHIVE]  # by the first id of each run; unknown: an archive
    assert (found[0].start_ns, found[0].end_ns) == (int(kept.time_ns[0]), int(kept.time_ns[49]) + 1)


def test_ranges_of_unnumbered_trades_are_those_of_the_metadata_in_the_day(tape: Tape) -> None:
    before, inside = Span(DAY.start_ns - 50, DAY.start_ns + 10), Span(DAY.start_ns + 20, DAY.end_ns + 9)
    write_day(path_of(tape), TRADES, BYBIT, [time_range(before, LIVE), time_range(inside, BACKFILL)])
    assert ranges_in_file(path_of(tape), FIRST_DAY) == [
        time_range(Span(DAY.start_ns, DAY.start_ns + 10), LIVE),
        time_range(Span(DAY.start_ns + 20, DAY.end_ns), BACKFILL),
    ]


def test_a_damaged_file_has_no_ranges(tape: Tape) -> None:
    write_day(path_of(tape), TRADES, TAPE)
    path_of(tape).write_bytes(path_of(tape).read_bytes()[:-9])
    with pytest.raises(StoreError, match=r"^cannot read "):
        ranges_in_file(path_of(tape), FIRST_DAY)


# -- without some files --------------------------------------------------------------------------


def test_the_ids_of_a_file_are_taken_out_of_the_ranges(tape: Tape) -> None:
    for part, (first, last) in enumerate([(1, 30), (31, 60), (61, 100)], 1):
        write_day(path_of(tape, part), TRADES[first - 1 : last], TAPE)
    held = TapeRanges([run_of(1, 100)])
    left = ranges_without_files(tape, held, {path_of(tape, 2)}, FIRST_DAY)
    assert ids(left) == [(1, 30), (61, 100)]
    assert ids(ranges_without_files(tape, held, {path_of(tape, 1), path_of(tape, 2)}, FIRST_DAY)) == [(61, 100)]
    assert ids(held) == [(1, 100)]  # as it was


def test_an_unnumbered_day_is_taken_out_completely(tape: Tape) -> None:
    unnumbered = Tape(tape.catalogue, tape.folder.parent.parent, BYBIT)
    held = TapeRanges([time_range(Span(DAY.start_ns - 50, DAY.end_ns + 50), LIVE)])
    left = ranges_without_files(unnumbered, held, set(), FIRST_DAY)
    assert [(one.start_ns, one.end_ns) for one in left] == [(DAY.start_ns - 50, DAY.start_ns), (DAY.end_ns, DAY.end_ns + 50)]


def test_the_ranges_without_a_damaged_file_are_those_of_all_others(tape: Tape) -> None:
    write_day(path_of(tape, 1), TRADES[:30], TAPE)
    path_of(tape, 2).write_bytes(b"damaged")
    left = ranges_without_files(tape, TapeRanges([run_of(1, 100)]), {path_of(tape, 2)}, FIRST_DAY)
    assert list(left) == [run_of(1, 30)]


# -- all files -----------------------------------------------------------------------------------


def test_the_ranges_of_all_files_and_the_tail_are_joined_by_source(tape: Tape, logged) -> None:
    write_day(path_of(tape, 1), TRADES[:30], TAPE, [run_of(1, 30, LIVE)])
    write_day(path_of(tape, 2), TRADES[30:40], TAPE)
    write_day(path_of(tape, day=1), with_ids(TRADES[:10], range(200, 210)), TAPE)
    path_of(tape, 3).write_bytes(b"damaged")
    number = tape.catalogue.number_of(TAPE)
    with tape.catalogue.transaction() as connection:
        write_tail(connection, number, TRADES[50:60])
    found = ranges_in_files(tape)
    assert [(held.first_id, held.last_id, held.source) for held in found] == [
        (1, 30, LIVE),
        (31, 40, ARCHIVE),
        (51, 60, LIVE),
        (200, 209, ARCHIVE),
    ]
    assert [entry["event"] for entry in logged.entries] == ["damaged day file skipped"]
    assert ids(ranges_in_files(tape, without=[path_of(tape, 1), path_of(tape, 3)])) == [(31, 40), (51, 60), (200, 209)]


def test_the_tail_of_an_unnumbered_market_proves_nothing(tape: Tape) -> None:
    unnumbered = Tape(tape.catalogue, tape.folder.parent.parent, BYBIT)
    number = tape.catalogue.number_of(BYBIT)
    with tape.catalogue.transaction() as connection:
        write_tail(connection, number, TRADES)
    assert list(ranges_in_files(unnumbered)) == []


def test_a_new_catalogue_is_filled_from_all_day_files(tape: Tape, tmp_path: Path, logged) -> None:
    contracts = replace(BYBIT, symbol="BTC/USD", multiplier=Decimal("0.01"))
    other = Tape(tape.catalogue, tmp_path, contracts)
    write_day(path_of(tape), TRADES[:30], TAPE, [run_of(1, 30, LIVE)])
    write_day(path_of(other), TRADES, contracts, [time_range(DAY, BACKFILL)])
    path_of(tape, day=1).write_bytes(b"damaged")
    rebuild_catalogue(tape.catalogue, tmp_path, lambda instrument: Tape(tape.catalogue, tmp_path, instrument))
    assert tape.catalogue.instruments() == [TAPE, contracts]
    assert list(tape.intervals()) == [run_of(1, 30, LIVE)]
    assert list(other.intervals()) == [time_range(DAY, BACKFILL)]
    assert {entry["event"] for entry in logged.entries} == {"damaged day file skipped"}


def test_a_catalogue_takes_the_steps_of_the_newest_day(tape: Tape, tmp_path: Path) -> None:
    finer = replace(TAPE, tick_size=Decimal("0.001"))
    write_day(path_of(tape), TRADES[:30], TAPE)
    write_day(path_of(tape, day=1), with_ids(TRADES[:10], range(200, 210)), finer)
    rebuild_catalogue(tape.catalogue, tmp_path, lambda instrument: Tape(tape.catalogue, tmp_path, instrument))
    assert tape.catalogue.instruments() == [finer]
    assert ids(tape.intervals()) == [(1, 30), (200, 209)]


def test_rebuilding_a_store_without_files_leaves_it_empty(tape: Tape, tmp_path: Path) -> None:
    rebuild_catalogue(tape.catalogue, tmp_path, lambda instrument: Tape(tape.catalogue, tmp_path, instrument))
    assert tape.catalogue.instruments() == []
    assert len(tape.trades(DAY)) == len(TradeBatch.empty())
