"""The trade store: each trade once, in the venue's order, and its gaps."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.market.span import Span
from app.market.trade import BUY, TradeBatch, concatenate
from app.storage import trade_store as memory
from app.storage.trade_store import Gap, TradeStore
from tests.builders import SECOND_NS, START_NS, random_trades, split


def numbered(*ids: int) -> TradeBatch:
    """Trades with these ids, one a second, each at its own price."""
    numbers = np.array(ids, np.int64)
    return TradeBatch.of(START_NS + numbers * SECOND_NS, 1000 + numbers, 1 + numbers, np.full(len(ids), BUY), numbers)


def ids(batch: TradeBatch) -> list[int]:
    return batch.trade_id.tolist()


def rows(batch: TradeBatch) -> list[list[int]]:
    return [column.tolist() for column in batch.columns]


def missing_ids(store: TradeStore) -> list[int]:
    return [number for hole in store.gaps() for number in range(hole.first_id, hole.last_id + 1)]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CHUNK", 8)


def test_an_empty_store_has_no_ids_gaps_or_trades():
    store = TradeStore()
    assert (store.first_id, store.last_id, store.n_trades, store.missing) == (None, None, 0, 0)
    assert store.gaps() == ()
    assert not store.span
    assert ids(store.trades()) == []
    assert ids(store.insert(TradeBatch.empty())) == []


def test_a_repeated_trade_is_counted_once():
    store = TradeStore()
    assert ids(store.insert(numbered(1, 2, 3))) == [1, 2, 3]
    assert ids(store.insert(numbered(2, 3, 4))) == [4]
    assert ids(store.insert(numbered(4, 4, 5, 5))) == [5]
    assert (store.n_trades, store.duplicates) == (5, 5)
    assert ids(store.trades()) == [1, 2, 3, 4, 5]


def test_the_first_of_two_trades_with_one_id_stays():
    store = TradeStore()
    store.insert(TradeBatch.of([1, 1], [100, 200], [1, 1], [1, 1], [7, 7]))
    store.insert(TradeBatch.of([1], [300], [1], [1], [7]))
    assert store.trades().price_ticks.tolist() == [100]


def test_late_trades_are_sorted_in_by_id():
    store = TradeStore()
    store.insert(numbered(5, 6, 10))
    assert ids(store.insert(numbered(9, 2, 7))) == [2, 7, 9]
    assert ids(store.trades()) == [2, 5, 6, 7, 9, 10]


def test_a_gap_has_the_missing_ids_and_its_neighbours_times():
    """A7: what is missing is recorded."""
    store = TradeStore()
    store.insert(numbered(3, 4, 8))
    assert store.gaps() == (Gap(5, 7, START_NS + 4 * SECOND_NS, START_NS + 8 * SECOND_NS),)
    assert store.missing == 3 == store.gaps()[0].missing


def test_a_gap_shrinks_splits_and_closes_as_its_trades_arrive():
    store = TradeStore()
    store.insert(numbered(1))
    store.insert(numbered(10))
    assert missing_ids(store) == [2, 3, 4, 5, 6, 7, 8, 9]
    store.insert(numbered(2, 5))
    assert [(hole.first_id, hole.last_id) for hole in store.gaps()] == [(3, 4), (6, 9)]
    store.insert(numbered(3, 4, 6, 7, 8, 9))
    assert store.gaps() == ()


def test_gaps_are_the_same_object_until_something_changes():
    store = TradeStore()
    store.insert(numbered(1, 3))
    before = store.gaps()
    store.insert(numbered(4))
    assert store.gaps() is before
    store.insert(numbered(6))
    assert store.gaps() is not before


def test_ids_that_are_not_contiguous_prove_no_gaps():
    store = TradeStore(contiguous=False)
    store.insert(numbered(1, 900))
    store.insert(numbered(5))
    assert store.gaps() == ()
    assert store.missing == 0


def test_trades_are_selected_by_time_half_open():
    store = TradeStore()
    store.insert(numbered(*range(10)))
    assert ids(store.trades(START_NS + 3 * SECOND_NS, START_NS + 6 * SECOND_NS)) == [3, 4, 5]
    assert ids(store.trades(START_NS + 8 * SECOND_NS)) == [8, 9]
    assert ids(concatenate(store.batches(START_NS + 8 * SECOND_NS))) == [8, 9]
    assert store.span == Span(START_NS, START_NS + 9 * SECOND_NS + 1)
    assert store.count_since(START_NS + 8 * SECOND_NS) >= 2
    assert store.count_since(START_NS + 20 * SECOND_NS) == 0


def test_the_store_keeps_its_own_copy():
    column = np.arange(1, 4, dtype=np.int64)
    store = TradeStore()
    store.insert(TradeBatch.of(column, column, column, np.ones(3, np.int8), column))
    column[:] = 99
    assert ids(store.trades()) == [1, 2, 3]
    assert not store.trades().price_ticks.flags.writeable


@given(
    held=st.lists(st.integers(0, 60), max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=8),
)
def test_a_store_is_the_same_for_any_order_batches_and_repeats(held: list[int], cuts: list[int]):
    """A7: any order, batches and repeats."""
    store = TradeStore()
    edges = [0, *sorted(cuts), len(held)]
    fresh = [store.insert(numbered(*held[start:end])) for start, end in pairwise(edges)]
    expected = sorted(set(held))
    assert rows(store.trades()) == rows(numbered(*expected))
    assert sorted(number for batch in fresh for number in ids(batch)) == expected
    assert all(ids(batch) == sorted(ids(batch)) for batch in fresh)
    assert store.n_trades == len(expected)
    assert store.duplicates == len(held) - len(expected)
    gaps = sorted(set(range(expected[0], expected[-1])) - set(expected)) if expected else []
    assert missing_ids(store) == gaps
    assert store.missing == len(gaps)
    assert all(hole.first_id - 1 in held and hole.last_id + 1 in held for hole in store.gaps())


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("seed", range(20))
def test_many_chunks_equal_one_chunk(seed: int):
    rng = np.random.default_rng(seed)
    numbers = rng.permutation(400)[: rng.integers(50, 400)]
    store = TradeStore()
    while len(numbers):
        size = int(rng.integers(1, 30))
        store.insert(numbered(*sorted(numbers[:size].tolist())))
        numbers = numbers[size:]
        held = ids(store.trades())
        assert missing_ids(store) == sorted(set(range(held[0], held[-1])) - set(held))
    assert held == sorted(set(held))
    assert [ids(batch) for batch in store.batches()] == [ids(batch) for batch in store.batches(-1)]


def test_small_batches_are_joined_into_few_chunks():
    store = TradeStore()
    trades = random_trades(1, 3000)
    for index in range(3000):
        store.insert(trades[index : index + 1])
    assert len(store.batches()) <= 13  # logarithm of 3,000
    assert rows(store.trades()) == rows(trades)


def test_history_pages_are_joined_into_few_chunks():
    store = TradeStore()
    store.insert(numbered(10_000))
    for start in range(9_900, -1, -100):
        store.insert(numbered(*range(start, start + 100)))
    assert len(store.batches()) <= 16
    assert store.missing == 0
    assert store.n_trades == 10_001


@pytest.mark.usefixtures("small_chunks")
def test_trades_beyond_the_limit_are_dropped_and_counted():
    store = TradeStore(limit=20)
    for start in range(0, 64, 8):
        store.insert(numbered(*range(start, start + 8)))
    assert store.n_trades <= 20
    assert store.forgotten + store.n_trades == 64
    assert store.first_id == store.forgotten
    assert store.floor_key == store.forgotten - 1
    assert store.floor_ns == START_NS + store.floor_key * SECOND_NS + 1


@pytest.mark.usefixtures("small_chunks")
def test_dropped_trades_are_refused_when_they_arrive_again():
    store = TradeStore(limit=20)
    for start in range(0, 64, 8):
        store.insert(numbered(*range(start, start + 8)))
    before = rows(store.trades())
    assert ids(store.insert(numbered(0, 1, 2))) == []
    assert store.refused == 3
    assert store.duplicates == 0
    assert rows(store.trades()) == before


@pytest.mark.usefixtures("small_chunks")
def test_gaps_stay_when_the_trades_around_them_are_dropped():
    store = TradeStore(limit=20)
    store.insert(numbered(1, 2, 5))
    for start in range(8, 64, 8):
        store.insert(numbered(*range(start, start + 8)))
    assert store.floor_key > 8
    assert missing_ids(store) == [3, 4, 6, 7]
    assert store.missing == 0  # of those held


@pytest.mark.usefixtures("small_chunks")
def test_a_gap_right_after_dropped_trades_can_be_filled():
    store = TradeStore(limit=10)
    store.insert(numbered(*range(8)))
    store.insert(numbered(*range(10, 18)))
    assert store.floor_key == 7
    assert missing_ids(store) == [8, 9]
    store.insert(numbered(9))
    assert missing_ids(store) == [8]
    store.insert(numbered(8))
    assert missing_ids(store) == []


@given(
    times=st.lists(st.integers(0, 6), min_size=1, max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    again=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=4),
)
def test_unnumbered_trades_are_sorted_by_time_then_arrival(times, cuts, again):
    """In pieces, with stretches told twice: what a list with a look at each would keep."""
    ids = np.random.default_rng(len(times)).permutation(len(times)) // 2  # an id may come again at another time
    tape = TradeBatch.of(times, np.ones(len(times)), np.ones(len(times)), np.ones(len(times)), ids)
    pieces = [*split(tape, cuts), *(tape[min(a, b) : max(a, b)] for a, b in again)]
    store, oracle, told = TradeStore(by_time=True), [], []
    for piece in pieces:
        for row in zip(piece.time_ns.tolist(), piece.trade_id.tolist(), strict=True):
            if row not in oracle:
                oracle.append(row)
        fresh = store.insert(piece)
        told += zip(fresh.time_ns.tolist(), fresh.trade_id.tolist(), strict=True)
    held = store.trades()
    assert list(zip(held.time_ns.tolist(), held.trade_id.tolist(), strict=True)) == sorted(oracle, key=lambda row: row[0])
    assert sorted(told) == sorted(oracle)
    assert store.duplicates == sum(map(len, pieces)) - len(oracle)
    assert store.gaps() == () and store.missing == 0


def test_gaps_reported_by_a_feed_have_unknown_size():
    """A7: what a feed could not fill is drawn."""
    store = TradeStore(by_time=True)
    store.set_gaps((Span(5, 9), Span(20, 30)))
    assert [(hole.start_ns, hole.end_ns, hole.missing) for hole in store.gaps()] == [(5, 9, 0), (20, 30, 0)]
    store.set_gaps((Span(5, 9), Span(25, 30)))
    assert [(hole.start_ns, hole.end_ns) for hole in store.gaps()] == [(5, 9), (25, 30)], "filled in part since"
    TradeStore().set_gaps((Span(5, 9),))
