"""The daily trade files of Tardis.dev; the first day of each month is free, all others need a key.

    /v1/bitmex/trades/2020/03/01/XBTUSD.csv.gz            Authorization: Bearer KEY

https://docs.tardis.dev/downloadable-csv-files
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from urllib.parse import quote

from app.errors import VenueRefusedError
from app.market.span import Span
from feeds.archives.bulk import Piece, Progress, no_progress
from feeds.archives.days import date_of, days_of, file_name, span_of
from feeds.archives.file_host import FileHost
from feeds.archives.keys import Secret, key_variable

BASE_URL = "https://datasets.tardis.dev"


class TardisDatasets:
    """One market's trades as Tardis recorded them.

    Parameters
    ----------
    exchange, symbol : str
        As Tardis calls them, `"bitmex"` and `"XBTUSD"`.
    key : Secret, optional
    base_url : str
    wall, sleep : callables
        The clock and the wait, for tests.
    """

    def __init__(
        self,
        exchange: str,
        symbol: str,
        key: Secret | None = None,
        *,
        base_url: str = BASE_URL,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._exchange, self._symbol, self._key, self._wall = exchange, re.sub("[/:]", "-", symbol.upper()), key, wall
        self._host = FileHost(base_url, headers=self._headers, wall=wall, sleep=sleep)

    def pieces(self, span: Span) -> Sequence[Piece]:
        """Days; see `BulkSource`."""
        return [self._day(day) for day in days_of(span, self._wall())]

    async def fetch(self, piece: Piece, folder: Path, progress: Progress = no_progress) -> Path | None:
        """See `BulkSource`; without a key, any day but the first of a month is refused before anybody is asked."""
        to = folder / piece.name
        if to.exists():
            return to
        if self._key is None and date_of(piece.span.start_ns).day != 1:
            raise VenueRefusedError(f"Tardis wants a key for any day but the first of a month: set {key_variable('tardis')}")
        return await self._host.download(piece.path, to, progress)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._host.aclose()

    def _day(self, day: date) -> Piece:
        path = f"/v1/{quote(self._exchange, safe='')}/trades/{day:%Y/%m/%d}/{quote(self._symbol, safe='')}.csv.gz"
        return Piece(file_name(f"tardis-{self._exchange}-{self._symbol}-{day}.csv.gz"), span_of(day, day), path)

    def _headers(self) -> Mapping[str, str]:
        # packed answers are files as they lie there; unpacked ones would be ten times as long
        packed = {"Accept-Encoding": "gzip"}
        return packed | ({"Authorization": f"Bearer {self._key.reveal()}"} if self._key else {})
