"""Daily trade files of Tardis.dev.

The first day of each month is free, all others need an API key.

    /v1/bitmex/trades/2020/03/01/XBTUSD.csv.gz            Authorization: Bearer KEY

A day without trades is an empty file.

https://docs.tardis.dev/downloadable-csv-files
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from urllib.parse import quote

from app.errors import VenueRefusedError
from feeds.publishers.bulk import DumpFile
from feeds.publishers.daily import DailyFiles
from feeds.publishers.days import date_of
from feeds.publishers.file_host import FileHost
from feeds.publishers.keys import Secret, key_variable

BASE_URL = "https://datasets.tardis.dev"

_PUBLISHED_AFTER_S = 2 * 86_400.0  # usually six hours after the day's end; until then the host answers 400 or 404


def tardis_datasets(
    exchange: str,
    symbol: str,
    key: Secret | None = None,
    *,
    base_url: str = BASE_URL,
    wall: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> DailyFiles:
    """Daily files of one market's trades as recorded by Tardis.

    `exchange` and `symbol` are the names that Tardis uses, e.g. `"bitmex"` and `"XBTUSD"`.

    Raises
    ------
    VenueRefusedError
        If the address or the proxy set in the environment cannot be used.
    """
    symbol = re.sub("[/:]", "-", symbol.upper())

    def place(day: date) -> tuple[str, str]:
        path = f"/v1/{quote(exchange, safe='')}/trades/{day:%Y/%m/%d}/{quote(symbol, safe='')}.csv.gz"
        return path, f"tardis-{exchange}-{symbol}-{day}.csv.gz"

    def require(piece: DumpFile) -> None:
        if key is None and date_of(piece.span.start_ns).day != 1:
            raise VenueRefusedError(f"Tardis requires an API key except for the first day of each month: set {key_variable('tardis')}")

    def headers() -> Mapping[str, str]:
        # packed responses are the stored files; unpacked ones would be ten times as long
        return {"Accept-Encoding": "gzip"} | ({"Authorization": f"Bearer {key.reveal()}"} if key else {})

    host = FileHost(base_url, headers=headers, wall=wall, sleep=sleep)
    return DailyFiles(host, place, require=require, refused_until_s=_PUBLISHED_AFTER_S, wall=wall)
