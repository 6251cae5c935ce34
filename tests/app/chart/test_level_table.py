"""The level table finds the levels of any bars, and undoes what changed bars did."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.level_detection import LevelKind
from app.chart import level_table
from app.chart.level_table import COLUMNS, MARK_BARS, LevelColumns


class Life(NamedTuple):
    """A level: its first bar, and the bar that ends it (-1: none); every bar between tests it."""

    start: int
    end: int = -1
    kind: LevelKind = LevelKind.POC

    def tests(self, closed: int) -> int:
        """The closed bars in which it was active, without the one that ended it."""
        return max(0, (closed if self.end < 0 else min(self.end, closed)) - self.start)


def rows_of(lives: list[Life]) -> np.ndarray:
    return np.array([(life.kind, -1, 0, 0, 0, 0, life.start, -1, 0) for life in lives], np.int64).reshape(-1, len(COLUMNS))


def in_order(lives: list[Life]) -> list[Life]:
    return sorted(lives, key=lambda life: life.start)


class Owner:
    """Closes bars one after the other, as the owner of a table does."""

    def __init__(self, lives: list[Life]) -> None:
        self.lives, self.table, self.closed = in_order(lives), LevelColumns(), 0

    def close_until(self, bar: int) -> None:
        while self.closed < bar:
            self.close_one()
        self.end_by(self.closed)  # the bar in progress

    def close_one(self) -> None:
        bar = self.closed
        born = [life for life in self.lives if life.start == bar + 1]
        if born:
            self.table.alive = np.concatenate((self.table.alive, self.table.add(rows_of(born))))
        self.end_by(bar)
        self.closed = bar + 1
        self.count(np.arange(len(self.table)), bar, bar + 1)
        self.table.mark(self.closed)

    def end_by(self, bar: int) -> None:
        table = self.table
        ends = np.array([self.lives[row].end == bar for row in table.alive.tolist()], bool)
        table.writable("end")[table.alive[ends]] = bar
        table.alive = table.alive[~ends]

    def count(self, rows: np.ndarray, first: int, end: int) -> None:
        """Count a test for each bar of `[first, end)` in which a level was active."""
        for row in rows.tolist():
            life = self.lives[row]
            until = end if self.table["end"][row] < 0 else min(int(self.table["end"][row]), end)
            self.table.writable("tests")[row] += max(0, until - max(life.start, first))

    def forget_from(self, bar: int, lives: list[Life]) -> None:
        """Undo what the bars from `bar` on did; from now on the levels are others."""
        self.closed = min(bar, self.closed)
        again, first = self.table.forget_from(bar, self.closed)
        self.lives = in_order(lives)
        self.count(again, first, self.closed)
        self.end_by(self.closed)

    def assert_right(self) -> None:
        known = [life for life in self.lives if life.start <= self.closed]
        ends = [life.end if life.end <= self.closed else -1 for life in known]
        assert self.table["start"].tolist() == [life.start for life in known]
        assert self.table["end"].tolist() == ends
        assert self.table["tests"].tolist() == [life.tests(self.closed) for life in known]
        assert self.table.alive.tolist() == [row for row, end in enumerate(ends) if end < 0]


def test_a_new_table_is_empty() -> None:
    table = LevelColumns()
    assert (len(table), table.alive.tolist(), table.near(0, 100).tolist()) == (0, [], [])
    assert [table[name].dtype for name in COLUMNS] == [np.int64] * 9


def test_added_levels_get_the_next_rows_and_their_columns() -> None:
    table = LevelColumns()
    assert table.add(np.arange(9).reshape(1, 9)).tolist() == [0]
    assert table.add(np.arange(9, 27).reshape(2, 9)).tolist() == [1, 2]
    assert [table[name].tolist() for name in COLUMNS] == [[place, place + 9, place + 18] for place in range(9)]


def test_a_column_is_read_only_except_for_the_owner() -> None:
    table = LevelColumns()
    table.add(rows_of([Life(1)]))
    with pytest.raises(ValueError, match="read-only"):
        table["end"][0] = 5
    table.writable("end")[0] = 5
    assert table["end"].tolist() == [5]


def test_nodes_end_where_those_of_the_next_day_start() -> None:
    table = LevelColumns()
    table.alive = table.add(rows_of([Life(10, kind=LevelKind.HVN), Life(10, kind=LevelKind.POC), Life(10, kind=LevelKind.LVN)]))
    assert table["end"].tolist() == [-1, -1, -1]
    table.add(rows_of([Life(20, kind=LevelKind.LVN), Life(30, kind=LevelKind.HVN)]))
    assert table["end"].tolist() == [20, -1, 20, 30, -1]


def test_nodes_that_have_ended_keep_their_end() -> None:
    table = LevelColumns()
    table.alive = table.add(rows_of([Life(10, kind=LevelKind.HVN)]))
    table.writable("end")[0] = 15
    table.add(rows_of([Life(20, kind=LevelKind.HVN)]))
    assert table["end"].tolist() == [15, -1]


def test_nodes_stay_ended_by_the_day_that_starts_with_a_changed_bar() -> None:
    table = LevelColumns()
    table.alive = table.add(rows_of([Life(10, kind=LevelKind.HVN), Life(10, kind=LevelKind.POC)]))
    table.alive = np.append(table.alive, table.add(rows_of([Life(20, kind=LevelKind.HVN)])))
    table.writable("end")[1] = 20
    table.forget_from(20, 20)
    assert (table["end"].tolist(), table.alive.tolist()) == ([20, -1, -1], [1, 2])
    table.forget_from(19, 19)
    assert (table["end"].tolist(), table.alive.tolist()) == ([-1, -1], [0, 1])


def test_a_search_skips_levels_that_ended_before_the_mark() -> None:
    owner = Owner([Life(1, 5), Life(2, MARK_BARS + 8), Life(3), Life(MARK_BARS + 1, MARK_BARS + 4), Life(MARK_BARS + 30)])
    owner.close_until(MARK_BARS + 40)
    assert owner.table.near(0, MARK_BARS + 40).tolist() == [0, 1, 2, 3, 4]
    assert owner.table.near(MARK_BARS, MARK_BARS + 40).tolist() == [0, 1, 2, 3, 4]
    assert owner.table.near(MARK_BARS + 1, MARK_BARS + 40).tolist() == [1, 2, 3, 4]
    assert owner.table.near(MARK_BARS + 1, MARK_BARS + 30).tolist() == [1, 2, 3]
    assert owner.table.near(10 * MARK_BARS, 10 * MARK_BARS + 1).tolist() == [1, 2, 3, 4]


def test_an_ended_level_keeps_its_tests_when_a_later_bar_changes() -> None:
    """T4: a bar after the last mark, a level that ended before it."""
    lives = [Life(1, MARK_BARS - 2), Life(5)]
    owner = Owner(lives)
    owner.close_until(MARK_BARS + 8)
    owner.forget_from(MARK_BARS + 4, lives)
    assert owner.table["tests"].tolist() == [MARK_BARS - 3, MARK_BARS - 1]


LIVES = st.tuples(st.integers(1, 25), st.none() | st.integers(0, 20)).map(
    lambda life: Life(life[0], -1 if life[1] is None else life[0] + life[1])
)


@pytest.mark.parametrize("mark_bars", [1, 2, 7])
@settings(max_examples=40)
@given(lives=st.lists(LIVES, max_size=12), closed=st.integers(0, 30))
def test_a_search_finds_all_levels_active_in_any_bars(mark_bars: int, lives: list[Life], closed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(level_table, "MARK_BARS", mark_bars)
        owner = Owner(lives)
        owner.close_until(closed)
        owner.assert_right()
        table = owner.table
        for first, end in itertools.combinations(range(closed + 2), 2):
            near = table.near(first, end).tolist()
            starts, ends = table["start"].tolist(), table["end"].tolist()
            active = [row for row in range(len(table)) if starts[row] < end and (ends[row] < 0 or ends[row] >= first)]
            assert set(active) <= set(near) and near == sorted(set(near))
            mark = max(first - 1, 0) // mark_bars * mark_bars
            assert all(ends[row] < 0 or ends[row] >= mark for row in near)  # no search through all of the history


@pytest.mark.parametrize("mark_bars", [1, 2, 7])
@settings(max_examples=60)
@given(data=st.data(), lives=st.lists(LIVES, max_size=12), closed=st.integers(0, 30), bar=st.integers(0, 30), later=st.integers(0, 9))
def test_bars_that_changed_give_the_levels_of_a_fresh_count(
    mark_bars: int, data: st.DataObject, lives: list[Life], closed: int, bar: int, later: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(level_table, "MARK_BARS", mark_bars)
        bar = min(bar, closed)
        owner = Owner(lives)
        owner.close_until(closed)
        kept = []
        for life in (life for life in owner.lives if life.start <= bar):
            other_end = data.draw(st.none() | st.integers(max(bar, life.start), 40))
            kept.append(life if 0 <= life.end < bar else life._replace(end=-1 if other_end is None else other_end))
        born = [life._replace(start=life.start + bar, end=-1) for life in data.draw(st.lists(LIVES, max_size=8))]
        owner.forget_from(bar, [*kept, *born])
        owner.close_until(bar + later)
        owner.assert_right()
