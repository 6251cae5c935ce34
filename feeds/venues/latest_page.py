"""The past of venues that tell no more of it than their newest trades, and do not number them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np

from app.market.trade import TradeBatch


class LatestPageHistory:
    """All of the past that there is: one page of the newest trades.

    Parameters
    ----------
    recent : coroutine function
        That page, oldest first.
    aclose : coroutine function
        Closes the connections.
    """

    reaches_ns = 0
    """Nobody can tell: as far as the newest trades reach, which is a matter of seconds or of hours."""

    def __init__(self, recent: Callable[[], Awaitable[TradeBatch]], aclose: Callable[[], Awaitable[None]]) -> None:
        self._recent, self._aclose = recent, aclose

    async def recent(self) -> TradeBatch:
        """The newest trades, oldest first."""
        return await self._recent()

    async def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        """Nothing: ids do not count here."""
        return
        yield TradeBatch.empty()

    async def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        """What of the newest trades is not older than `start_ns`.

        Raises
        ------
        FeedError
            If they cannot be had.
        """
        newest = await self.recent()
        wanted = newest[newest.time_ns >= np.int64(start_ns)]
        if len(wanted):
            yield wanted

    async def aclose(self) -> None:
        """Close the connections."""
        await self._aclose()
