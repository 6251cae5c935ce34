"""The emulator's klines are made of its trades, and our reader of the venue's klines reads them so."""

from __future__ import annotations

import asyncio
from functools import reduce

import httpx2
import numpy as np
import pytest

from app.market.candle import CandleBatch
from app.market.span import Span
from app.market.trade import BUY
from app.settings.settings import Settings
from feeds.venues.all_venues import open_venue
from tests.candles import MINUTE_NS, candles_of
from tests.venue_emulator import GeneratedTape, Market, VenueEmulator


@pytest.mark.parametrize("market", list(Market))
@pytest.mark.parametrize("minutes", [1, 15])
def test_the_candles_read_are_those_of_the_trades(market: Market, minutes: int) -> None:
    async def story() -> None:
        tape = GeneratedTape(3, 50, market=market, history_s=7200, history_rate=0.05)  # some minutes have no trade
        async with VenueEmulator(tape, speed=0) as venue:
            name = "binance" if market is Market.SPOT else "binance-usdm"
            opened = await open_venue(f"{name}:BTCUSDT", Settings().with_hosts(name, venue.ws_url, venue.rest_url))
            assert opened.candles is not None
            truth = venue.trades()
            length_ns = minutes * MINUTE_NS
            begin_ns = int(truth.time_ns[0]) // length_ns * length_ns
            span = Span(begin_ns - 50 * length_ns, int(truth.time_ns[-1]) + length_ns)
            pages = [page async for page in opened.candles.candles(length_ns, span)]
            told = reduce(CandleBatch.with_later, pages)
            expected = candles_of(truth, length_ns, Span(begin_ns, int(truth.time_ns[-1]) + 1))
            for found, true in zip(told.columns[:-1], expected.columns[:-1], strict=True):
                assert found.tolist() == true.tolist()
            assert (told.volume == 0).any() or minutes > 1
            assert int(told.volume.sum()) == int(truth.quantity_lots.sum())
            assert int(told.buy.sum()) == int(truth.quantity_lots[truth.side == BUY].sum())
            assert np.all(told.start_ns[told.closed] + length_ns <= told.start_ns[-1] + length_ns)
            await opened.feed.aclose()

    asyncio.run(story())


def test_the_interval_is_checked_and_a_page_holds_a_thousand() -> None:
    async def story() -> None:
        tape = GeneratedTape(3, 50, history_s=1100 * 60, history_rate=0.05)
        async with VenueEmulator(tape, speed=0) as venue, httpx2.AsyncClient(base_url=venue.rest_url) as client:
            asked = {"symbol": "BTCUSDT", "interval": "1m", "startTime": 0, "limit": 5000}
            page = (await client.get("/api/v3/klines", params=asked)).json()
            assert len(page) == 1000
            newest = (await client.get("/api/v3/klines", params={"symbol": "BTCUSDT", "interval": "1m", "limit": 3})).json()
            assert len(newest) <= 3 and newest[-1][0] > page[-1][0]
            wrong = await client.get("/api/v3/klines", params=asked | {"interval": "7m"})
            assert (wrong.status_code, wrong.json()["code"]) == (400, -1120)

    asyncio.run(story())
