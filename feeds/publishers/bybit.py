"""Daily trade files of public.bybit.com.

/trading/BTCUSDT/BTCUSDT2026-07-10.csv.gz             derivatives, linear and inverse; the feed's ids
/spot/BTCUSDT/BTCUSDT_2026-07-10.csv.gz               ids are row numbers
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import date
from urllib.parse import quote

from feeds.publishers.daily import DailyFiles
from feeds.publishers.file_host import FileHost

BASE_URL = "https://public.bybit.com"
SPOT, DERIVATIVES = "spot", "trading"


def bybit_dumps(
    market: str,
    symbol: str,
    *,
    base_url: str = BASE_URL,
    wall: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> DailyFiles:
    """The daily trade files of one Bybit symbol; `market` is `SPOT` or `DERIVATIVES`.

    Raises
    ------
    VenueRefusedError
        If the address or the proxy set in the environment cannot be used.
    """
    symbol = symbol.upper()

    def place(day: date) -> tuple[str, str]:
        name = f"{symbol}{'_' if market == SPOT else ''}{day}.csv.gz"
        return f"/{market}/{quote(symbol, safe='')}/{quote(name, safe='')}", f"bybit-{market}-{name}"

    return DailyFiles(FileHost(base_url, wall=wall, sleep=sleep), place, wall=wall)
