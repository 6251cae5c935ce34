"""Frames that were read and wait to be handed out, those of different lines apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class MessageQueue:
    """A queue of frames that is emptied at once.

    Parameters
    ----------
    monotonic : callable
        The clock.

    Attributes
    ----------
    beginnings : int
        How often the stream had begun anew when the frames last handed out were read; they never come from both sides of a
        beginning.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.beginnings = 0
        self._monotonic = monotonic
        self._since = 0.0
        self._begun = 0
        self._frames: list[bytes] = []
        self._before: deque[tuple[int, list[bytes]]] = deque()

    @property
    def age_s(self) -> float:
        """How long the oldest frame has been waiting."""
        return self._monotonic() - self._since if self._frames or self._before else 0.0

    @property
    def current(self) -> bool:
        """Whether the frames last handed out are of the line that is read now."""
        return self.beginnings == self._begun

    def add(self, frame: bytes) -> None:
        """A frame was read."""
        if not self._frames and not self._before:
            self._since = self._monotonic()
        self._frames.append(frame)

    def begin(self) -> None:
        """What is read from now on comes from a line that nothing leads to from the one before."""
        if self._frames:
            self._before.append((self._begun, self._frames))
            self._frames = []
        self._begun += 1

    def ready(self, held: bool) -> bool:
        """Whether there is something to hand out; what came since the last beginning may be held back."""
        return bool(self._before or (self._frames and not held))

    def take(self, held: bool) -> list[bytes]:
        """All that is ready of one line, oldest first."""
        if self._before:
            self.beginnings, frames = self._before.popleft()
            return frames
        if held:
            return []
        self.beginnings, frames, self._frames = self._begun, self._frames, []
        return frames
