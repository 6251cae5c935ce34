"""Replay of a recording in the window."""

from __future__ import annotations

from dataclasses import dataclass

from app.market.bar_rule import BarRule
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.span import Span
from app.market.trade import TradeBatch
from feeds.replay import ReplayFeed

VENUE = "replay"
"""The part before the colon in the instrument id of a replay."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Recorded trades to replay.

    Attributes
    ----------
    instrument : Instrument
    trades : TradeBatch
        In the order of the tape, at least one.
    gaps : tuple of Span
        Times at which trades may be missing, oldest first; only for a market that does not number its trades.
    """

    instrument: Instrument
    trades: TradeBatch
    gaps: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayStart:
    """Speed and pause state at the start of a replay.

    Attributes
    ----------
    speed : float
        Recorded seconds per second; `math.inf` plays everything at once.
    paused : bool
    """

    speed: float = 1.0
    paused: bool = False


class Player:
    """A replay of one recording, which can be opened as a market any number of times.

    The replay bar controls it; speed and pause state carry over when it is opened again.

    Parameters
    ----------
    recording : Recording
    start : ReplayStart
    """

    def __init__(self, recording: Recording, start: ReplayStart) -> None:
        self.instrument_id = f"{VENUE}:{recording.instrument.symbol}"
        """The id under which the workspace opens the replay."""
        self._recording = recording
        self._begin_ns = 0
        self._feed = self._new_feed(start.speed, start.paused)

    def market(self) -> Market:
        """Open the recording as a market: at its first trade or, after a `jump` back, with all trades up to the time of the jump."""
        self._feed = self._new_feed(self._feed.speed, self._feed.paused)
        self._begin_ns = 0
        instrument, first_price = self._recording.instrument, int(self._recording.trades.price_ticks[0])
        return Market(instrument, self._feed, None, 0, usual_price_ticks=first_price, is_real=False)

    @property
    def speed(self) -> float:
        """Recorded seconds per second; `math.inf` replays as fast as possible."""
        return self._feed.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._feed.speed = speed

    @property
    def paused(self) -> bool:
        """True while the replay is paused."""
        return self._feed.paused

    @property
    def ended(self) -> bool:
        """True once the last trade has been played."""
        return self._feed.ended

    @property
    def now_ns(self) -> int:
        """The replay's current position in recorded time."""
        return self._feed.now_ns

    @property
    def span(self) -> Span:
        """The time range of the recording, from its first trade to just after its last."""
        return self._feed.span

    def pause(self) -> None:
        """Pause the replay."""
        self._feed.pause()

    def resume(self) -> None:
        """Resume the replay."""
        self._feed.resume()

    def step_trade(self) -> None:
        """Play the next trade."""
        self._feed.step_trade()

    def step_bar(self, rule: BarRule) -> None:
        """Play the rest of the bar that contains the next trade."""
        self._feed.step_bar(rule)

    def jump(self, time_ns: int) -> bool:
        """Play all trades up to a recorded time at once; if that time is already played, only set where `market` starts, and return False.

        Returns
        -------
        bool
            False if the time has already been played. Played trades cannot be undone: open the recording again with `market`,
            and it starts with all trades up to that time.
        """
        if time_ns >= self.now_ns:
            self._feed.jump(time_ns)
            return True
        self._begin_ns = time_ns
        return False

    def _new_feed(self, speed: float, paused: bool) -> ReplayFeed:
        recording = self._recording
        begin_ns = self._begin_ns
        return ReplayFeed(recording.instrument, recording.trades, gaps=recording.gaps, speed=speed, start_ns=begin_ns, paused=paused)
