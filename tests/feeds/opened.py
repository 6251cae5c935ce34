"""A market opened by its id on a scripted venue, whose sockets and REST answers a test defines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from app.market.feed import TradeFeed
from app.market.market import Market
from app.settings.settings import FeedSettings, Settings
from feeds.venues.all_venues import open_venue
from tests.feeds.lines import Lines, Talk, venue
from tests.feeds.questions import Answers, answering


@asynccontextmanager
async def opened(instrument_id: str, talk: Talk, answers: Answers) -> AsyncIterator[tuple[Market, Lines]]:
    """The open market and the record of its sockets; the feed is closed at the end of the block."""
    async with venue(talk) as there, answering(answers) as rest_url:
        name = instrument_id.partition(":")[0]
        hosts = Settings(data=FeedSettings(history_hours=1.0)).with_hosts(name, there.url.removesuffix("/ws/x"), rest_url)
        market = await open_venue(instrument_id, hosts)
        try:
            yield market, there
        finally:
            await market.feed.aclose()


async def told_by(feed: TradeFeed, enough: int) -> list[int]:
    """The ids of a feed's trades in its order, batch by batch until there are `enough` or it ends."""
    ids: list[int] = []
    async with aclosing(feed.batches()) as batches:  # type: ignore[type-var]
        async for batch in batches:
            ids += batch.trade_id.tolist()
            if len(ids) >= enough:
                break
    return ids
