"""Trades from Kaiko, fetched page by page and stored in Kaiko's own file format.

    /v2/data/trades.v1/exchanges/cbse/spot/btc-usd/trades?start_time=…&end_time=…&sort=asc&page_size=10000

    {"data":[{"timestamp":1552297292548,"trade_id":"26506842","price":"0.00000396","amount":"3776.43","taker_side_sell":true}],
     "continuation_token":"…"}

https://docs.kaiko.com
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec

from app.errors import DecodeError, TradeFileError, VenueRefusedError
from app.market.span import Span
from app.market.times import iso_text
from feeds.publishers.bulk import DumpFile, Progress, no_progress
from feeds.publishers.days import days_of, file_name, span_of
from feeds.publishers.file_host import FileHost
from feeds.publishers.keys import Secret, key_variable

BASE_URL = "https://us.market-api.kaiko.io"

_PAGE = 10_000
_HEADER = "id,exchange,symbol,date,price,amount,sell\n"
_SIDES = {True: "true", False: "false", None: "unknown"}

_Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9.eE+-]{1,60}$")]
_Id = Annotated[str, msgspec.Meta(pattern=r"^[ -~]{0,200}$")]


class _Trade(msgspec.Struct):
    timestamp: Annotated[int, msgspec.Meta(ge=0)]
    trade_id: _Id
    price: _Number
    amount: _Number
    taker_side_sell: bool | None = None


class _Page(msgspec.Struct):
    data: list[_Trade]
    continuation_token: Annotated[str, msgspec.Meta(max_length=4096)] | None = None


class KaikoTrades:
    """Downloads one market's trades as collected by Kaiko; a `BulkSource`.

    Parameters
    ----------
    exchange, kind, symbol : str
        Kaiko's names, e.g. `"cbse"`, `"spot"`, `"btc-usd"`.
    key : Secret, optional
        Required for every download.
    base_url : str
    wall, sleep : callables
        Clock and wait, for tests.
    """

    def __init__(
        self,
        exchange: str,
        kind: str,
        symbol: str,
        key: Secret | None,
        *,
        base_url: str = BASE_URL,
        wall: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._exchange, self._kind, self._symbol, self._key, self._wall = exchange, kind, symbol, key, wall
        self._host = FileHost(base_url, headers=self._headers, wall=wall, sleep=sleep)

    def files(self, span: Span) -> Sequence[DumpFile]:
        """One file for each UTC day of a span, up to the current time; see `BulkSource`.

        The files never cover more than the span, as Kaiko bills by volume.
        """
        now_s = self._wall()
        past = Span(span.start_ns, min(span.end_ns, int(now_s * 1e3) * 10**6))
        return [self._piece(past.intersection(span_of(day, day))) for day in days_of(past, now_s)]

    async def fetch(self, piece: DumpFile, folder: Path, progress: Progress = no_progress) -> Path | None:
        """Download the trades of a file's span unless the file exists; return its path, None if Kaiko does not have the market.

        The file of a span without trades has only a header. A broken download starts again from the beginning. See `BulkSource`.
        """
        to = folder / piece.name
        if to.exists():
            return to
        if self._key is None:
            raise VenueRefusedError(f"Kaiko requires an API key: set {key_variable('kaiko')}")
        part = to.with_name(f"{to.name}.part")
        pages = 0
        try:
            with part.open("wb") as file:
                with gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=0, compresslevel=1) as packed:
                    packed.write(_HEADER.encode())
                    async for trades in self._pages(piece):
                        packed.write(self._lines(trades))
                        pages += 1
                        progress(file.tell(), None)
                file.flush()
                os.fsync(file.fileno())
            if not pages:
                return None
            part.replace(to)
            return to
        except OSError as error:
            raise TradeFileError(part, None, error.strerror or str(error), "a writable file") from None
        finally:
            part.unlink(missing_ok=True)

    async def _pages(self, piece: DumpFile) -> AsyncIterator[list[_Trade]]:
        params: Mapping[str, str | int] = {
            "start_time": iso_text(piece.span.start_ns, milliseconds=True),
            "end_time": iso_text(piece.span.end_ns, milliseconds=True),
            "sort": "asc",
            "page_size": _PAGE,
        }
        followed: set[str] = set()
        while (content := await self._host.text(piece.path, params)) is not None:
            page = self._decoded(content, piece)
            yield page.data
            token = page.continuation_token
            if not token:
                return
            if token in followed:
                raise DecodeError("Kaiko returned the same page twice", detail=piece.path)
            followed.add(token)
            params = {"continuation_token": token}  # alone: it identifies the rest of the request

    async def aclose(self) -> None:
        """Close the connections to Kaiko."""
        await self._host.aclose()

    def _piece(self, part: Span) -> DumpFile:
        words = (quote(word, safe="") for word in (self._exchange, self._kind, self._symbol))
        path = "/v2/data/trades.v1/exchanges/{}/{}/{}/trades".format(*words)
        start, end = (iso_text(time_ns, milliseconds=True) for time_ns in (part.start_ns, part.end_ns))
        name = f"kaiko-{self._exchange}-{self._kind}-{self._symbol}-{start}-{end}"
        return DumpFile(f"{file_name(name)}.csv.gz", part, path)

    def _decoded(self, content: bytes, piece: DumpFile) -> _Page:
        try:
            return msgspec.json.decode(content, type=_Page)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise DecodeError("Kaiko sent an undocumented response", detail=f"{piece.path}: {error}") from None

    def _lines(self, trades: list[_Trade]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            (trade.trade_id, self._exchange, self._symbol, trade.timestamp, trade.price, trade.amount, _SIDES[trade.taker_side_sell])
            for trade in trades
        )
        return text.getvalue().encode()

    def _headers(self) -> Mapping[str, str]:
        return {"X-Api-Key": self._key.reveal()} if self._key else {}
