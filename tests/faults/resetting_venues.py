"""REST interfaces of OKX, Kraken and Coinbase over a market whose ids start again: each finds trades only as its documents say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from app.market.feed import TradeHistory
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from feeds.network.rest_client import RestClient
from feeds.venues.coinbase.live import CoinbaseHistory
from feeds.venues.kraken.live import KrakenHistory
from feeds.venues.okx.history import OkxHistory
from feeds.venues.okx.rest import OkxRest
from tests.feeds.questions import Answer, answering

_TICK, _LOT = Decimal("0.1"), Decimal("1e-8")
BEGAN_NS = 1_740_394_800_000_000_000
INSTRUMENTS = {
    "okx": Instrument("okx", "BTC-USDT", _TICK, _LOT),
    "kraken": Instrument("kraken", "BTC-USD", _TICK, _LOT),
    "coinbase": Instrument("coinbase", "BTC-USD", _TICK, _LOT),
}


def market(seed: int, *parts: tuple[int, int], part_s: int = 1_800, pause_s: int = 60) -> TradeBatch:
    """Trades of several parts of half an hour, each with its number of trades and its first id; times are whole milliseconds, as OKX's."""
    random = np.random.default_rng(seed)
    starts = BEGAN_NS + np.arange(len(parts)) * (part_s + pause_s) * 10**9
    times = [start + np.sort(random.integers(0, part_s * 1_000, n)) * 10**6 for start, (n, _) in zip(starts, parts, strict=True)]
    total = sum(n for n, _ in parts)
    return TradeBatch.of(
        np.concatenate(times),
        random.integers(300_000, 301_000, total),
        random.integers(1, 10**8, total),
        np.where(random.random(total) < 0.5, 1, -1),
        np.concatenate([first_id + np.arange(n) for n, first_id in parts]),
    )


class ResettingVenue:
    """Answers of one venue over `trades`, which are in order of time; by id it finds only trades since ids last started again.

    Attributes
    ----------
    asked : list of dict
        The query of each request.
    until : int
        Number of trades that are served, from the first on.
    """

    def __init__(self, name: str, trades: TradeBatch) -> None:
        self.name, self.trades, self.until = name, trades, len(trades)
        self._columns = [column.tolist() for column in trades.columns]
        self.asked: list[dict[str, Any]] = []
        self._answers: dict[str, Callable[[dict[str, Any]], object]] = {
            "okx": self._okx,
            "kraken": self._kraken,
            "coinbase": self._coinbase,
        }

    def answer(self, _path: str, query: dict[str, Any]) -> Answer:
        """The answer to a request for trades."""
        self.asked.append(query)
        return 200, self._answers[self.name](query)

    @asynccontextmanager
    async def history(self) -> AsyncIterator[TradeHistory]:
        """Our history of the market, over a server on loopback."""
        async with answering(self.answer) as url:
            instrument = INSTRUMENTS[self.name]
            made: dict[str, Callable[[], Any]] = {
                "okx": lambda: OkxHistory(instrument, _hasty(OkxRest(url)), wall_ns=lambda: BEGAN_NS + 86_400 * 10**9),
                "kraken": lambda: KrakenHistory(instrument, RestClient(url, weight_limit=10**6)),
                "coinbase": lambda: CoinbaseHistory(instrument, RestClient(url, weight_limit=10**6)),
            }
            history = made[self.name]()
            yield history
            await history.aclose()

    def _below(self, trade_id: int, count: int) -> list[int]:
        """Places of the trades with the highest ids below one, newest first."""
        ids = self.trades.trade_id[: self.until]
        since = int(np.flatnonzero(np.diff(ids, prepend=1 << 62) < 0)[-1])
        end = since + int(np.searchsorted(ids[since:], trade_id))
        return list(range(end - 1, max(since, end - count) - 1, -1))

    def _texts(self, place: int) -> tuple[int, str, str, bool, int]:
        """Time in ns, price, quantity, whether the buyer was the aggressor, and id."""
        time_ns, ticks, lots, side, trade_id = (column[place] for column in self._columns)
        return time_ns, str(ticks * _TICK), f"{lots * _LOT:.8f}", side > 0, trade_id

    def _okx(self, query: dict[str, Any]) -> object:
        count, after = min(100, int(query["limit"])), int(query.get("after", 1 << 62))
        if query.get("type") == "2":
            end = min(self.until, int(np.searchsorted(self.trades.time_ns, min(after, 1 << 42) * 10**6)))
            places = list(range(end - 1, max(0, end - count) - 1, -1))
        else:
            places = self._below(after, count)
        return {"code": "0", "msg": "", "data": [self._okx_row(place) for place in places]}

    def _okx_row(self, place: int) -> dict[str, str]:
        time_ns, price, size, buy, trade_id = self._texts(place)
        told = {"instId": "BTC-USDT", "tradeId": str(trade_id), "px": price, "sz": size, "source": "0"}
        return told | {"side": "buy" if buy else "sell", "ts": str(time_ns // 10**6)}

    def _kraken(self, query: dict[str, Any]) -> object:
        begin = max(0, self.until - 1000)
        if "since" in query:
            begin = int(np.searchsorted(self.trades.time_ns[: self.until], int(query["since"]), side="right"))
        end = min(self.until, begin + 1000)
        last = str(self.trades.time_ns[end - 1]) if end > begin else query.get("since", "0")
        rows = ",".join(self._kraken_row(place) for place in range(begin, end))
        return f'{{"error":[],"result":{{"XXBTZUSD":[{rows}],"last":"{last}"}}}}'.encode()

    def _kraken_row(self, place: int) -> str:
        time_ns, price, size, buy, trade_id = self._texts(place)
        return f'["{price}","{size}",{time_ns // 10**9}.{time_ns % 10**9 // 100:07d},"{"b" if buy else "s"}","l","",{trade_id}]'

    def _coinbase(self, query: dict[str, Any]) -> object:
        rows: list[dict[str, object]] = []
        for place in self._below(int(query.get("after", 1 << 62)), min(1000, int(query["limit"]))):
            time_ns, price, size, buy, trade_id = self._texts(place)
            time = f"{datetime.fromtimestamp(time_ns // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{time_ns % 10**9 // 1000:06d}Z"
            rows.append({"trade_id": trade_id, "side": "sell" if buy else "buy", "size": size, "price": price, "time": time})
        return rows


def _hasty(rest: OkxRest) -> OkxRest:
    rest._rest._apart_s = 0.0  # nobody counts here
    rest._rest._limit = 10**6
    return rest
