"""D13: a feed that delivers nothing says what is shown and why."""

from __future__ import annotations

import asyncio

from app.ingest.stored_feed import StoredFeed
from app.market.feed import FeedState, FeedStatus
from tests.app.storage.stores import TAPE


def test_status_is_that_of_the_attempt_to_reach_the_venue() -> None:
    opening = FeedStatus(FeedState.DISCONNECTED, "no route to host", retry_at_s=7.0)
    status = StoredFeed(TAPE, lambda: opening).status
    assert (status.state, status.retry_at_s) == (FeedState.DISCONNECTED, 7.0)
    assert status.reason == "offline: stored trades only, binance not reached: no route to host"


def test_it_delivers_nothing_and_ends_when_it_is_closed() -> None:
    async def story() -> int:
        feed = StoredFeed(TAPE, lambda: FeedStatus(FeedState.STOPPED))
        asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(feed.aclose()))
        return len([batch async for batch in feed.batches()])

    assert asyncio.run(story()) == 0
