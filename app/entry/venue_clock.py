"""The offset of this machine's clock from Binance's."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from app.settings.settings import Settings
from feeds.network.rest_client import RestClient
from feeds.venues.binance.live import SPOT


class _ServerTime(msgspec.Struct, frozen=True):
    """Binance's answer to a request for its time: `{"serverTime":1499827319559}`.

    https://developers.binance.com/docs/binance-spot-api-docs/rest-api
    """

    serverTime: int  # noqa: N815


async def clock_offset_s(settings: Settings, wall: Callable[[], float] = time.time) -> float:
    """Seconds by which this machine's clock is ahead of Binance's; negative if it is behind.

    The error is at most half of the request's round trip.

    Raises
    ------
    FeedError
        If the venue cannot be reached.
    """
    rest = RestClient(settings.hosts(SPOT.venue).rest_url or SPOT.rest_url, weight_limit=SPOT.weight_limit)
    try:
        asked_s = wall()
        answer = await rest.get(f"{SPOT.rest_path}/time", {}, _ServerTime, weight=1)
        return (asked_s + wall()) / 2 - answer.serverTime / 1000
    finally:
        await rest.aclose()
