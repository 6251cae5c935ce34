"""Recorded trades played again, at any speed, with pause, steps and jumps ahead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace

import numpy as np

from app.analytics.bar_boundaries import bar_starts
from app.errors import BadInputError
from app.market.bar_rule import BarRule
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch

_TICK_S = 0.016  # one batch a frame
_LONGEST_LOOK_S = 1.0  # a machine that slept, or a window that hung, does not make up for it
_PAGE = 50_000  # trades handed over at once, about 5 ms of work for whoever takes them
ENDED = "end of recording"
"""What the status says after the last trade."""


class ReplayFeed:
    """A recording as a feed: what has been played is past, the rest has not happened yet.

    Trades keep the distances they had in time, divided by `speed`. At the end of the recording `batches` ends. Trades
    come in the order of the recording whatever is done, each once: the way it was played cannot be seen in the figures.

    Parameters
    ----------
    instrument : Instrument
    trades : TradeBatch
        In the order of the tape; a trade reported late is played with the one before it.
    gaps : sequence of Span
        Where trades may be missing between these, oldest first, if they are not numbered; told when they have gone by.
    speed : float
        Recorded seconds in one second, above 0; `math.inf` plays all of it at once.
    start_ns : int
        Recorded time to begin at; what lies before is handed over first.
    paused : bool
        Whether recorded time stands still until `resume`.
    clock_s, sleep : callables
        A steady clock and the wait, for tests.
    """

    def __init__(
        self,
        instrument: Instrument,
        trades: TradeBatch,
        *,
        gaps: Sequence[Span] = (),
        speed: float = 1.0,
        start_ns: int = 0,
        paused: bool = False,
        clock_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.instrument = instrument
        self.status = FeedStatus(FeedState.REPLAY)
        self._trades = trades
        self._due_ns = np.maximum.accumulate(trades.time_ns)
        self._gaps = tuple(gaps)
        self._cuts = np.searchsorted(self._due_ns, [gap.end_ns for gap in self._gaps], side="left")  # no batch goes over a gap
        self._clock_s, self._sleep = clock_s, sleep
        self._played = self._due = 0  # trades handed over, and those whose time has come
        self._now_ns = start_ns
        self._looked_s: float | None = None
        self._paused = False
        self._open = True
        self.speed = speed
        if len(trades):
            self._reach(min(max(start_ns, int(self._due_ns[0])), int(self._due_ns[-1])))
        if paused:
            self.pause()

    @property
    def speed(self) -> float:
        """Recorded seconds in one second; may be changed at any time.

        Raises
        ------
        BadInputError
            If set to nought or less.
        """
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        if not speed > 0:
            raise BadInputError(f"speed: found {speed}, expected a number above 0")
        self._advance()
        self._speed = speed

    @property
    def paused(self) -> bool:
        """Whether recorded time stands still."""
        return self._paused

    @property
    def ended(self) -> bool:
        """Whether the last trade has been played."""
        return self._played == len(self._trades)

    @property
    def share(self) -> float:
        """How much of the recording has been played, by trades, 0 to 1."""
        return self._played / len(self._trades) if len(self._trades) else 1.0

    @property
    def now_ns(self) -> int:
        """The recorded time that it is."""
        return self._now_ns

    @property
    def span(self) -> Span:
        """From the first trade's time to just behind the last one's."""
        return Span(int(self._due_ns[0]), int(self._due_ns[-1]) + 1) if len(self._trades) else Span(0, 0)

    def pause(self) -> None:
        """Let recorded time stand still."""
        self._advance()
        self._paused = True
        self._say()

    def resume(self) -> None:
        """Let it go on from where it stands."""
        self._advance()
        self._paused = False
        self._say()

    def step_trade(self) -> None:
        """Play one trade more, though others may have the same time; works while paused."""
        if self._due < len(self._trades):
            self._due += 1
            self._now_ns = max(self._now_ns, int(self._due_ns[self._due - 1]))

    def step_bar(self, rule: BarRule) -> None:
        """Play what is left of the bar in which the next trade lies; works while paused."""
        if self._due < len(self._trades):
            if rule.is_time:
                end_ns = rule.start_ns(rule.number(int(self._due_ns[self._due])) + 1)
                self._reach(end_ns - 1)  # a trade on the edge opens the later bar
            else:
                self._due = self._end_of_bar(rule)
                self._now_ns = max(self._now_ns, int(self._due_ns[self._due - 1]))

    def jump(self, time_ns: int) -> None:
        """Play through, at once, up to a recorded time; one that has gone by already changes nothing. Works while paused."""
        if len(self._trades):
            self._reach(min(time_ns, int(self._due_ns[-1])))

    async def batches(self) -> AsyncIterator[TradeBatch]:
        """Trades as their time comes, at most one batch a frame."""
        self._looked_s = self._clock_s()
        while self._open and self._played < len(self._trades):
            self._advance()
            gone = int(np.searchsorted(self._cuts, self._played, side="right"))
            end = min(self._due, self._played + _PAGE, *self._cuts[gone : gone + 1].tolist())
            if end > self._played:
                batch = self._trades[self._played : end]
                self._played = end
                self._tell(batch, self._gaps[:gone])
                yield batch
                if end < self._due:
                    await self._sleep(0)  # more is due, but whoever draws comes first
                    continue
            if not self.ended:
                await self._sleep(_TICK_S)

    async def aclose(self) -> None:
        """End `batches`."""
        self._open = False

    def _advance(self) -> None:
        """Move recorded time on by what has gone by on the clock since the last look."""
        if self._looked_s is None:
            return
        now_s = self._clock_s()
        gone_s, self._looked_s = min(now_s - self._looked_s, _LONGEST_LOOK_S), now_s
        if self._paused or not len(self._trades):
            return
        last_ns = int(self._due_ns[-1])
        gone_ns = gone_s * self._speed * 1e9
        left = gone_ns < last_ns - self._now_ns  # false too for nought times infinity
        self._reach(self._now_ns + round(gone_ns) if left else last_ns)

    def _end_of_bar(self, rule: BarRule) -> int:
        """Index behind the bar in which the next trade lies, counted from the first trade of its day as a chart does."""
        day = rule.periods(self._due_ns)
        begin, end = np.searchsorted(day, day[self._due], side="left"), np.searchsorted(day, day[self._due], side="right")
        size = rule.threshold(self.instrument.lot_size)
        _, price, quantity, side, _ = (column[begin:end] for column in self._trades.columns)
        starts = begin + bar_starts(rule.kind, size, price, quantity, side, day[begin:end])
        later = starts[starts > self._due]
        return int(later[0]) if len(later) else int(end)

    def _reach(self, time_ns: int) -> None:
        """It is that time, unless it was later already; all trades up to it are due."""
        self._now_ns = max(self._now_ns, time_ns)
        self._due = max(self._due, int(np.searchsorted(self._due_ns, self._now_ns, side="right")))

    def _tell(self, batch: TradeBatch, gaps: tuple[Span, ...]) -> None:
        self.status = replace(
            self.status,
            last_trade_ns=int(batch.time_ns[-1]),
            received_at_ns=time.time_ns(),
            messages=self.status.messages + len(batch),
            trades=self.status.trades + len(batch),
            gaps=gaps,
        )
        self._say()

    def _say(self) -> None:
        reason = ENDED if self.ended else "paused" if self._paused else ""
        if reason != self.status.reason:
            self.status = replace(self.status, reason=reason)
