"""The time of a frame, shared by the charts of a window."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

FRAME_BUDGET_S = 0.008
"""Time for all charts in one frame: half of a frame at 60 Hz, the rest is for trades and input."""
LONGEST_WAIT = 4
"""A chart on the screen gets a turn at least every this many frames, however long the others take."""


class TurnTaker(Protocol):
    """A chart that shares the time of a frame with others."""

    @property
    def on_screen(self) -> bool:
        """Whether the chart can be seen; False if it or its tab is hidden, or its window minimised."""
        ...

    @property
    def paint_s(self) -> float:
        """The time that the chart's last painting took, s."""
        ...

    def refresh_if_changed(self) -> bool:
        """Refresh the chart if anything has changed; return False if there was nothing to do."""
        ...


class FrameTurns:
    """Refreshes charts in each frame while there is time; the others have to wait for a later frame.

    The focused chart comes first, then those whose last turn is the oldest. Whatever they cost, a quarter of the charts besides the
    focused one get a turn in each frame. A hidden chart gets none. A chart is painted after all turns, so its last painting stands
    for the time of the next one.

    Parameters
    ----------
    budget_s : float
        Time for refreshing and painting all charts in one frame.
    clock : callable
        Returns seconds, for tests.

    Attributes
    ----------
    focused : TurnTaker or None
        The chart that the user works with.
    waiting : int
        Number of charts on the screen that had to wait in the last frame.
    """

    def __init__(self, budget_s: float = FRAME_BUDGET_S, clock: Callable[[], float] = time.perf_counter) -> None:
        self.focused: TurnTaker | None = None
        self.waiting = 0
        self.budget_s, self._clock = budget_s, clock
        self._charts: list[TurnTaker] = []  # the one with the oldest turn first

    def add(self, chart: TurnTaker) -> None:
        """Give a chart turns from now on, the first one before other charts."""
        self._charts.insert(0, chart)

    def remove(self, chart: TurnTaker) -> None:
        """Give a chart no more turns."""
        self._charts.remove(chart)
        if self.focused is chart:
            self.focused = None

    def focus(self, chart: TurnTaker) -> None:
        """Give a chart its turn before the others from now on."""
        self.focused = chart

    def refresh(self) -> bool:
        """Give the charts on the screen their turns in this frame; return False if none of them had anything to do.

        True too if a chart had to wait, as it may have changed.
        """
        started, painting_s, changed = self._clock(), 0.0, False
        shown = [each for each in self._charts if each.on_screen]
        shown.sort(key=lambda each: each is not self.focused)  # the others keep their order
        sure = math.ceil(sum(each is not self.focused for each in shown) / LONGEST_WAIT)
        self.waiting = len(shown)
        for each in shown:
            if each is not self.focused:
                if sure <= 0 and self._clock() - started + painting_s >= self.budget_s:
                    break
                sure -= 1
            self._charts.remove(each)
            self._charts.append(each)
            self.waiting -= 1
            if each.refresh_if_changed():
                changed = True
                painting_s += each.paint_s
        return changed or self.waiting > 0
