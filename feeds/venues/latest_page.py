"""History of venues that offer only their newest trades, without consecutive ids."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np

from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from feeds.venues.decoder import OddTrades


class LatestPageHistory:
    """A history of one page: the newest trades, which are all that the venue offers.

    Parameters
    ----------
    recent : coroutine function
        Fetches the newest trades, oldest first, in ticks and lots of an instrument.
    aclose : coroutine function
        Closes the connections.
    odd : OddTrades
        The impossible trades among those fetched.
    instrument : Instrument
    """

    reaches_ns = 0
    """0 for unknown: the newest trades may go back seconds or hours."""

    def __init__(
        self,
        recent: Callable[[Instrument], Awaitable[TradeBatch]],
        aclose: Callable[[], Awaitable[None]],
        odd: OddTrades,
        instrument: Instrument,
    ) -> None:
        self._recent, self._aclose, self.odd, self.instrument = recent, aclose, odd, instrument

    async def recent(self) -> TradeBatch:
        """The newest trades that the venue offers, oldest first."""
        return await self._recent(self.instrument)

    async def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        """Yield nothing, as the venue has no consecutive ids to request trades by."""
        return
        yield TradeBatch.empty()

    async def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        """Yield the newest trades that are not older than `start_ns`, in one batch; `before_id` is ignored.

        Raises
        ------
        FeedError
            If the request fails.
        """
        newest = await self.recent()
        wanted = newest[newest.time_ns >= np.int64(start_ns)]
        if len(wanted):
            yield wanted

    async def aclose(self) -> None:
        """Close the connections to the venue."""
        await self._aclose()
