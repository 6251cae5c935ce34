"""Daily trade files of OKX.

They have single trades with the feed's ids; sizes of swaps are in contracts.

    /cdn/okex/traderecords/trades/daily/20260710/BTC-USDT-SWAP-trades-2026-07-10.zip

OKX's days are days of UTC+8: this one begins on 2026-07-09 at 16:00 UTC. (Undocumented by OKX, but visible in the files.)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import date
from urllib.parse import quote

from feeds.archives.daily import DailyFiles
from feeds.archives.file_host import FileHost

BASE_URL = "https://static.okx.com"

_AHEAD_NS = 8 * 3_600 * 10**9


def okx_dumps(
    symbol: str,
    *,
    base_url: str = BASE_URL,
    wall: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> DailyFiles:
    """The daily trade files of one instrument.

    Raises
    ------
    VenueRefusedError
        If the address or the proxy set in the environment cannot be used.
    """
    symbol = symbol.upper()

    def place(day: date) -> tuple[str, str]:
        name = f"{symbol}-trades-{day}.zip"
        return f"/cdn/okex/traderecords/trades/daily/{day:%Y%m%d}/{quote(name, safe='')}", f"okx-{name}"

    host = FileHost(base_url, absences=2, wall=wall, sleep=sleep)  # it has returned 404 for files that were there a second later
    return DailyFiles(host, place, ahead_ns=_AHEAD_NS, wall=wall)
