"""The dumps of OKX, a file a day: every trade by itself, ids as the feed's, sizes of swaps in contracts.

    /cdn/okex/traderecords/trades/daily/20260710/BTC-USDT-SWAP-trades-2026-07-10.zip

Their days are those of UTC+8: this one begins on 2026-07-09 at 16:00 UTC. (OKX says so nowhere; those who read the files do.)
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
    """One instrument's trades.

    Raises
    ------
    VenueRefusedError
        If the address, or the proxy that the environment sets, cannot be used.
    """
    symbol = symbol.upper()

    def place(day: date) -> tuple[str, str]:
        name = f"{symbol}-trades-{day}.zip"
        return f"/cdn/okex/traderecords/trades/daily/{day:%Y%m%d}/{quote(name, safe='')}", f"okx-{name}"

    host = FileHost(base_url, absences=2, wall=wall, sleep=sleep)  # it has said 404 of files that were there a second later
    return DailyFiles(host, place, ahead_ns=_AHEAD_NS, wall=wall)
