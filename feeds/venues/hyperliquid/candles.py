"""Candles of Hyperliquid: the last 5,000 of each length, without buy volume."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from app.market.bar_rule import DAY_NS
from app.market.instrument import Instrument
from feeds.network.rest_client import RestClient
from feeds.venues.candles import HOUR_NS, MINUTE_NS, Candle, Candles
from feeds.venues.decoder import Ms

_PAGE = 500
_WEIGHT = 20 + _PAGE // 60 + 1  # an answer costs 20, and 1 more for every 60 candles
_INTERVALS = (
    {minutes * MINUTE_NS: f"{minutes}m" for minutes in (1, 3, 5, 15, 30)}
    | {hours * HOUR_NS: f"{hours}h" for hours in (1, 2, 4, 8, 12)}
    | {DAY_NS: "1d", 3 * DAY_NS: "3d", 7 * DAY_NS: "1w"}
)


class _Candle(msgspec.Struct, frozen=True):
    """A candle as Hyperliquid documents it; `T` is its last millisecond.

    `{"t":1681923600000,"T":1681924499999,"s":"BTC","i":"15m","o":"29295.0","c":"29258.0","h":"29309.0","l":"29250.0",
    "v":"0.98639","n":189}`
    """

    t: Ms
    T: Ms
    o: str
    h: str
    l: str  # noqa: E741
    c: str
    v: str


def candles(instrument: Instrument, rest: RestClient, *, wall_ns: Callable[[], int] = time.time_ns) -> Candles:
    """Candles of one Hyperliquid contract: the last 5,000 of each length, without buy volume."""

    async def page(interval: str, start_ms: int, end_ms: int) -> list[Candle]:
        stretch = {"coin": instrument.symbol, "interval": interval, "startTime": start_ms, "endTime": end_ms}
        told = await rest.post("/info", {"type": "candleSnapshot", "req": stretch}, list[_Candle], weight=_WEIGHT)
        now_ms = wall_ns() // 1_000_000
        return [Candle(each.t, each.o, each.h, each.l, each.c, each.v, "", now_ms > each.T) for each in told]

    return Candles(instrument, _INTERVALS, _PAGE, page, wall_ns=wall_ns)
