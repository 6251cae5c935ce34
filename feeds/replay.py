"""Replay of recorded trades at any speed; it can pause, advance by one trade or one bar, and jump ahead."""

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

_TICK_S = 0.016  # one batch per frame
_LONGEST_LOOK_S = 1.0  # a longer pause, as when the machine slept or the window hung, is not caught up with
_PAGE = 50_000  # trades returned at once, about 5 ms of work for the receiver
ENDED = "end of recording"
"""Status text after the last trade."""


class ReplayFeed:
    """A feed that plays recorded trades as if they were live.

    Intervals between trades are as recorded, divided by `speed`. `batches` ends after the last trade. Each trade comes once, in
    the order of the recording; speed, pauses and jumps never change a value.

    Parameters
    ----------
    instrument : Instrument
    trades : TradeBatch
        In the order of the tape; a trade reported late is played with the one before it.
    gaps : sequence of Span
        Time ranges in which trades may be missing, oldest first, if ids are not consecutive; reported with the first trade after them.
    speed : float
        Recorded seconds per second, above 0; `math.inf` plays all of it at once.
    start_ns : int
        Recorded time to start at; earlier trades are returned first.
    paused : bool
        Whether to start paused.
    clock_s, sleep : callables
        A monotonic clock and the wait, for tests.
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
        self._cuts = np.searchsorted(self._due_ns, [gap.end_ns for gap in self._gaps], side="left")  # no batch crosses a gap
        self._clock_s, self._sleep = clock_s, sleep
        self._played = self._due = 0  # trades returned, and trades due
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
        """Replay speed in recorded seconds per second of clock time; can be set at any time.

        Raises
        ------
        BadInputError
            If set to 0 or less.
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
        """True while the replay is paused."""
        return self._paused

    @property
    def ended(self) -> bool:
        """True once the last trade has been played; also without trades."""
        return self._played == len(self._trades)

    @property
    def share(self) -> float:
        """Share of the trades played so far, 0 to 1; 1 without trades."""
        return self._played / len(self._trades) if len(self._trades) else 1.0

    @property
    def now_ns(self) -> int:
        """The replay's current position in recorded time, in ns."""
        return self._now_ns

    @property
    def span(self) -> Span:
        """The span from the first trade to just after the last one; `Span(0, 0)` without trades."""
        return Span(int(self._due_ns[0]), int(self._due_ns[-1]) + 1) if len(self._trades) else Span(0, 0)

    def pause(self) -> None:
        """Pause the replay."""
        self._advance()
        self._paused = True
        self._say()

    def resume(self) -> None:
        """Continue from where the replay was paused."""
        self._advance()
        self._paused = False
        self._say()

    def step_trade(self) -> None:
        """Play only the next trade, even if others have the same time; works while paused."""
        if self._due < len(self._trades):
            self._due += 1
            self._now_ns = max(self._now_ns, int(self._due_ns[self._due - 1]))

    def step_bar(self, rule: BarRule) -> None:
        """Play all trades up to the end of the bar that contains the next trade; works while paused."""
        if self._due < len(self._trades):
            if rule.is_time:
                end_ns = rule.start_ns(rule.number(int(self._due_ns[self._due])) + 1)
                self._reach(end_ns - 1)  # a trade on the boundary belongs to the later bar
            else:
                self._due = self._end_of_bar(rule)
                self._now_ns = max(self._now_ns, int(self._due_ns[self._due - 1]))

    def jump(self, time_ns: int) -> None:
        """Play all trades up to `time_ns` at once; works while paused, and does nothing if the replay is already later."""
        if len(self._trades):
            self._reach(min(time_ns, int(self._due_ns[-1])))

    async def batches(self) -> AsyncIterator[TradeBatch]:
        """Iterate over trades as they become due, about once per screen frame (16 ms), in batches of at most 50,000.

        Ends after the last trade or `aclose`.
        """
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
                    await self._sleep(0)  # more is due, but drawing comes first
                    continue
            if not self.ended:
                await self._sleep(_TICK_S)

    async def aclose(self) -> None:
        """Stop the replay, which ends `batches`."""
        self._open = False

    def _advance(self) -> None:
        """Advance recorded time by `speed` times the clock time since the last call (at most 1 s), unless paused."""
        if self._looked_s is None:
            return
        now_s = self._clock_s()
        gone_s, self._looked_s = min(now_s - self._looked_s, _LONGEST_LOOK_S), now_s
        if self._paused or not len(self._trades):
            return
        last_ns = int(self._due_ns[-1])
        gone_ns = gone_s * self._speed * 1e9
        left = gone_ns < last_ns - self._now_ns  # also False for 0 times infinity
        self._reach(self._now_ns + round(gone_ns) if left else last_ns)

    def _end_of_bar(self, rule: BarRule) -> int:
        """The index after the last trade of the bar that contains the next trade, for bars other than time bars.

        Bars count from the day's start, as in a chart.
        """
        day = rule.periods(self._due_ns)
        today = int(day[self._due])
        begin, end = np.searchsorted(day, today, side="left"), np.searchsorted(day, today, side="right")
        size = rule.threshold(self.instrument.lot_size)
        trades, part = self._trades, slice(begin, end)
        columns = trades.price_ticks[part], trades.quantity_lots[part], trades.side[part]
        starts = begin + bar_starts(rule.kind, size, *columns, day[part])
        later = starts[starts > self._due]
        return int(later[0]) if len(later) else int(end)

    def _reach(self, time_ns: int) -> None:
        """Advance recorded time to `time_ns`, so that trades up to then become due; do nothing if recorded time is later already."""
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
