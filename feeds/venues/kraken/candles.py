"""Candles of Kraken: only the last 720 of each length, without buy volume."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from app.market.bar_rule import DAY_NS
from app.market.instrument import Instrument
from feeds.network.rest_client import RestClient
from feeds.venues.candles import HOUR_NS, MINUTE_NS, Candle, Candles
from feeds.venues.decoder import Seconds
from feeds.venues.kraken.rest import Answer, ask, rest_pair

_ALL = 1_000_000  # one answer always has all the candles that the venue has
_INTERVALS = {minutes * MINUTE_NS: str(minutes) for minutes in (1, 5, 15, 30)} | {
    HOUR_NS: "60",
    4 * HOUR_NS: "240",
    DAY_NS: "1440",
    7 * DAY_NS: "10080",
    15 * DAY_NS: "21600",
}


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """A candle as Kraken documents it; a page has the oldest candle first, and its last candle is still open.

    `[1688671200,"30306.1","30306.2","30305.7","30305.7","30306.1","3.39243896",23]`
    """

    time: Seconds
    open: str
    high: str
    low: str
    close: str
    vwap: str
    volume: str


class _Entries(Answer, frozen=True):
    result: dict[str, list[_Entry] | int] = msgspec.field(default_factory=dict[str, list[_Entry] | int])


def candles(instrument: Instrument, rest: RestClient, *, wall_ns: Callable[[], int] = time.time_ns) -> Candles:
    """Candles of one Kraken pair: only the last 720 of each length, without buy volume."""

    async def page(interval: str, start_ms: int, end_ms: int) -> list[Candle]:
        asked: dict[str, str | int] = {"pair": rest_pair(instrument.symbol), "interval": interval, "since": max(0, start_ms // 1000 - 1)}
        answer = await ask(rest, "OHLC", asked, _Entries)
        nothing: list[_Entry] = []
        told = next((value for name, value in answer.result.items() if name != "last" and not isinstance(value, int)), nothing)
        return [
            Candle(each.time * 1000, each.open, each.high, each.low, each.close, each.volume, "", each is not told[-1]) for each in told
        ]

    return Candles(instrument, _INTERVALS, _ALL, page, wall_ns=wall_ns)
