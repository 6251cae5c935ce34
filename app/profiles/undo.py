"""Undo and redo of a value that is replaced with each change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

MAX_STEPS = 200
"""Maximum number of steps that can be undone; older ones are dropped."""
T = TypeVar("T")


class UndoStack(Generic[T]):
    """A value with up to 200 steps to undo its changes, and those to redo; all changes during a gesture are one step.

    Parameters
    ----------
    now : T
        The first value; a change to an equal value (`==`) is no step.
    """

    def __init__(self, now: T) -> None:
        self._now = now
        self._undo: list[T] = []
        self._redo: list[T] = []
        self._in_gesture = self._gesture_recorded = False

    @property
    def now(self) -> T:
        """The current value."""
        return self._now

    @property
    def can_undo(self) -> bool:
        """True if there is a step to undo."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """True if there is a step to redo."""
        return bool(self._redo)

    def record(self, new: T) -> bool:
        """Replace the current value, as a new step or within the gesture's step; return False if the new value equals the current one."""
        if new == self._now:
            return False
        if not (self._in_gesture and self._gesture_recorded):
            self._undo.append(self._now)
            del self._undo[:-MAX_STEPS]
        self._gesture_recorded = True
        self._redo.clear()
        self._now = new
        return True

    def amend(self, change: Callable[[T], T]) -> None:
        """Change the current value and those of all steps to undo and redo, without a new step.

        For changes, e.g. of the chart's settings, that are not undone here.
        """
        self._now = change(self._now)
        self._undo, self._redo = [change(one) for one in self._undo], [change(one) for one in self._redo]

    def begin_gesture(self) -> None:
        """Record all changes until `end_gesture` as one step."""
        self._in_gesture, self._gesture_recorded = True, False

    def end_gesture(self) -> None:
        """End a gesture: each later change is a step of its own again."""
        self._in_gesture = False

    def undo(self) -> bool:
        """Undo the last step and return True; return False if there is no step, or during a gesture."""
        return self._step(self._undo, self._redo)

    def redo(self) -> bool:
        """Redo the last undone step and return True; return False if there is no step, or during a gesture."""
        return self._step(self._redo, self._undo)

    def steps(self) -> tuple[tuple[T, ...], int]:
        """All values, oldest first, undone ones included, and the index of the current value among them."""
        return (*self._undo, self._now, *reversed(self._redo)), len(self._undo)

    def restore(self, steps: Sequence[T], place: int) -> None:
        """Restore all values, and the index of the current one, as returned by `steps`; only the last 200 before it stay."""
        self._undo, self._now, self._redo = [*steps[:place]], steps[place], [*reversed(steps[place + 1 :])]
        del self._undo[:-MAX_STEPS]
        self._in_gesture = False

    def _step(self, back: list[T], forth: list[T]) -> bool:
        if not back or self._in_gesture:
            return False
        forth.append(self._now)
        self._now = back.pop()
        return True
