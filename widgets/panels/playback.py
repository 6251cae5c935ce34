"""The interface to a recording that is replayed, and the list of replay speeds."""

from __future__ import annotations

import math
from typing import Protocol

from app.market.bar_rule import BarRule
from app.market.span import Span

SPEEDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, math.inf)
"""Recorded seconds per second."""


class Playback(Protocol):
    """The interface to a recording that is replayed, and its controls: pause, speed, steps and jumps."""

    instrument_id: str

    @property
    def speed(self) -> float:
        """The replay speed in recorded seconds per second, `math.inf` for as fast as possible; can be set."""
        ...

    @speed.setter
    def speed(self, speed: float) -> None: ...

    @property
    def paused(self) -> bool:
        """True while the replay is paused."""
        ...

    @property
    def ended(self) -> bool:
        """True once the last trade has been played."""
        ...

    @property
    def now_ns(self) -> int:
        """The replay's current position in recorded time, nanoseconds since 1970."""
        ...

    @property
    def span(self) -> Span:
        """The recorded time from the first trade to just after the last one; `Span(0, 0)` without trades."""
        ...

    def pause(self) -> None:
        """Pause the replay."""
        ...

    def resume(self) -> None:
        """Continue the replay from where it was paused."""
        ...

    def step_trade(self) -> None:
        """Play the next trade at once, even while paused; at the end, do nothing."""
        ...

    def step_bar(self, rule: BarRule) -> None:
        """Play the rest of the bar that contains the next trade at once, even while paused; at the end, do nothing."""
        ...

    def jump(self, time_ns: int) -> bool:
        """Play all trades up to a recorded time at once; return False if that time is already played.

        Played trades cannot be undone: the recording must then be opened again, and starts with all trades up to that time.
        """
        ...


def speed_text(speed: float) -> str:
    """A replay speed as text, e.g. `0.5x` or `1,000x`; `max` if it is unlimited."""
    return "max" if speed == math.inf else f"{speed:,g}x"


def next_speed(speed: float, step: int) -> float:
    """The next higher replay speed in `SPEEDS` if `step` is 1, the next lower if -1; if there is none, the same speed."""
    others = [choice for choice in SPEEDS if (choice > speed if step > 0 else choice < speed)]
    return (min if step > 0 else max)(others, default=speed)
