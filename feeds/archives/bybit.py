"""The dumps of public.bybit.com, a file a day, without checksums.

/trading/BTCUSDT/BTCUSDT2026-07-10.csv.gz             derivatives, linear and inverse; ids as the feed's
/spot/BTCUSDT/BTCUSDT_2026-07-10.csv.gz               ids number the rows
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import quote

from app.market.span import Span
from feeds.archives.bulk import Piece, Progress, no_progress
from feeds.archives.days import days_of, file_name, span_of
from feeds.archives.file_host import FileHost

BASE_URL = "https://public.bybit.com"
SPOT, DERIVATIVES = "spot", "trading"


class BybitDumps:
    """One market's trades.

    Parameters
    ----------
    market : str
        `SPOT` or `DERIVATIVES`.
    symbol : str
    base_url : str
    wall, sleep : callables
        The clock and the wait, for tests.
    """

    def __init__(
        self,
        market: str,
        symbol: str,
        *,
        base_url: str = BASE_URL,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._market, self._symbol, self._wall = market, symbol.upper(), wall
        self._host = FileHost(base_url, wall=wall, sleep=sleep)

    def pieces(self, span: Span) -> Sequence[Piece]:
        """Days; see `BulkSource`."""
        return [self._day(day) for day in days_of(span, self._wall())]

    async def fetch(self, piece: Piece, folder: Path, progress: Progress = no_progress) -> Path | None:
        """See `BulkSource`."""
        to = folder / piece.name
        return to if to.exists() else await self._host.download(piece.path, to, progress)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._host.aclose()

    def _day(self, day: date) -> Piece:
        name = f"{self._symbol}{'_' if self._market == SPOT else ''}{day}.csv.gz"
        path = f"/{self._market}/{quote(self._symbol, safe='')}/{quote(name, safe='')}"
        return Piece(file_name(f"bybit-{self._market}-{name}"), span_of(day, day), path)
