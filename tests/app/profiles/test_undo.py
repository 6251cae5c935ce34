"""Undo and redo, and gestures that are one step."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.profiles.undo import MAX_STEPS, UndoStack


def test_a_gesture_is_one_step_and_an_equal_value_is_none() -> None:
    undo = UndoStack(0)
    undo.begin_gesture()
    assert [undo.record(n) for n in (1, 2, 2, 3)] == [True, True, False, True]
    assert not undo.undo()  # not while it lasts
    undo.end_gesture()
    assert undo.undo() and undo.now == 0 and not undo.can_undo
    assert undo.redo() and undo.now == 3 and not undo.can_redo


@given(st.lists(st.one_of(st.integers(0, 5), st.sampled_from(["undo", "redo"])), max_size=40), st.lists(st.booleans(), max_size=20))
def test_a_restored_stack_continues_like_the_original(steps: list[object], after: list[bool]) -> None:
    one = UndoStack(9)
    for step in steps:
        if isinstance(step, int):
            one.record(step)
        else:
            one.undo() if step == "undo" else one.redo()
    other = UndoStack(7)
    other.restore(*one.steps())
    for back in after:
        assert (one.undo() if back else one.redo()) == (other.undo() if back else other.redo())
        assert (one.now, one.can_undo, one.can_redo) == (other.now, other.can_undo, other.can_redo)


def test_at_most_max_steps_can_be_undone() -> None:
    undo = UndoStack(0)
    for n in range(1, MAX_STEPS + 50):
        undo.record(n)
    steps = 0
    while undo.undo():
        steps += 1
    assert steps == MAX_STEPS
