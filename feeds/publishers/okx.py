"""Daily trade files of OKX, found through OKX's listing of its files.

The files have single trades with the feed's ids; sizes of swaps are in contracts. The listing names the files of up to some days:

    /api/v5/public/market-data-history?module=1&instType=SPOT&instIdList=BTC-USDT&dateAggrType=daily&begin=…&end=…

    {"code":"0","msg":"","data":[{"dateAggrType":"daily","details":[{"instId":"BTC-USDT","instType":"SPOT","groupDetails":[
     {"dateTs":"1783612800000","filename":"BTC-USDT-trades-2026-07-10.zip","sizeMB":"24.6",
      "url":"https://static.okx.com/cdn/okex/traderecords/trades/daily/20260710/BTC-USDT-trades-2026-07-10.zip"}]}]}]}

OKX's days are days of UTC+8: this one begins on 2026-07-09 at 16:00 UTC. Derivatives are listed by family (`instFamilyList=BTC-USDT`).

https://www.okx.com/docs-v5/en/#public-data-rest-api-get-historical-market-data
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec

from app.errors import DecodeError, VenueRefusedError
from app.market.span import Span
from feeds.publishers.bulk import DumpFile, Progress, no_progress
from feeds.publishers.days import date_of, days_of, file_name, span_of
from feeds.publishers.file_host import FileHost

BASE_URL = "https://www.okx.com"

_FILES_HOST = "static.okx.com"
_LISTING = "/api/v5/public/market-data-history"
_AHEAD_NS = 8 * 3_600 * 10**9
_DAYS_AT_ONCE = 10  # of one request to the listing
_LISTED_FOR_S = 600.0  # how long an answer of the listing is used for days that it does not have yet
_DERIVATIVES = ("SWAP", "FUTURES")

_Json: TypeAlias = "dict[str, _Json] | list[_Json] | str | int | float | bool | None"


class _Listing(msgspec.Struct):
    code: str
    msg: str = ""
    data: Any = None


class OkxDumps:
    """Downloads OKX's daily trade files of one instrument; a `BulkSource`.

    Parameters
    ----------
    symbol : str
    base_url : str
        Where the listing is; its files must be there too, or at OKX.
    wall, sleep : callables
        The clock and the wait, for tests.

    Raises
    ------
    VenueRefusedError
        If the address or the proxy set in the environment cannot be used.
    """

    def __init__(
        self,
        symbol: str,
        *,
        base_url: str = BASE_URL,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._symbol, self._wall, self._base_host = symbol.upper(), wall, urlsplit(base_url).netloc
        self._host = FileHost(base_url, absences=2, wall=wall, sleep=sleep)  # it has returned 404 for files that were there a second later
        self._urls: dict[str, str] = {}
        self._asked_at_s: dict[date, float] = {}

    def files(self, span: Span) -> Sequence[DumpFile]:
        """The daily files of a span; see `BulkSource`. A file's address is requested only when the file is fetched."""
        shifted = Span(span.start_ns + _AHEAD_NS, span.end_ns + _AHEAD_NS)
        return [self._piece(day) for day in days_of(shifted, self._wall() + _AHEAD_NS / 1e9)]

    async def fetch(self, piece: DumpFile, folder: Path, progress: Progress = no_progress) -> Path | None:
        """Download a file unless it exists; return its path, None if it is not in the listing or not on the host. See `BulkSource`."""
        to = folder / piece.name
        if to.exists():
            return to
        if piece.path not in self._urls:
            await self._ask_around(date_of(piece.span.start_ns + _AHEAD_NS))
        url = self._urls.get(piece.path)
        return None if url is None else await self._host.download(url, to, progress)

    async def aclose(self) -> None:
        """Close the connections to the host of the files."""
        await self._host.aclose()

    def _piece(self, day: date) -> DumpFile:
        name, whole = f"{self._symbol}-trades-{day}.zip", span_of(day, day)
        return DumpFile(file_name(f"okx-{name}"), Span(whole.start_ns - _AHEAD_NS, whole.end_ns - _AHEAD_NS), name)

    async def _ask_around(self, day: date) -> None:
        """Request the listing of the files of `day` and the nine days after it, unless one with `day` was requested in the last 10 min."""
        now_s = self._wall()
        if now_s - self._asked_at_s.get(day, -_LISTED_FOR_S) < _LISTED_FOR_S:
            return
        days = [day + timedelta(days=number) for number in range(_DAYS_AT_ONCE)]
        begin, end = (span_of(each, each).start_ns - _AHEAD_NS for each in (days[0], days[-1]))
        kind = next((kind for kind in self._symbol.split("-")[2:] if kind in _DERIVATIVES), "SPOT")
        which = {"instIdList": self._symbol} if kind == "SPOT" else {"instFamilyList": "-".join(self._symbol.split("-")[:2])}
        question = {"module": 1, "instType": kind, **which, "dateAggrType": "daily", "begin": begin // 10**6, "end": end // 10**6}
        content = await self._host.text(_LISTING, question)
        if content is None:
            raise VenueRefusedError("OKX has no listing of its files at this address", detail=_LISTING)
        self._urls |= {name: url for name, url in _entries(self._decoded(content)) if self._is_trusted(url)}
        self._asked_at_s |= dict.fromkeys(days, now_s)

    def _decoded(self, content: bytes) -> _Json:
        try:
            listing = msgspec.json.decode(content, type=_Listing)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DecodeError("OKX sent an undocumented listing of its files", detail=f"{_LISTING}: {error}") from None
        if listing.code != "0":
            raise VenueRefusedError(f"OKX: {listing.msg[:200] or 'no listing of its files'} (code {listing.code[:20]})")
        return listing.data

    def _is_trusted(self, url: str) -> bool:
        place = urlsplit(url)
        return (place.scheme, place.netloc) == ("https", _FILES_HOST) or place.netloc == self._base_host


def _entries(told: _Json) -> Iterator[tuple[str, str]]:
    """Name and address of each file in a decoded listing, at any depth."""
    waiting: list[_Json] = [told]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            name, url = one.get("filename"), one.get("url")
            if isinstance(name, str) and isinstance(url, str):
                yield name, url
            waiting += [value for value in one.values() if isinstance(value, (list, dict))]
