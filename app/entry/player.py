"""Plays a recording in the window: what the replay bar steers, and what the workspace opens."""

from __future__ import annotations

from dataclasses import dataclass

from app.market.bar_rule import BarRule
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.span import Span
from app.market.trade import TradeBatch
from feeds.replay import ReplayFeed

VENUE = "replay"
"""What stands before the colon in the id under which the workspace opens a recording."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Trades to be played again.

    Attributes
    ----------
    instrument : Instrument
    trades : TradeBatch
        In the order of the tape, at least one.
    gaps : tuple of Span
        Where trades may be missing, oldest first; only of a market whose trades are not numbered.
    """

    instrument: Instrument
    trades: TradeBatch
    gaps: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplayStart:
    """How a replay begins.

    Attributes
    ----------
    speed : float
        Recorded seconds in one second; `math.inf` plays all at once.
    paused : bool
    """

    speed: float = 1.0
    paused: bool = False


class Player:
    """Plays one recording, as often as it is opened; speed and pause outlive each time.

    Parameters
    ----------
    recording : Recording
    start : ReplayStart
    """

    def __init__(self, recording: Recording, start: ReplayStart) -> None:
        self.instrument_id = f"{VENUE}:{recording.instrument.symbol}"
        """What the workspace opens."""
        self._recording = recording
        self._begin_ns = 0
        self._feed = self._new_feed(start.speed, start.paused)

    def market(self) -> Market:
        """The recording from its first trade on, or from where the last `jump` back led."""
        self._feed = self._new_feed(self._feed.speed, self._feed.paused)
        self._begin_ns = 0
        instrument, first_price = self._recording.instrument, int(self._recording.trades.price_ticks[0])
        return Market(instrument, self._feed, None, 0, usual_price_ticks=first_price, is_real=False)

    @property
    def speed(self) -> float:
        """Recorded seconds in one second; `math.inf` is as fast as it goes."""
        return self._feed.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._feed.speed = speed

    @property
    def paused(self) -> bool:
        """Whether recorded time stands still."""
        return self._feed.paused

    @property
    def ended(self) -> bool:
        """Whether the last trade has been played."""
        return self._feed.ended

    @property
    def now_ns(self) -> int:
        """The recorded time that it is."""
        return self._feed.now_ns

    @property
    def span(self) -> Span:
        """From the first trade to just behind the last."""
        return self._feed.span

    def pause(self) -> None:
        """Let recorded time stand still."""
        self._feed.pause()

    def resume(self) -> None:
        """Let it go on."""
        self._feed.resume()

    def step_trade(self) -> None:
        """Play one trade more."""
        self._feed.step_trade()

    def step_bar(self, rule: BarRule) -> None:
        """Play the rest of the bar in which the next trade lies."""
        self._feed.step_bar(rule)

    def jump(self, time_ns: int) -> bool:
        """Go to a recorded time. Ahead, all trades up to it are played at once; what was played cannot be taken back.

        Returns
        -------
        bool
            False if the time has gone by: then the recording, opened anew, begins with all trades up to it.
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
