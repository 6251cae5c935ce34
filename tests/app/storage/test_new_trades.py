"""New trades are told from stored ones, and from others with the same id, as comparison one by one tells them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.market.bar_rule import DAY_NS
from app.market.steps import Steps
from app.market.trade import TradeBatch
from app.storage.disk import DiskStore
from app.storage.new_trades import new_trades, with_keys
from app.storage.tape_ranges import TapeRanges
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import ARCHIVE, BYBIT, FIRST_DAY, TAPE

IDS = st.lists(st.tuples(st.integers(1, 20), st.integers(1, 2)), max_size=12)


def trades_of(rows: list[tuple[int, int]]) -> TradeBatch:
    """Trades (id, lots), one a second; the time follows from the id."""
    ids, lots = (np.array([row[place] for row in rows], np.int64) for place in (0, 1))
    side = np.ones(len(rows), np.int64)
    return TradeBatch.of(FIRST_DAY * DAY_NS + ids * 10**9, np.full(len(rows), 600_000), lots, side, ids)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(before=IDS, rows=IDS)
def test_each_id_counts_once_and_another_trade_with_it_is_listed(
    tmp_path_factory: pytest.TempPathFactory, before: list[tuple[int, int]], rows: list[tuple[int, int]]
) -> None:
    stored = dict(reversed(before))
    store = DiskStore(tmp_path_factory.mktemp("store"))
    writer = TapeWriter(store, TAPE)
    writer.insert_bulk(trades_of([*stored.items()]), ARCHIVE)
    found = new_trades(trades_of(rows), TAPE.steps, writer.tape, writer.intervals, list)
    known, new, conflicts = dict(stored), {}, set()
    for number, lots in rows:
        if known.setdefault(number, lots) != lots:
            conflicts.add((number, lots))
        elif number not in stored:
            new[number] = lots
    assert list(zip(found.trades.trade_id.tolist(), found.trades.quantity_lots.tolist(), strict=True)) == sorted(new.items())
    assert {(row.first_id, int(row.span.start_ns)) for row in found.conflicts} == {
        (number, FIRST_DAY * DAY_NS + number * 10**9) for number, _ in conflicts
    }
    writer.close()
    store.close()


def test_the_same_trades_on_other_steps_are_no_conflicts(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    writer.insert_bulk(trades_of([(1, 10), (2, 10)]), ARCHIVE)
    tenth = Steps(TAPE.tick_size / 10, TAPE.lot_size / 10)
    again = trades_of([(1, 100), (2, 110), (3, 10)])
    fine = TradeBatch.of(again.time_ns, again.price_ticks * 10, again.quantity_lots, again.side, again.trade_id)
    found = new_trades(fine, tenth, writer.tape, writer.intervals, list)
    assert found.trades.trade_id.tolist() == [3] and found.trades.quantity_lots.tolist() == [10]
    assert [row.first_id for row in found.conflicts] == [2]
    assert new_trades(fine, tenth, writer.tape, writer.intervals, lambda: [row.detail for row in found.conflicts]).conflicts == []
    writer.close()
    store.close()


def test_writing_trades_without_conflicts_does_not_collect_the_known_conflicts(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    writer.insert_bulk(trades_of([(1, 10), (2, 10)]), ARCHIVE)
    asked: list[int] = []

    def known() -> list[str]:
        asked.append(1)
        return []

    for rows in ([(3, 1)], [(1, 10), (2, 10)], [(2, 10), (4, 1)], [(6, 1), (5, 1)]):
        new_trades(trades_of(rows), TAPE.steps, writer.tape, writer.intervals, known)
    assert asked == []
    assert len(new_trades(trades_of([(2, 11)]), TAPE.steps, writer.tape, writer.intervals, known).conflicts) == 1
    assert asked == [1]
    writer.close()
    store.close()


def test_trades_without_numbers_are_all_new_each_once(tmp_path: Path) -> None:
    store = DiskStore(tmp_path)
    one = trades_of([(1, 1), (1, 1), (1, 2)])
    found = new_trades(one, BYBIT.steps, store.tape(BYBIT), TapeRanges(), list)
    assert found.trades.quantity_lots.tolist() == [1, 2] and found.conflicts == []
    store.close()


def test_the_first_trades_of_a_market_have_the_venues_ids_and_no_note() -> None:
    trades = trades_of([(5, 1), (6, 1)])
    keyed, notes = with_keys(trades, TapeRanges())
    assert keyed.trade_id.tolist() == [5, 6] and notes == []
