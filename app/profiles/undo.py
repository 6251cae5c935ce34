"""Steps that can be taken back and taken again, of anything that is replaced as a whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

MAX_STEPS = 200
"""How many steps can be taken back."""
T = TypeVar("T")


class UndoStack(Generic[T]):
    """What was there before, and what was taken back; what is changed while a gesture lasts is one step together.

    Parameters
    ----------
    now : T
        What there is at first; compared by value.
    """

    def __init__(self, now: T) -> None:
        self._now = now
        self._undo: list[T] = []
        self._redo: list[T] = []
        self._in_gesture = self._gesture_kept = False

    @property
    def now(self) -> T:
        """What there is."""
        return self._now

    @property
    def can_undo(self) -> bool:
        """Whether a step can be taken back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether a step that was taken back can be taken again."""
        return bool(self._redo)

    def record(self, new: T) -> bool:
        """Put something else there, which is a step unless it is the same; whether it was one."""
        if new == self._now:
            return False
        if not (self._in_gesture and self._gesture_kept):
            self._undo.append(self._now)
            del self._undo[:-MAX_STEPS]
        self._gesture_kept = True
        self._redo.clear()
        self._now = new
        return True

    def amend(self, change: Callable[[T], T]) -> None:
        """Change what there is, and all that there was, without a step: what follows from elsewhere is not to be taken back here."""
        self._now = change(self._now)
        self._undo, self._redo = [change(one) for one in self._undo], [change(one) for one in self._redo]

    def begin_gesture(self) -> None:
        """What is changed from now on is one step, until `end_gesture`."""
        self._in_gesture, self._gesture_kept = True, False

    def end_gesture(self) -> None:
        """The next change is a step of its own again."""
        self._in_gesture = False

    def undo(self) -> bool:
        """Take the last step back; whether there was one."""
        return self._step(self._undo, self._redo)

    def redo(self) -> bool:
        """Take a step again that was taken back; whether there was one."""
        return self._step(self._redo, self._undo)

    def steps(self) -> tuple[tuple[T, ...], int]:
        """All that there was and is, oldest first, what was taken back last; and the place of what there is."""
        return (*self._undo, self._now, *reversed(self._redo)), len(self._undo)

    def restore(self, steps: Sequence[T], place: int) -> None:
        """Go on from what `steps` told."""
        self._undo, self._now, self._redo = [*steps[:place]], steps[place], [*reversed(steps[place + 1 :])]
        del self._undo[:-MAX_STEPS]
        self._in_gesture = False

    def _step(self, back: list[T], forth: list[T]) -> bool:
        if not back or self._in_gesture:
            return False
        forth.append(self._now)
        self._now = back.pop()
        return True
