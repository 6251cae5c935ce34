"""The feed of a market whose venue cannot be reached: it delivers no trades, and its status has the reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from app.market.feed import FeedStatus
from app.market.instrument import Instrument
from app.market.trade import TradeBatch


class StoredFeed:
    """The feed of a market of which only stored trades are shown.

    Parameters
    ----------
    instrument : Instrument
    opening : callable
        The status of the attempt to open the market at its venue.
    """

    def __init__(self, instrument: Instrument, opening: Callable[[], FeedStatus]) -> None:
        self._instrument, self._opening = instrument, opening
        self._closed = asyncio.Event()

    @property
    def instrument(self) -> Instrument:
        """The instrument, with the tick and lot size of the stored trades."""
        return self._instrument

    @property
    def status(self) -> FeedStatus:
        """The status of the attempt to reach the venue; the reason includes that only stored trades are shown."""
        opening = self._opening()
        return replace(opening, reason=f"offline: stored trades only, {self._instrument.venue} not reached: {opening.reason}")

    async def batches(self) -> AsyncIterator[TradeBatch]:
        """Wait until the feed is closed; yield no trades."""
        await self._closed.wait()
        for batch in ():
            yield batch

    async def aclose(self) -> None:
        """Close the feed, so that `batches` ends."""
        self._closed.set()
