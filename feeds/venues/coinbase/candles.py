"""Candles of Coinbase, without buy volume."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from app.market.bar_rule import DAY_NS
from app.market.instrument import Instrument
from app.market.times import iso_text
from feeds.network.rest_client import RestClient
from feeds.venues.candles import HOUR_NS, MINUTE_NS, Candle, Candles
from feeds.venues.decoder import Seconds

_PAGE = 300
_SECOND_NS = 1_000_000_000
_INTERVALS = {
    length_ns: str(length_ns // _SECOND_NS) for length_ns in (MINUTE_NS, 5 * MINUTE_NS, 15 * MINUTE_NS, HOUR_NS, 6 * HOUR_NS, DAY_NS)
}


class _Bucket(msgspec.Struct, frozen=True, array_like=True):
    """A candle as Coinbase documents it, with JSON numbers as text; a page has the newest candle first.

    `[1415398768,0.32,4.2,0.35,4.2,12.3]`
    """

    time: Seconds
    low: msgspec.Raw
    high: msgspec.Raw
    open: msgspec.Raw
    close: msgspec.Raw
    volume: msgspec.Raw


def candles(instrument: Instrument, rest: RestClient, *, wall_ns: Callable[[], int] = time.time_ns) -> Candles:
    """Candles of one Coinbase product, without buy volume."""

    async def page(interval: str, start_ms: int, end_ms: int) -> list[Candle]:
        asked = {"granularity": interval, "start": iso_text(start_ms * 10**6), "end": iso_text(end_ms * 10**6)}
        told = await rest.get(f"/products/{instrument.symbol}/candles", asked, list[_Bucket], weight=1)
        now_s = wall_ns() // _SECOND_NS
        return [_candle(each, each.time + int(interval) <= now_s) for each in told]

    return Candles(instrument, _INTERVALS, _PAGE, page, wall_ns=wall_ns)


def _candle(told: _Bucket, closed: bool) -> Candle:
    opened, high, low, close, volume = (bytes(number).decode() for number in (told.open, told.high, told.low, told.close, told.volume))
    return Candle(told.time * 1000, opened, high, low, close, volume, "", closed)
