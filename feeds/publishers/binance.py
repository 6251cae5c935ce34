"""Trade files of data.binance.vision: aggregate trades with the same ids as the live feed.

Complete months come as monthly files, other days as daily ones. Next to each file is its checksum, in the format of sha256sum:

    /data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-08-08.zip
    /data/spot/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2024-08-08.zip.CHECKSUM

https://github.com/binance/binance-public-data
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import quote

from app.errors import DecodeError
from app.market.span import Span
from feeds.publishers.bulk import DumpFile, Progress, no_progress
from feeds.publishers.days import days_of, file_name, span_of, whole_months
from feeds.publishers.file_host import FileHost, sha256_of

BASE_URL = "https://data.binance.vision"
SPOT, USDM = "spot", "futures/um"

_CHECKSUM = re.compile(rb"\s*([0-9a-fA-F]{64})(\s|$)")


class BinanceDumps:
    """Downloads Binance's aggregate trade files of one symbol; a `BulkSource`.

    Parameters
    ----------
    market : str
        `SPOT` or `USDM`.
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

    def files(self, span: Span) -> Sequence[DumpFile]:
        """The files of a span: a monthly file for each month of which the span touches every day, daily files for other days.

        See `BulkSource`.
        """
        return [self._month(days) if len(days) > 1 else self._day(days[0]) for days in whole_months(days_of(span, self._wall()))]

    async def fetch(self, piece: DumpFile, folder: Path, progress: Progress = no_progress) -> Path | None:
        """Download a file unless it exists and matches its published checksum, if any; return its path, None if it is not published.

        See `BulkSource`.
        """
        told = await self._host.text(f"{piece.path}.CHECKSUM")
        to = folder / piece.name
        if told is None:
            return to if to.exists() else await self._host.download(piece.path, to, progress)
        match = _CHECKSUM.match(told)
        if match is None:
            raise DecodeError(f"{piece.name}: invalid checksum file", detail=f"{piece.path}.CHECKSUM: {told[:100]!r}")
        sha256 = match[1].decode().lower()
        if to.exists() and await asyncio.to_thread(sha256_of, to) == sha256:
            return to
        return await self._host.download(piece.path, to, progress, sha256)

    async def aclose(self) -> None:
        """Close the connections to the host of the files."""
        await self._host.aclose()

    def _month(self, days: list[date]) -> DumpFile:
        return self._piece("monthly", f"{days[0]:%Y-%m}", days[0], days[-1], tuple(self._day(day) for day in days))

    def _day(self, day: date) -> DumpFile:
        return self._piece("daily", f"{day:%Y-%m-%d}", day, day)

    def _piece(self, period: str, when: str, first: date, last: date, instead: tuple[DumpFile, ...] = ()) -> DumpFile:
        name = f"{self._symbol}-aggTrades-{when}.zip"
        path = f"/data/{self._market}/{period}/aggTrades/{quote(self._symbol, safe='')}/{quote(name, safe='')}"
        return DumpFile(file_name(f"{self._market.replace('/', '-')}-{name}"), span_of(first, last), path, instead)
