"""Charts share the time of a frame, and none starves."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from rendering.view.frame_turns import FRAME_BUDGET_S, LONGEST_WAIT, FrameTurns


class Clock:
    """A clock that only the charts move on."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@dataclass(eq=False)
class Slow:
    """A chart whose turns and paintings take a given time, and are counted."""

    clock: Clock
    name: str = ""
    refresh_s: float = 0.001
    paint_s: float = 0.0
    on_screen: bool = True
    changed: bool = True
    turns: list[int] = field(default_factory=list[int])

    frame: int = 0

    def refresh_if_changed(self) -> bool:
        self.turns.append(self.frame)
        if self.changed:
            self.clock.now_s += self.refresh_s
        return self.changed


class Desk:
    """Charts that share turns; `play` returns the names of the charts that had a turn in a frame, in order."""

    def __init__(self, charts: list[Slow], clock: Clock) -> None:
        self.turns, self.charts, self.frame = FrameTurns(clock=clock), charts, 0
        for chart in reversed(charts):
            self.turns.add(chart)

    def play(self) -> str:
        self.frame += 1
        for chart in self.charts:
            chart.frame = self.frame
        self.turns.refresh()
        return "".join(chart.name for chart in self.turns._charts if chart.turns[-1:] == [self.frame])  # type: ignore[attr-defined]


def desk_of(names: str, **looks: float) -> Desk:
    clock = Clock()
    return Desk([Slow(clock, name, **looks) for name in names], clock)  # type: ignore[arg-type]


def test_all_charts_have_a_turn_while_there_is_time():
    desk = desk_of("abcd", refresh_s=0.0019)
    assert [desk.play(), desk.play()] == ["abcd", "abcd"]
    assert desk.turns.waiting == 0


def test_charts_beyond_the_budget_wait_and_come_first_in_the_next_frame():
    desk = desk_of("abcdef", refresh_s=0.003)
    assert [desk.play() for _ in range(4)] == ["abc", "def", "abc", "def"]
    assert desk.turns.waiting == 3


def test_time_for_painting_counts():
    desk = desk_of("abcdef", refresh_s=0.001, paint_s=0.002)
    assert [desk.play(), desk.play()] == ["abc", "def"]


def test_the_focused_chart_comes_first_in_each_frame():
    desk = desk_of("abcdef", refresh_s=0.003)
    desk.turns.focus(desk.charts[4])
    assert [desk.play() for _ in range(4)] == ["eab", "ecd", "efa", "ebc"]
    desk.turns.focus(desk.charts[0])
    assert desk.play() == "adf"


def test_unchanged_charts_take_no_time_from_the_others():
    desk = desk_of("abcdefgh", refresh_s=0.004)
    for chart in desk.charts[:6]:
        chart.changed = False
    assert desk.play() == "abcdefgh"


def test_a_hidden_chart_has_no_turn_until_it_is_shown_then_the_first():
    desk = desk_of("abcd", refresh_s=0.005)
    desk.charts[2].on_screen = False
    assert [desk.play() for _ in range(3)] == ["ab", "da", "bd"]
    assert desk.charts[2].turns == []
    desk.charts[2].on_screen = True
    assert desk.play() == "ca"


def test_a_frame_reports_changes_and_charts_that_had_to_wait():
    desk = desk_of("ab", refresh_s=1.0)
    quiet, busy = desk.charts
    quiet.changed = busy.changed = False
    assert not desk.turns.refresh()
    busy.changed = True
    assert desk.turns.refresh()
    desk.charts[0].on_screen = desk.charts[1].on_screen = False
    assert not desk.turns.refresh()
    slow = desk_of("abc")
    slow.turns.budget_s = 0.0
    for chart in slow.charts:
        chart.changed = False
    assert slow.turns.refresh() and slow.turns.waiting == 2


def test_a_removed_chart_has_no_turn_and_no_focus():
    desk = desk_of("abc", refresh_s=0.003)
    desk.turns.focus(desk.charts[1])
    desk.turns.remove(desk.charts[1])
    assert desk.turns.focused is None
    desk.play()
    assert desk.charts[1].turns == []


@pytest.mark.parametrize("n_charts", [1, 2, 5, 8, 16])
@pytest.mark.parametrize("seed", range(6))
def test_no_chart_on_the_screen_waits_more_than_four_frames(n_charts: int, seed: int):
    """Whatever the charts cost, and however they are shown, hidden and focused."""
    chance = random.Random(seed)
    desk = desk_of("abcdefghijklmnop"[:n_charts])
    seen_since = dict.fromkeys(range(n_charts), 1)
    for _ in range(400):
        for number, chart in enumerate(desk.charts):
            chart.refresh_s, chart.paint_s = chance.choice([0.0, 0.001, 0.02, 0.3]), chance.choice([0.0, 0.004])
            chart.changed = chance.random() < 0.8
            if chance.random() < 0.02:
                chart.on_screen = not chart.on_screen
                seen_since[number] = desk.frame + 1
        if chance.random() < 0.1:
            desk.turns.focus(chance.choice(desk.charts))
        desk.play()
        for number, chart in enumerate(desk.charts):
            if chart.on_screen and desk.turns.focused is not chart:
                assert desk.frame - max(seen_since[number] - 1, *chart.turns[-1:], 0) <= LONGEST_WAIT
            elif chart.on_screen:
                assert chart.turns[-1] == desk.frame


def test_a_frame_ends_with_the_chart_that_uses_up_its_time():
    """Beyond the budget a frame takes at most what its last chart takes, and the turns that are due whatever they cost."""
    chance = random.Random(4)
    desk = desk_of("abcdefgh")
    desk.turns.focus(desk.charts[0])
    for _ in range(300):
        for chart in desk.charts:
            chart.refresh_s = chance.uniform(0, 0.005)
        clock = desk.charts[0].clock
        before_s = clock.now_s
        had = desk.play()
        last = desk.charts["abcdefgh".index(had[-1])]
        assert len(had) == 3 or clock.now_s - before_s - last.refresh_s < FRAME_BUDGET_S
        assert len(had) >= 3
