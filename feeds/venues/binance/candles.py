"""Candles of Binance, spot and futures, with the volume of aggressive buyers."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from app.market.bar_rule import DAY_NS
from app.market.instrument import Instrument
from feeds.network.rest_client import RestClient
from feeds.venues.candles import HOUR_NS, MINUTE_NS, Candle, Candles
from feeds.venues.decoder import Ms

_PAGE = 1000
_SECOND_NS = 1_000_000_000
_INTERVALS = (
    {_SECOND_NS: "1s"}
    | {minutes * MINUTE_NS: f"{minutes}m" for minutes in (1, 3, 5, 15, 30)}
    | {hours * HOUR_NS: f"{hours}h" for hours in (1, 2, 4, 6, 8, 12)}
    | {DAY_NS: "1d", 3 * DAY_NS: "3d", 7 * DAY_NS: "1w"}
)


class _Kline(msgspec.Struct, frozen=True, array_like=True):
    """A candle as Binance documents it; `close_ms` is its last millisecond.

    `taker_buy` is in base units.

    `[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499644799999,
    "2434.19055334",308,"1756.87402397","28.46694368","0"]`
    """

    start_ms: Ms
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_ms: Ms
    quote_volume: str
    trades: int
    taker_buy: str


def candles(
    instrument: Instrument, rest: RestClient, path: str, weight: int, *, seconds: bool, wall_ns: Callable[[], int] = time.time_ns
) -> Candles:
    """Candles of one Binance symbol from the endpoint at `path`, with one-second candles only if `seconds`.

    `weight` is the weight of one page.
    """

    async def page(interval: str, start_ms: int, end_ms: int) -> list[Candle]:
        asked = {"symbol": instrument.symbol, "interval": interval, "startTime": start_ms, "endTime": end_ms, "limit": _PAGE}
        told = await rest.get(path, asked, list[_Kline], weight=weight)
        now_ms = wall_ns() // 1_000_000
        return [
            Candle(each.start_ms, each.open, each.high, each.low, each.close, each.volume, each.taker_buy, each.close_ms < now_ms)
            for each in told
        ]

    names = {length_ns: name for length_ns, name in _INTERVALS.items() if seconds or length_ns > _SECOND_NS}
    return Candles(instrument, names, _PAGE, page, wall_ns=wall_ns)
