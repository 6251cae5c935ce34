"""Retention deletes the oldest days beyond the limits, and never today."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.span import Span
from app.storage.day_file import day_of
from app.storage.disk import DiskStore
from app.storage.retention import KEEP_ALL, Retention, delete_expired_days, expired_days
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import ALL, FIRST_DAY, TAPE, days_of_trades
from tests.sameness import same


def test_everything_is_kept_by_default() -> None:
    assert Retention(days=0, store_bytes=0) == KEEP_ALL


@pytest.mark.parametrize(("days", "gone"), [(1, [0, 1]), (2, [0]), (3, [])])
def test_full_days_before_today_are_kept_as_many_as_set(writer: TapeWriter, tmp_path: Path, days: int, gone: list[int]) -> None:
    writer.insert_bulk(days_of_trades(400, 3.5), Source.ARCHIVE)
    for now_ns in ((FIRST_DAY + 3) * DAY_NS, (FIRST_DAY + 4) * DAY_NS - 1):
        assert expired_days(writer.tape, tmp_path, Retention(days=days), now_ns) == [FIRST_DAY + day for day in gone]


def test_a_day_counts_with_its_parts_and_its_cells(writer: TapeWriter, store: DiskStore) -> None:
    trades = days_of_trades(400, 1.5)
    writer.insert_bulk(trades, Source.ARCHIVE)
    writer.insert(days_of_trades(500, 1.5)[400:], Source.LIVE)
    writer.seal(FIRST_DAY * DAY_NS)  # another part of the second day
    now_ns = (FIRST_DAY + 2) * DAY_NS
    size = sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file())
    first = sum(path.stat().st_size for path in (*writer.tape.files(FIRST_DAY), writer.tape.cells_file(FIRST_DAY)))
    for limit, gone in ((size - first, [FIRST_DAY]), (size - first - 1, [FIRST_DAY, FIRST_DAY + 1])):
        assert expired_days(writer.tape, store.folder, Retention(store_bytes=limit), now_ns) == gone


def test_days_that_are_too_old_count_as_deleted_for_the_size(writer: TapeWriter, store: DiskStore) -> None:
    writer.insert_bulk(days_of_trades(900, 3.5), Source.ARCHIVE)
    size = sum(path.stat().st_size for path in store.folder.rglob("*") if path.is_file())
    keep = Retention(days=2, store_bytes=size - 1)
    assert expired_days(writer.tape, store.folder, keep, (FIRST_DAY + 3) * DAY_NS) == [FIRST_DAY]


@pytest.mark.parametrize(
    ("keep", "left"), [(Retention(), 5), (Retention(days=2), 3), (Retention(days=30), 5), (Retention(store_bytes=1), 1)]
)
def test_retention_deletes_the_oldest_days_but_never_today(tmp_path: Path, keep: Retention, left: int):
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    trades = days_of_trades(5000, 4.5)
    writer.insert_bulk(trades, Source.ARCHIVE)
    now_ns = int(trades.time_ns[-1])
    gone = delete_expired_days(writer, tmp_path, keep, now_ns)
    assert len(gone) == 5 - left
    first = day_of(now_ns) - left + 1
    assert writer.tape.days() == list(range(first, first + left))
    assert same(writer.tape.trades(ALL), trades[trades.time_ns >= first * DAY_NS])
    before = trades.time_ns[trades.time_ns < first * DAY_NS]
    assert not any(int(time_ns) in covered.span for covered in writer.tape.covered() for time_ns in (before if gone else ()))
    writer.close()
    store.close()


def test_retention_deletes_nothing_within_the_size_limit(tmp_path: Path):
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    writer.insert_bulk(days_of_trades(5000, 4.5), Source.ARCHIVE)
    size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    now_ns = int(writer.tape.trades(Span(0, 1 << 62)).time_ns[-1])
    assert expired_days(writer.tape, tmp_path, Retention(store_bytes=size), now_ns) == []
    assert len(expired_days(writer.tape, tmp_path, Retention(store_bytes=size - 1), now_ns)) == 1
    writer.close()
    store.close()
