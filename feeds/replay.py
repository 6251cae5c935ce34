"""Recorded trades played again, at any speed, with pause and step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import numpy as np

from app.errors import BadInputError
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument
from app.market.trade import TradeBatch

_TICK_S = 0.016  # one batch a frame
_PAGE = 50_000  # trades handed over at once, about 5 ms of work for whoever takes them


class ReplayFeed:
    """A recording as a feed: what has been played is past, the rest has not happened yet.

    Trades keep the distances they had in time, divided by `speed`. At the end of the recording `batches` ends.

    Parameters
    ----------
    instrument : Instrument
    trades : TradeBatch
        In the order of the tape; a trade reported late is played with the one before it.
    speed : float
        Recorded seconds in one second, above 0; `math.inf` plays all of it at once.
    start_ns : int
        Recorded time to begin at; what lies before is handed over first.
    clock_s, sleep : callables
        A steady clock and the wait, for tests.
    """

    def __init__(
        self,
        instrument: Instrument,
        trades: TradeBatch,
        *,
        speed: float = 1.0,
        start_ns: int = 0,
        clock_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.instrument = instrument
        self.status = FeedStatus(FeedState.REPLAY)
        self._trades = trades
        self._due_ns = np.maximum.accumulate(trades.time_ns)
        self._clock_s, self._sleep = clock_s, sleep
        self._played = 0
        self._now_ns = max(start_ns, int(self._due_ns[0])) if len(trades) else start_ns
        self._looked_s: float | None = None
        self._paused = False
        self._open = True
        self.speed = speed

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
    def share(self) -> float:
        """How much of the recording has been played, by trades, 0 to 1."""
        return self._played / len(self._trades) if len(self._trades) else 1.0

    @property
    def now_ns(self) -> int:
        """The recorded time that it is."""
        return self._now_ns

    def pause(self) -> None:
        """Let recorded time stand still."""
        self._advance()
        self._paused = True
        self.status = replace(self.status, reason="paused")

    def resume(self) -> None:
        """Let it go on from where it stands."""
        self._advance()
        self._paused = False
        self.status = replace(self.status, reason="")

    def step(self, length_ns: int | None = None) -> None:
        """Move recorded time on by so much, or to the next trade; works while paused."""
        if length_ns is not None:
            self._now_ns += length_ns
        elif self._played < len(self._trades):
            self._now_ns = max(self._now_ns, int(self._due_ns[self._played]))

    async def batches(self) -> AsyncIterator[TradeBatch]:
        """Trades as their time comes, at most one batch a frame."""
        self._looked_s = self._clock_s()
        while self._open and self._played < len(self._trades):
            self._advance()
            end = min(int(np.searchsorted(self._due_ns, self._now_ns, side="right")), self._played + _PAGE)
            if end > self._played:
                batch = self._trades[self._played : end]
                self._played = end
                self._tell(batch)
                yield batch
                if end < len(self._trades) and self._due_ns[end] <= self._now_ns:
                    await self._sleep(0)  # more is due, but whoever draws comes first
                    continue
            await self._sleep(_TICK_S)

    async def aclose(self) -> None:
        """End `batches`."""
        self._open = False

    def _advance(self) -> None:
        """Move recorded time on by what has gone by on the clock since the last look."""
        if self._looked_s is None:
            return
        now_s = self._clock_s()
        gone_s, self._looked_s = now_s - self._looked_s, now_s
        if self._paused or not len(self._trades):
            return
        last_ns = int(self._due_ns[-1])
        gone_ns = gone_s * self._speed * 1e9
        left = gone_ns < last_ns - self._now_ns  # false too for nought times infinity
        self._now_ns = self._now_ns + round(gone_ns) if left else max(self._now_ns, last_ns)

    def _tell(self, batch: TradeBatch) -> None:
        self.status = replace(
            self.status,
            last_trade_ns=int(batch.time_ns[-1]),
            received_at_ns=time.time_ns(),
            messages=self.status.messages + len(batch),
            trades=self.status.trades + len(batch),
        )
