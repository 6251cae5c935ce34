"""A market that is open: its feed, its history and its candles."""

from __future__ import annotations

from dataclasses import dataclass

from app.market.feed import CandleHistory, TradeFeed, TradeHistory
from app.market.instrument import Instrument


@dataclass(frozen=True, slots=True)
class Market:
    """A market that can be watched.

    Attributes
    ----------
    instrument : Instrument
    feed : TradeFeed
    history : TradeHistory or None
        None where the past cannot be asked for.
    history_ns : int
        How much of the past is wanted at the start.
    candles : CandleHistory or None
        None where the venue has none, or nobody taught us how to ask.
    is_real : bool
        Trades of a venue, which are worth keeping; not a simulation, nor a recording played again.
    usual_price_ticks : int
        To choose a row size by, where there is no past to ask; 0 if unknown.
    """

    instrument: Instrument
    feed: TradeFeed
    history: TradeHistory | None
    history_ns: int
    usual_price_ticks: int = 0
    candles: CandleHistory | None = None
    is_real: bool = True
