"""The account of a tape: changes of an import are made at its end or not at all, and a lost catalogue owes what it had."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.catalogue.owed import OwedReason
from app.storage.disk import DiskStore
from app.storage.tape_account import TapeAccount, with_ranges
from app.storage.tape_ranges import TapeRange, TapeRanges
from tests.app.storage.stores import ARCHIVE, BACKFILL, LIVE, TAPE


def ids(first: int, last: int) -> TapeRange:
    return TapeRange(first, last, first, last, first * 10, last * 10 + 1, LIVE)


@pytest.fixture
def store(tmp_path: Path):
    store = DiskStore(tmp_path)
    yield store
    store.close()


@pytest.fixture
def account(store: DiskStore) -> TapeAccount:
    return TapeAccount(store.tape(TAPE), lambda: 7)


def owed_ids(account: TapeAccount) -> list[tuple[int, int, OwedReason]]:
    return [(row.first_id, row.last_id, row.reason) for row in account.owed]


def test_changes_of_an_import_are_written_together_at_its_end(store: DiskStore, account: TapeAccount) -> None:
    with account.deferred():
        account.replace(TapeRanges([ids(1, 10)]))
        account.replace(TapeRanges([ids(1, 10), ids(21, 30)]))
        account.settle(account.settled.with_time(Span(0, 400), ARCHIVE))
        assert list(store.catalogue.intervals(TAPE.id)) == [] and store.catalogue.owed(TAPE.id) == []
        assert account.ranges.last == ids(21, 30)
    assert list(store.catalogue.intervals(TAPE.id)) == [ids(1, 10), ids(21, 30)]
    assert owed_ids(account) == [(11, 20, OwedReason.GAP)]
    assert store.catalogue.settled(TAPE.id).times() == [Span(0, 400)]


def test_a_failed_import_changes_nothing(store: DiskStore, account: TapeAccount) -> None:
    account.replace(TapeRanges([ids(1, 10)]))
    with pytest.raises(ZeroDivisionError), account.deferred():
        account.replace(TapeRanges([ids(1, 4)]))
        account.settle(account.settled.with_time(Span(0, 400), ARCHIVE))
        1 / 0  # noqa: B018
    assert list(account.ranges) == [ids(1, 10)] == list(store.catalogue.intervals(TAPE.id))
    assert account.settled.times() == [] and account.owed == []
    account.replace(TapeRanges([ids(1, 10), ids(12, 13)]))  # at once again
    assert owed_ids(account) == [(11, 11, OwedReason.GAP)]


def test_ids_known_to_have_no_trade_are_not_owed(account: TapeAccount) -> None:
    account.settle(account.settled.with_void([Span(13, 15)]))
    account.replace(TapeRanges([ids(1, 10), ids(18, 20)]))
    assert owed_ids(account) == [(11, 12, OwedReason.GAP), (15, 17, OwedReason.GAP)]
    account.settle(account.settled.with_void([Span(11, 13), Span(15, 16)]))
    assert [row.left(account.ranges, account.settled) for row in account.owed] == [[Span(16, 18)]]
    account.add_to_tail(TradeBatch.empty(), [ids(16, 17)], [])
    assert account.owed == []


def test_a_catalogue_that_was_lost_owes_what_it_owed_and_what_it_had(store: DiskStore, account: TapeAccount) -> None:
    account.replace(TapeRanges([ids(1, 10), ids(21, 30)]))
    with store.catalogue.transaction() as connection:
        connection.execute("DELETE FROM stretch")
        connection.execute("DELETE FROM owed")
        connection.execute("INSERT INTO stretch VALUES (1, 1, 10, 1, 10, 10, 101, 'live')")
    account.load_again()
    assert list(account.ranges) == [ids(1, 10)]
    assert sorted(owed_ids(account), key=lambda row: row[0]) == [(11, 20, OwedReason.GAP), (21, 30, OwedReason.FETCH_AGAIN)]
    assert all(row.number for row in account.owed)


def test_ranges_are_copied_before_others_are_added() -> None:
    ranges = TapeRanges([ids(1, 4)])
    assert with_ranges(ranges, []) is None
    found = with_ranges(ranges, [ids(3, 8)._replace(source=BACKFILL)])
    assert found is not None and [(one.first_id, one.last_id) for one in found] == [(1, 4), (5, 8)] and list(ranges) == [ids(1, 4)]
