"""Kraken spot: trades, live and history.

Ids grow by one within a book, so gaps show in them. REST finds trades by time only (https://docs.kraken.com/api/docs/rest-api/get-recent-trades):
missing trades are searched from the trades around them whose times are known (`landmarks`), or by bisection. Where ids have started
again, `through` does without ids.

For the messages see `feeds.venues.kraken.wire`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial

import numpy as np

from app.errors import DecodeError
from app.market.feed import closing
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.span import Span
from app.market.trade import TradeBatch
from app.settings.settings import Settings
from feeds.network.rest_client import RestClient
from feeds.venues.decoder import OddTrades, batch_of_page
from feeds.venues.entries import entries_of
from feeds.venues.id_time_index import IdTimeIndex
from feeds.venues.kraken.candles import candles
from feeds.venues.kraken.rest import REST_URL, ask, fetch_instrument, rest_of, rest_pair
from feeds.venues.kraken.wire import HistoryTrade, TradesAnswer, decoder, greeting, history_batch
from feeds.venues.live_feed import StreamSpec
from feeds.venues.open_market import closed_on_failure, live_market, newest_price

WS_URL = "wss://ws.kraken.com"

_PAGE = 1000
_TRIES = 3
_LOOKS = 40  # bisecting the complete history of any market down to a page of trades takes fewer
_BACK_NS = 1000  # the stream has times in whole microseconds, REST rounds them to a tenth
_FIRST_STEP_NS = 60_000_000_000


class KrakenHistory:
    """History of one pair's trades, requested by time.

    Parameters
    ----------
    instrument : Instrument
    rest : RestClient
    landmarks : IdTimeIndex
        Trades with a known time; those of each page are added.
    """

    reaches_ns = 0
    """A search by time goes back to the first trade."""

    def __init__(self, instrument: Instrument, rest: RestClient, landmarks: IdTimeIndex | None = None) -> None:
        self.instrument, self._rest = instrument, rest
        self.odd = OddTrades()
        self.go_over: Callable[[Instrument], object] = partial(setattr, self, "instrument")
        """Called with the instrument on finer steps, when trades of an earlier time need them."""
        self._left_out = 0  # of the last page
        self._landmarks = landmarks or IdTimeIndex()
        self._pair = rest_pair(instrument.symbol)

    async def recent(self) -> TradeBatch:
        """The newest trades, up to 1,000, oldest first."""
        return (await self._page(None, urgent=True))[0]

    async def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        """Iterate in pages over the trades with ids from `first_id` to `last_id`, inclusive.

        Raises
        ------
        FeedError
            See `RestClient.get`; also if the venue keeps returning the same trades.
        """
        async for page in self._pages(await self._time_before(first_id), last_id + 1):
            wanted = page[page.trade_id >= first_id]
            if len(wanted):
                yield wanted

    async def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        """Iterate over pages of the trades from `start_ns` to now; with `before_id`, only of those with lower ids.

        Raises
        ------
        FeedError
            See `between`.
        """
        begun = False
        async for page in self._pages(start_ns, before_id):
            wanted = page if begun else page[page.time_ns >= start_ns]
            begun = begun or len(wanted) > 0
            if len(wanted):
                yield wanted

    async def through(self, span: Span) -> AsyncIterator[TradeBatch]:
        """Iterate in pages over the trades of a time span, also where ids start again in it or after it.

        Times that differ from those of the stream by less than 1 µs count as inside.

        Raises
        ------
        FeedError
            See `between`.
        """
        async for page in self._pages_by_time(span.start_ns):
            wanted = page[page.time_ns < span.end_ns + _BACK_NS]
            if len(wanted):
                yield wanted
            if len(wanted) < len(page):
                return

    async def aclose(self) -> None:
        """Close the connections to Kraken's REST host."""
        await self._rest.aclose()

    async def _pages(self, start_ns: int, before_id: int | None) -> AsyncIterator[TradeBatch]:
        """Iterate over pages of the trades from 1 µs before `start_ns` to now, each once; with `before_id`, only of lower ids."""
        known_id = -1

        def fresh(page: TradeBatch) -> TradeBatch:
            nonlocal known_id
            found = page[page.trade_id > known_id]
            known_id = int(found.trade_id[-1]) if len(found) else known_id
            return found

        async with closing(self._fresh_pages(start_ns, fresh)) as pages:
            async for page in pages:
                wanted = page if before_id is None else page[page.trade_id < before_id]
                if len(wanted):
                    yield wanted
                if before_id is not None and known_id >= before_id - 1:
                    return

    async def _pages_by_time(self, start_ns: int) -> AsyncIterator[TradeBatch]:
        """As `_pages`, but each page in order of time; trades that a page has in common with the one before it are found by time and id."""
        known: set[tuple[int, int]] = set()

        def fresh(page: TradeBatch) -> TradeBatch:
            nonlocal known
            page = page[np.argsort(page.time_ns, kind="stable")]
            trades = list(zip(page.time_ns.tolist(), page.trade_id.tolist(), strict=True))
            seen, known = known, set(trades)
            return page[np.array([trade not in seen for trade in trades], bool)]

        async with closing(self._fresh_pages(start_ns, fresh)) as pages:
            async for page in pages:
                yield page

    async def _fresh_pages(self, start_ns: int, fresh: Callable[[TradeBatch], TradeBatch]) -> AsyncIterator[TradeBatch]:
        """Iterate over the pages from 1 µs before `start_ns` to now, of each only the trades that `fresh` returns, if any.

        A page begins a microsecond before the end of the last one, as trades of equal time may be on both pages. Raises `DecodeError` if
        full pages bring no fresh trades.
        """
        known_id, tries, since_ns = -1, 0, max(0, start_ns - _BACK_NS)
        while True:
            page, next_ns = await self._page(since_ns)
            found = fresh(page)
            if len(found):
                known_id, tries = int(found.trade_id[-1]), 0
                yield found
            if len(page) + self._left_out < _PAGE:
                return
            tries += 1
            if tries > _TRIES:
                raise DecodeError(f"kraken keeps sending trades up to id {known_id} alone")
            since_ns = max(since_ns + 1, next_ns - _BACK_NS) if tries == 1 else next_ns

    async def _time_before(self, trade_id: int) -> int:
        """The time in ns of a trade with an id up to `trade_id`, if possible less than 1,000 ids below it; 0 if none is found."""
        step_ns = _FIRST_STEP_NS
        for look in range(_LOOKS):
            below, above = self._landmarks.at_or_before(trade_id), self._landmarks.after(trade_id)
            if below is not None and trade_id - below.trade_id < _PAGE:
                break
            if above is None:
                newest = await self.recent()
                if not len(newest) or int(newest.trade_id[-1]) <= trade_id:
                    break
                continue
            if below is None:
                time_ns = max(0, above.time_ns - step_ns)
                step_ns *= 2
            else:  # estimated from the rate of the trades; every second time the middle, as the rate may mislead
                share = 0.5 if look % 2 else (trade_id - _PAGE / 2 - below.trade_id) / (above.trade_id - below.trade_id)
                time_ns = below.time_ns + int((above.time_ns - below.time_ns) * share)
            page, _ = await self._page(time_ns)
            if not len(page) or (below is None and time_ns == 0):
                break
        below = self._landmarks.at_or_before(trade_id)
        return 0 if below is None else below.time_ns

    async def _page(self, since_ns: int | None, *, urgent: bool = False) -> tuple[TradeBatch, int]:
        """A page of up to 1,000 trades after `since_ns`, or of the newest if it is None; and the time in ns where the next page begins."""
        params: dict[str, str | int] = {"pair": self._pair, "count": _PAGE}
        if since_ns is not None:
            params["since"] = since_ns
        answer = await ask(self._rest, "Trades", params, TradesAnswer, urgent=urgent)
        trades = entries_of(answer.trades, HistoryTrade, "kraken Trades")
        batch = self._batch(sorted(trades, key=lambda trade: trade.trade_id))
        self._left_out = len(answer.trades) - len(batch)
        self._landmarks.saw(batch)
        last = answer.result.get("last")
        if not isinstance(last, str) or not (last.isascii() and last.isdigit() and len(last) < 20):
            last = batch.time_ns[-1] if len(batch) else 0
        return batch, int(last)

    def _batch(self, page: list[HistoryTrade]) -> TradeBatch:
        return batch_of_page(self.instrument, page, history_batch, self.odd, self.go_over)


_CONNECTS = 70
"""Connects in five minutes: the venue's gateway allows an address about 150 attempts in any ten minutes, and bans it for ten after
more (https://docs.kraken.com/api/docs/guides/spot-ws-intro)."""


async def open_symbol(symbol: str, settings: Settings) -> Market:
    """Open the market of a Kraken pair such as BTC-USD, with its live feed."""
    hosts = settings.hosts("kraken")
    rest = rest_of(hosts.rest_url or REST_URL)
    landmarks = IdTimeIndex()
    async with closed_on_failure(rest):
        instrument = await fetch_instrument(rest, symbol.upper())
        history = KrakenHistory(instrument, rest, landmarks)
        usual = await newest_price(history)
    wire = StreamSpec(f"{hosts.ws_url or WS_URL}/v2", decoder(instrument, landmarks.saw), greeting(instrument.symbol))
    past, facts = candles(instrument, rest), lambda: fetch_instrument(rest, symbol.upper())
    return live_market(
        instrument,
        wire,
        history,
        settings,
        candles=past,
        facts=facts,
        usual_price_ticks=usual,
        connects=_CONNECTS,
        clock=rest.clock,
    )
