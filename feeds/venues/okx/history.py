"""History of an OKX instrument: trades by id, candles of any time.

Pages go backwards from an id or a time, exclusive. As ids grow by one, the page that ends a hundred ids later is the next one forward.
A time is converted to an id by a request for the trades before it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from functools import partial

import msgspec

from app.market.bar_rule import DAY_NS
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from feeds.venues.candles import HOUR_NS, MINUTE_NS, Candle, Candles
from feeds.venues.decoder import Ms, OddTrades, batch_of_page
from feeds.venues.okx.rest import OkxRest
from feeds.venues.okx.wire import Trade, batch_of

_PAGE = 100
_KEPT_NS = 90 * DAY_NS
_TRIES = 3  # consecutive pages without any of the trades requested

_CANDLES = 100
_NEWEST_CANDLES = 1_400  # of 1,440 at the endpoint for the newest; the one for older candles omits the open one
_INTERVALS = (
    {1_000_000_000: "1s"}
    | {minutes * MINUTE_NS: f"{minutes}m" for minutes in (1, 3, 5, 15, 30)}
    | {hours * HOUR_NS: f"{hours}H" for hours in (1, 2, 4)}
    | {6 * HOUR_NS: "6Hutc", 12 * HOUR_NS: "12Hutc", DAY_NS: "1Dutc", 7 * DAY_NS: "1Wutc"}  # without `utc` they begin in Hong Kong
)


class OkxHistory:
    """History of one instrument's trades, requested by id; the venue has about three months.

    Parameters
    ----------
    instrument : Instrument
    rest : OkxRest
    wall_ns : callable
        Our clock; only used for the earliest time available.
    """

    def __init__(self, instrument: Instrument, rest: OkxRest, *, wall_ns: Callable[[], int] = time.time_ns) -> None:
        self.instrument, self._rest, self._wall_ns = instrument, rest, wall_ns
        self.odd = OddTrades()
        self.go_over: Callable[[Instrument], object] = partial(setattr, self, "instrument")
        """Called with the instrument on finer steps, when trades of an earlier time need them."""

    @property
    def reaches_ns(self) -> int:
        """The earliest time for which the venue promises trades, 90 days ago; it may have older trades."""
        return self._wall_ns() - _KEPT_NS

    async def recent(self) -> TradeBatch:
        """A batch with only the newest trade; empty if there is none."""
        return self._batch(await self._page(urgent=True, limit=1))

    async def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        """Iterate in pages over the trades with ids `first_id` to `last_id`, inclusive; stop after three consecutive pages without any.

        Raises
        ------
        FeedError
            See `OkxRest.ask`.
        """
        without = 0
        while first_id <= last_id and without < _TRIES:
            end_id = min(last_id, first_id + _PAGE - 1)
            page = await self._page(after=end_id + 1)
            wanted = [trade for trade in page if first_id <= trade.tradeId <= end_id]
            without = 0 if wanted else without + 1
            if wanted:
                yield self._batch(wanted)
            first_id = end_id + 1

    async def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        """Iterate over pages of the trades from `start_ns` to now; with `before_id`, only of those with lower ids.

        Raises
        ------
        FeedError
            See `between`.
        """
        newest = await self._page(limit=1)
        if not newest:
            return
        first_id = await self._first_id(-(-start_ns // 1_000_000), newest[-1].ts)
        last_id = newest[-1].tradeId if before_id is None else before_id - 1
        async for page in self.between(first_id, last_id):
            yield page

    async def aclose(self) -> None:
        """Close the connections to OKX's REST host."""
        await self._rest.aclose()

    async def _first_id(self, start_ms: int, newest_ms: int) -> int:
        """The id of the first trade at or after a time, of those that the venue still has; 0 if it has none."""
        page = await self._before(start_ms)
        if not page:  # the venue has no trades that old: find the first millisecond that has any before it
            none_ms, some_ms = start_ms, max(start_ms, newest_ms) + 1
            page = await self._before(some_ms)
            while some_ms - none_ms > 1:
                middle_ms = (none_ms + some_ms) // 2
                if earlier := await self._before(middle_ms):
                    some_ms, page = middle_ms, earlier
                else:
                    none_ms = middle_ms
        first_id = 0
        while page:  # a millisecond may have more trades than a page
            older = [trade.tradeId for trade in page if trade.ts < start_ms]
            if older:
                return older[-1] + 1
            first_id = page[0].tradeId
            page = await self._page(after=first_id)
        return first_id

    async def _before(self, time_ms: int) -> list[Trade]:
        return await self._page(type=2, after=time_ms)

    async def _page(self, *, urgent: bool = False, **params: int) -> list[Trade]:
        """A page of up to 100 trades, oldest first; `params` selects them."""
        asked: dict[str, int] = {"limit": _PAGE} | params
        page = await self._rest.ask("market/history-trades", Trade, urgent=urgent, instId=self.instrument.symbol, **asked)
        page.sort(key=lambda trade: trade.tradeId)
        return page

    def _batch(self, page: list[Trade]) -> TradeBatch:
        return batch_of_page(self.instrument, page, batch_of, self.odd, self.go_over)


class _Candle(msgspec.Struct, frozen=True, array_like=True):
    """A candle as OKX documents it.

    `["1597026383085","3.721","3.743","3.677","3.708","8422410","22698348.04","12698348.04","0"]`
    """

    ts: Ms
    open: str
    high: str
    low: str
    close: str
    volume: str
    volume_in_currency: str
    volume_in_quote: str
    confirm: str


def candles(instrument: Instrument, rest: OkxRest, wall_ns: Callable[[], int] = time.time_ns) -> Candles:
    """Candles of one OKX instrument, without buy volume."""
    lengths_ms = {name: length_ns // 1_000_000 for length_ns, name in _INTERVALS.items()}

    async def page(interval: str, start_ms: int, end_ms: int) -> list[Candle]:
        newest = start_ms > wall_ns() // 1_000_000 - _NEWEST_CANDLES * lengths_ms[interval]
        path = "market/candles" if newest else "market/history-candles"
        # both ends are exclusive
        told = await rest.ask(path, _Candle, instId=instrument.symbol, bar=interval, after=end_ms + 1, before=start_ms - 1, limit=_CANDLES)
        return [Candle(each.ts, each.open, each.high, each.low, each.close, each.volume, "", each.confirm == "1") for each in told]

    return Candles(instrument, _INTERVALS, _CANDLES, page, wall_ns=wall_ns)
