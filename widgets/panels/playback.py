"""What can be steered about a recording, and the speeds on offer."""

from __future__ import annotations

import math
from typing import Protocol

from app.market.bar_rule import BarRule
from app.market.span import Span

SPEEDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, math.inf)
"""Recorded seconds in one second."""


class Playback(Protocol):
    """A recording that can be steered."""

    instrument_id: str

    @property
    def speed(self) -> float:
        """Recorded seconds in one second; may be set."""
        ...

    @speed.setter
    def speed(self, speed: float) -> None: ...

    @property
    def paused(self) -> bool:
        """Whether recorded time stands still."""
        ...

    @property
    def ended(self) -> bool:
        """Whether the last trade has been played."""
        ...

    @property
    def now_ns(self) -> int:
        """The recorded time that it is."""
        ...

    @property
    def span(self) -> Span:
        """From the first trade to just behind the last."""
        ...

    def pause(self) -> None:
        """Let recorded time stand still."""
        ...

    def resume(self) -> None:
        """Let it go on."""
        ...

    def step_trade(self) -> None:
        """Play one trade more."""
        ...

    def step_bar(self, rule: BarRule) -> None:
        """Play the rest of the bar in which the next trade lies."""
        ...

    def jump(self, time_ns: int) -> bool:
        """Go to a time; False if it has gone by, and the recording must be opened anew to begin with all up to it."""
        ...


def speed_text(speed: float) -> str:
    """A speed as it is shown: `0.5x`, `1,000x`, `max`."""
    return "max" if speed == math.inf else f"{speed:,g}x"


def next_speed(speed: float, step: int) -> float:
    """The next higher speed of the list for a step of 1, the next lower for -1; the same at its end."""
    others = [choice for choice in SPEEDS if (choice > speed if step > 0 else choice < speed)]
    return (min if step > 0 else max)(others, default=speed)
