"""An open market: its feed, its history and its candles."""

from __future__ import annotations

from dataclasses import dataclass

from app.market.feed import CandleHistory, TradeFeed, TradeHistory
from app.market.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Market:
    """An open market: its instrument, its live feed, and the sources of its older trades and candles.

    Attributes
    ----------
    instrument : Instrument
    feed : TradeFeed
    history : TradeHistory or None
        None if older trades cannot be requested.
    history_ns : int
        Length of the history to load at the start.
    candles : CandleHistory or None
        None if the venue has no candles, or the program does not support them.
    is_real : bool
        True for trades of a venue, which are recorded; False for a simulation or a replay.
    usual_price_ticks : int
        Typical price for the default row size, if there is no history; 0 if unknown.
    """

    instrument: Instrument
    feed: TradeFeed
    history: TradeHistory | None
    history_ns: int
    usual_price_ticks: int = 0
    candles: CandleHistory | None = None
    is_real: bool = True
