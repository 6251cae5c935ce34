"""Received messages that have not been taken yet, grouped by connection."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class MessageQueue:
    """A queue of received messages; all messages of one connection are taken at once.

    Parameters
    ----------
    monotonic : callable
        Clock.

    Attributes
    ----------
    beginnings : int
        Number of connections, up to the messages taken last, that did not overlap the one before them.
    arrived_s : list of float
        When each of the messages taken last was received, by `monotonic`.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.beginnings = 0
        self._monotonic = monotonic
        self._begun = 0
        self._frames: list[bytes] = []
        self._times: list[float] = []
        self._before: deque[tuple[int, list[bytes], list[float]]] = deque()
        self.arrived_s: list[float] = []

    @property
    def age_s(self) -> float:
        """Age of the oldest message in the queue, in seconds; 0 if it is empty."""
        times = self._before[0][2] if self._before else self._times
        return self._monotonic() - times[0] if times else 0.0

    @property
    def current(self) -> bool:
        """True if the messages taken last came from the current connection."""
        return self.beginnings == self._begun

    def add(self, frame: bytes) -> None:
        """Add a received message to the current connection's group."""
        self._frames.append(frame)
        self._times.append(self._monotonic())

    def begin(self) -> None:
        """Start a new group of messages, for a connection that does not overlap the one before it."""
        if self._frames:
            self._before.append((self._begun, self._frames, self._times))
            self._frames, self._times = [], []
        self._begun += 1

    def ready(self, held: bool) -> bool:
        """True if there are messages to take.

        With `held` the newest connection's messages do not count.
        """
        return bool(self._before or (self._frames and not held))

    def take(self, held: bool) -> list[bytes]:
        """Remove and return all messages of the oldest connection that has any; if `held`, the newest connection is excluded."""
        if self._before:
            self.beginnings, frames, self.arrived_s = self._before.popleft()
            return frames
        if held:
            return []
        self.beginnings, frames, self._frames = self._begun, self._frames, []
        self.arrived_s, self._times = self._times, []
        return frames
