"""Gaps are requested newest first, in requests of a limited size, and postponed ones later."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ingest import gap_queue
from app.ingest.gap_queue import GapQueue
from app.storage.trade_store import Gap


def gap(first_id: int, last_id: int) -> Gap:
    return Gap(first_id, last_id, 10 * first_id - 1, 10 * last_id + 1)


class Store:
    """The gaps of a store, counting how often they are read."""

    def __init__(self, *gaps: Gap, floor_key: int = 0) -> None:
        self.found, self.floor = tuple(gaps), floor_key
        self.scans = 0

    def gaps(self) -> tuple[Gap, ...]:
        return self.found

    @property
    def floor_key(self) -> int:
        self.scans += 1
        return self.floor


class Clock:
    """A clock that a test sets."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def queue_of(*gaps: Gap, floor_key: int = 0) -> tuple[GapQueue, Store, Clock]:
    store, clock = Store(*gaps, floor_key=floor_key), Clock()
    return GapQueue(store, clock), store, clock  # type: ignore[arg-type]


def ids(group: Sequence[Gap]) -> list[tuple[int, int]]:
    return [(part.first_id, part.last_id) for part in group]


def test_the_newest_gap_is_next() -> None:
    queue, _, _ = queue_of(gap(100, 199), gap(50_000, 50_009))
    assert queue.next() == [gap(50_000, 50_009)]


def test_nothing_is_next_without_gaps() -> None:
    queue, _, _ = queue_of()
    assert queue.next() == []


@pytest.mark.parametrize(("between", "n_parts"), [(1000, 2), (1001, 1)])
def test_gaps_at_most_1000_ids_apart_make_one_request(between: int, n_parts: int) -> None:
    queue, _, _ = queue_of(gap(10, 20), gap(20 + between, 6000))
    assert len(queue.next()) == n_parts


@pytest.mark.parametrize(("first_id", "n_parts"), [(1, 2), (0, 1)])
def test_a_request_spans_at_most_100000_ids(first_id: int, n_parts: int) -> None:
    queue, _, _ = queue_of(gap(first_id, 10), gap(500, 100_000), floor_key=-1)
    assert len(queue.next()) == n_parts


def test_a_long_gap_is_requested_in_parts_newest_first() -> None:
    queue, store, _ = queue_of(gap(1, 250_000))
    parts = []
    for first_id, last_id in ((150_001, 250_000), (50_001, 150_000), (1, 50_000)):
        (part,) = queue.next()
        assert ids([part]) == [(first_id, last_id)]
        assert (part.start_ns, part.end_ns) == (9, 2_500_001)  # times of the complete gap
        parts.append(part)
        store.found = (gap(1, first_id - 1),) if first_id > 1 else ()
        if store.found:
            store.found = (Gap(1, first_id - 1, 9, 2_500_001),)
    assert queue.next() == []


def test_gaps_below_the_floor_or_of_unknown_size_are_not_requested() -> None:
    queue, _, _ = queue_of(gap(5, 9), gap(20_000, 20_001), floor_key=5)
    assert ids(queue.next()) == [(20_000, 20_001)]
    assert ids(queue_of(gap(5, 9), floor_key=4)[0].next()) == [(5, 9)]
    assert queue_of(gap(5, 9), floor_key=5)[0].next() == []
    assert queue_of(Gap(0, -1, 100, 200), floor_key=-1)[0].next() == []


def test_a_postponed_gap_waits_twice_as_long_each_time() -> None:
    queue, _, clock = queue_of(gap(1, 9))
    for pause_s in (10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0):
        (part,) = queue.next()
        queue.ask_later([part])
        clock.now_s += pause_s - 0.5
        assert queue.next() == []
        clock.now_s += 0.5
        assert queue.next() == [part]


def test_pauses_of_gaps_that_are_gone_are_forgotten() -> None:
    """In months of collecting, with a gap at each break, they would add up."""
    queue, store, clock = queue_of()
    for n in range(50):
        store.found = (gap(100 * n, 100 * n + 9), gap(100 * n + 5_000_000, 100 * n + 5_000_009))
        queue.ask_later(queue.next())
        clock.now_s += 1.0
    assert set(queue._refused) == {(5_004_900, 5_004_909)}


def test_an_older_gap_is_next_while_the_newest_is_postponed() -> None:
    queue, _, clock = queue_of(gap(1, 9), gap(90_000, 90_009))
    queue.ask_later(queue.next())
    assert ids(queue.next()) == [(1, 9)]
    clock.now_s = 10.0
    assert ids(queue.next()) == [(90_000, 90_009)]


def test_a_postponed_gap_between_two_others_is_left_out() -> None:
    queue, _, _ = queue_of(gap(1, 9), gap(20, 29), gap(40, 49))
    queue.ask_later([gap(20, 29)])
    assert ids(queue.next()) == [(40, 49), (1, 9)]


def test_gaps_are_not_checked_again_until_they_change_or_fall_due() -> None:
    queue, store, clock = queue_of(gap(1, 9), gap(90_000, 90_009))
    queue.ask_later([gap(1, 9)])
    clock.now_s = 2.0
    queue.ask_later([gap(90_000, 90_009)])
    assert queue.next() == []
    before = store.scans
    clock.now_s = 9.9
    assert queue.next() == [] and store.scans == before
    clock.now_s = 10.0
    assert ids(queue.next()) == [(1, 9)]
    queue.ask_later([gap(1, 9)])
    assert queue.next() == []
    store.found = (*store.found, gap(90_050, 90_051))
    assert ids(queue.next()) == [(90_050, 90_051)]


TOGETHER, AT_ONCE = 3, 8


def slow_next(missing: set[int], not_before_s: dict[tuple[int, int], float], now_s: float) -> list[tuple[int, int]]:
    """The next request, from the missing ids one by one."""
    parts: list[list[int]] = []
    for one in sorted(missing, reverse=True):
        first_of_gap = not parts or parts[-1][-1] != one + 1
        if first_of_gap or len(parts[-1]) == AT_ONCE:
            parts.append([])
        parts[-1].append(one)
    group: list[tuple[int, int]] = []
    for part in parts:
        first_id, last_id = part[-1], part[0]
        if not_before_s.get((first_id, last_id), 0.0) > now_s:
            continue
        if group and group[-1][0] - last_id > TOGETHER:
            break
        if group and group[0][1] - first_id + 1 > AT_ONCE:
            break
        group.append((first_id, last_id))
    return group


@given(
    missing=st.sets(st.integers(1, 60), max_size=50),
    answers=st.lists(st.tuples(st.integers(0, 8), st.sampled_from([0.0, 1.0, 10.0, 35.0])), max_size=30),
)
def test_every_request_equals_a_slow_search_of_the_missing_ids(missing: set[int], answers: list[tuple[int, float]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gap_queue, "_TOGETHER", TOGETHER)
        patch.setattr(gap_queue, "_AT_ONCE", AT_ONCE)
        left, due, pauses = set(missing), dict[tuple[int, int], float](), dict[tuple[int, int], float]()
        queue, store, clock = queue_of(*runs(left))
        for n_filled, wait_s in answers:
            group = queue.next()
            assert ids(group) == slow_next(left, due, clock.now_s)
            asked = [one for part in group for one in range(part.first_id, part.last_id + 1)]
            filled = set(asked[:n_filled])
            if filled:
                left -= filled
                store.found = runs(left)
            else:
                queue.ask_later(group)
                for key in ids(group):
                    pauses[key] = min(600.0, 2 * pauses.get(key, 5.0))
                    due[key] = clock.now_s + pauses[key]
            clock.now_s += wait_s


def runs(missing: set[int]) -> tuple[Gap, ...]:
    found: list[list[int]] = []
    for one in sorted(missing):
        if found and found[-1][1] == one - 1:
            found[-1][1] = one
        else:
            found.append([one, one])
    return tuple(gap(first_id, last_id) for first_id, last_id in found)
