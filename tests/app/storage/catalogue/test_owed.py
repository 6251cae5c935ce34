"""What was missed or lost stays owed until it is stored or given up, whatever happens meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import StoreError
from app.ingest.store_backfill import owed_gaps
from app.market.bar_rule import DAY_NS
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.catalogue.owed import Owed, OwedReason, OwedState, changes_owed, missing_keys, owed_changes, owed_text
from app.storage.day_file import read_day
from app.storage.disk import DiskStore
from app.storage.tape_ranges import TapeRange, TapeRanges, id_ranges
from app.storage.tape_writer import TapeWriter
from app.storage.verify import verify
from tests.app.storage.stores import ALL, ARCHIVE, BACKFILL, BYBIT, FIRST_DAY, LIVE, TAPE, days_of_trades
from tests.sameness import same

TRADES = days_of_trades(400, 3.4)  # ids from 1 on, in four days
DAYS = [FIRST_DAY + k for k in range(4)]
HOUR_NS = 3_600 * 10**9


def of_day(day: int) -> TradeBatch:
    return TRADES[TRADES.time_ns // DAY_NS == day]


def day_span(day: int) -> Span:
    return Span(day * DAY_NS, (day + 1) * DAY_NS)


def filled(folder: Path, instrument, days: list[int]) -> tuple[DiskStore, TapeWriter]:
    store = DiskStore(folder)
    writer = TapeWriter(store, instrument)
    for day in days:
        writer.insert_bulk(of_day(day), ARCHIVE, None if instrument.numbered else day_span(day))
    return store, writer


def reopened(store: DiskStore, writer: TapeWriter) -> tuple[DiskStore, TapeWriter]:
    writer.close()
    store.close()
    store = DiskStore(store.folder)
    return store, TapeWriter(store, writer.instrument)


def listed(writer: TapeWriter) -> list[str]:
    return [finding.text for finding in verify(writer.tape)]


def hurt_file(path: Path, damage: str) -> None:
    """Damage a day file; one flipped byte is searched for that matters: a few belong to nothing that is read."""
    content = path.read_bytes()
    if damage != "byte":
        path.write_bytes(content[:-9] if damage == "cut" else b"")
        return
    for place in range(60, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        try:
            read_day(path, TAPE)
        except StoreError:
            return
    raise AssertionError("no byte matters")


# -- damaged days --------------------------------------------------------------------------------


CHOICES = [choice for n in (1, 2, 3, 4) for choice in itertools.combinations(range(4), n)]


@pytest.mark.parametrize(
    ("hurt", "damage"), [*((hurt, "cut") for hurt in CHOICES), ((0,), "byte"), ((1, 3), "byte"), ((2,), "empty")], ids=str
)
@pytest.mark.parametrize("instrument", [TAPE, BYBIT], ids=lambda one: one.venue)
def test_damaged_days_stay_owed_until_they_are_fetched_again(tmp_path: Path, logged, instrument, hurt: Sequence[int], damage: str) -> None:
    """D6: the oldest, the newest, the only one, neighbours, all of them."""
    days = DAYS if len(hurt) < 4 or damage == "byte" else [DAYS[k] for k in hurt]
    store, writer = filled(tmp_path / "store", instrument, days)
    assert listed(writer) == [] and writer.owed == []
    for k in hurt:
        (path,) = writer.tape.files(DAYS[k])
        hurt_file(path, damage)
    assert listed(writer)
    assert all(finding.mended for finding in verify(writer.tape, writer) if "moved aside" in finding.text)
    lost = np.concatenate([of_day(DAYS[k]).trade_id for k in hurt])
    for _ in range(2):
        texts = listed(writer)
        assert texts and all(text.endswith(" (damaged day)") for text in texts)
        if instrument.numbered:
            assert sorted(i for row in writer.owed for i in range(row.first_id, row.last_id + 1)) == lost.tolist()
        else:
            assert sum(row.span.length_ns for row in writer.owed) == len(hurt) * DAY_NS
        store, writer = reopened(store, writer)
    for k in hurt[1:]:
        writer.insert_bulk(of_day(DAYS[k]), BACKFILL, None if instrument.numbered else day_span(DAYS[k]))
        assert listed(writer)
    writer.insert_bulk(of_day(DAYS[hurt[0]]), BACKFILL, None if instrument.numbered else day_span(DAYS[hurt[0]]))
    assert listed(writer) == [] and writer.owed == []
    assert same(writer.tape.trades(ALL), TRADES if len(days) == 4 else TRADES[np.isin(TRADES.time_ns // DAY_NS, days)])
    writer.close()
    store.close()


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_catalogue_that_is_lost_with_a_damaged_day_still_owes_it(tmp_path: Path, logged, place: int) -> None:
    store, writer = filled(tmp_path / "store", TAPE, DAYS)
    (path,) = writer.tape.files(DAYS[place])
    path.write_bytes(path.read_bytes()[:-9])
    writer.close()
    store.close()
    store.catalogue.path.unlink()
    store = DiskStore(store.folder)
    writer = TapeWriter(store, TAPE)
    assert listed(writer)
    writer.insert_bulk(of_day(DAYS[place]), BACKFILL, day_span(DAYS[place]))
    list(verify(writer.tape, writer))
    assert listed(writer) == []
    writer.close()
    store.close()


def test_days_deleted_by_the_limits_are_not_owed_and_nothing_older_is(tmp_path: Path) -> None:
    store, writer = filled(tmp_path / "store", TAPE, [DAYS[0], DAYS[2], DAYS[3]])
    assert len(writer.owed) == 1
    writer.forget([DAYS[0]])
    assert len(writer.owed) == 1  # the gap lies after the deleted day
    writer.forget([DAYS[2]])
    assert writer.owed == [] and listed(writer) == []
    writer.close()
    store.close()


# -- giving up -----------------------------------------------------------------------------------


def test_what_is_given_up_by_name_no_longer_counts_and_is_not_owed_again(tmp_path: Path, logged) -> None:
    store, writer = filled(tmp_path / "store", TAPE, DAYS)
    writer.move_aside(writer.tape.files(DAYS[0])[0], DAYS[0])
    writer.move_aside(writer.tape.files(DAYS[2])[0], DAYS[2])
    assert len(listed(writer)) == 2
    ended, beyond = writer.account.give_up(day_span(DAYS[2]))
    assert (len(ended), beyond, len(listed(writer))) == (1, [], 1)
    store, writer = reopened(store, writer)
    assert len(listed(writer)) == 1
    assert writer.account.give_up(day_span(DAYS[1])) == ([], [])
    writer.insert_bulk(of_day(DAYS[2]), BACKFILL)  # still welcome
    assert same(writer.tape.trades(day_span(DAYS[2])), of_day(DAYS[2]))
    assert store.catalogue.owed(TAPE.id)[1].state is OwedState.FILLED
    writer.close()
    store.close()


def test_a_time_range_is_given_up_in_part_and_ids_only_as_a_whole(tmp_path: Path) -> None:
    store, writer = filled(tmp_path / "unnumbered", BYBIT, [DAYS[0], DAYS[3]])
    ended, beyond = writer.account.give_up(day_span(DAYS[1]))
    assert ([row.span for row in ended], beyond) == ([day_span(DAYS[1])], [])
    assert [row.span for row in writer.owed] == [day_span(DAYS[2])]
    writer.close()
    store.close()
    store, writer = filled(tmp_path / "numbered", TAPE, [DAYS[0], DAYS[3]])
    ended, beyond = writer.account.give_up(day_span(DAYS[1]))
    assert (ended, len(beyond), len(writer.owed)) == ([], 1, 1)
    writer.close()
    store.close()


# -- gaps in the stream --------------------------------------------------------------------------


def test_a_gap_is_owed_with_the_trades_after_it_and_filled_with_its_own(tmp_path: Path) -> None:
    store, writer = filled(tmp_path / "store", TAPE, [])
    writer.insert(TRADES[:100], LIVE)
    writer.insert(TRADES[150:200], LIVE)
    (row,) = writer.owed
    assert (row.first_id, row.last_id, row.reason, row.state) == (101, 150, OwedReason.GAP, OwedState.OWED)
    assert (row.span.start_ns, row.span.end_ns) == (int(TRADES.time_ns[99]) + 1, int(TRADES.time_ns[150]))
    assert owed_text(writer.owed, writer.intervals) == "owed: 50 trades"
    row = writer.account.attempt(row)
    assert [one.state for one in store.catalogue.owed(TAPE.id)] == [OwedState.FETCHING]
    store, writer = reopened(store, writer)  # killed meanwhile
    assert [one.state for one in store.catalogue.owed(TAPE.id)] == [OwedState.OWED]
    writer.insert(TRADES[120:130], BACKFILL)
    assert owed_text(writer.owed, writer.intervals) == "owed: 40 trades"
    assert len(listed(writer)) == 2
    writer.insert(TRADES[100:150], BACKFILL)
    assert (writer.owed, owed_text(writer.owed, writer.intervals), listed(writer)) == ([], "", [])
    writer.close()
    store.close()


@pytest.mark.parametrize("lost", [False, True], ids=["never stored", "lost"])
@pytest.mark.parametrize("equal", [1, 2, 3, 7, 40])
def test_owed_trades_have_a_time_also_among_trades_of_the_same_time(tmp_path: Path, equal: int, lost: bool) -> None:
    """Once it was empty, and an entry with an empty time can neither be fetched by its time nor given up."""
    few = TRADES[:40]
    trades = TradeBatch.of(FIRST_DAY * DAY_NS + np.arange(40) // equal * 10**6, *few.columns[1:])
    store, writer = filled(tmp_path, TAPE, [])
    kept = trades[np.isin(trades.trade_id, [1, 2, 7, 8, 9, 20, 21, 40])]
    if lost:
        writer.insert(trades, LIVE)
        writer.account.replace(TapeRanges(id_ranges(kept, LIVE)), reason=OwedReason.FETCH_AGAIN)
    else:
        writer.insert(kept, LIVE)
    assert [row.reason for row in writer.owed] == [OwedReason.FETCH_AGAIN if lost else OwedReason.GAP] * 3
    for row in writer.owed:
        assert [bool(row.time_of(left, writer.intervals)) for left in row.left(writer.intervals)] == [True]
    assert all(gap.span for row in writer.owed for gap in owed_gaps(writer, row))
    assert [bool(finding.gap) for finding in verify(writer.tape) if "missing, ids" in finding.text] == [True] * 3
    writer.close()
    store.close()


def test_the_pause_between_attempts_doubles_and_survives_a_restart(tmp_path: Path) -> None:
    store, writer = filled(tmp_path / "store", TAPE, [])
    writer.account._wall_ns = lambda: 1000
    writer.insert(TRADES[:10], LIVE)
    writer.insert(TRADES[20:30], LIVE)
    for pause_s in (10, 20, 40):
        writer.account.postpone(writer.owed[0])
        assert writer.owed[0].next_try_ns == 1000 + pause_s * 10**9
    store, writer = reopened(store, writer)
    assert (writer.owed[0].tries, writer.owed[0].next_try_ns) == (3, 1000 + 40 * 10**9)
    for _ in range(40):
        writer.account.postpone(writer.owed[0])
    assert writer.owed[0].next_try_ns - writer.owed[0].changed_ns == 6 * HOUR_NS
    writer.close()
    store.close()


def test_gaps_of_a_store_of_an_earlier_version_are_owed_when_it_is_opened(tmp_path: Path) -> None:
    store, writer = filled(tmp_path / "store", TAPE, [DAYS[0], DAYS[2]])
    with store.catalogue.transaction() as connection:
        connection.execute("DELETE FROM owed")
    assert len(listed(writer)) == 1  # listed without a writer, too
    store, writer = reopened(store, writer)
    assert [(row.reason, row.first_id) for row in writer.owed] == [(OwedReason.GAP, int(of_day(DAYS[1]).trade_id[0]))]
    writer.close()
    store.close()


def test_a_stream_without_a_gap_settles_nothing() -> None:
    before = TapeRanges([TapeRange(1, 9, 1, 9, 10, 91, LIVE)])
    added = [TapeRange(10, 12, 10, 12, 100, 121, LIVE)]
    after = TapeRanges([TapeRange(1, 12, 1, 12, 10, 121, LIVE)])
    assert not changes_owed([], before, after, added)
    assert changes_owed([Owed(1, 11, 11, Span(5, 6), OwedReason.GAP)], before, after, added)
    assert not changes_owed([Owed(1, 14, 19, Span(5, 6), OwedReason.GAP)], before, after, added)


# -- any history ---------------------------------------------------------------------------------


def ids_of(rows: list[Owed], stored: TapeRanges) -> set[int]:
    return {i for row in rows if row.is_open for left in row.left(stored) for i in range(left.start_ns, left.end_ns)}


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40), st.integers(0, 12)), min_size=1, max_size=12))
def test_after_any_history_exactly_the_lost_and_the_skipped_is_owed(steps: list[tuple[bool, int, int]]) -> None:
    """Ranges are added or lost at random: a model of plain sets says what is owed."""
    ranges, rows = TapeRanges(), list[Owed]()
    stored, ever = set[int](), set[int]()
    for lose, first, length in steps:
        new = TapeRanges(ranges)
        last = first + length
        if lose:
            new.remove(first, last, Span(first * 10, last * 10 + 1))
            stored -= set(range(first, last + 1))
        else:
            new.add(TapeRange(first, last, first, last, first * 10, last * 10 + 1, BACKFILL))
            stored |= set(range(first, last + 1))
        ever |= stored
        for row in owed_changes(rows, ranges, new, numbered=True, now_ns=5):
            rows = [*(one for one in rows if one.number != row.number), row._replace(number=row.number or len(rows) + 1)]
        ranges = new
    inside = set(range(min(stored), max(stored) + 1)) if stored else set[int]()
    assert {i for one in ranges for i in range(one.first_key, one.last_key + 1)} == stored
    owed = ids_of(rows, ranges)
    assert owed >= (ever | inside) - stored and not owed & stored
    counts = [i for row in rows if row.is_open for left in row.left(ranges) for i in range(left.start_ns, left.end_ns)]
    assert len(counts) == len(set(counts))  # nothing is listed twice


@given(st.sets(st.integers(1, 30)), st.integers(1, 30), st.integers(0, 12))
def test_missing_keys_are_those_in_no_range(stored: set[int], first: int, length: int) -> None:
    ranges = TapeRanges()
    for i in stored:
        ranges.add(TapeRange(i, i, i, i, i * 10, i * 10 + 1, LIVE))
    found = [i for left in missing_keys(ranges, first, first + length) for i in range(left.start_ns, left.end_ns)]
    assert found == [i for i in range(first, first + length + 1) if i not in stored]
