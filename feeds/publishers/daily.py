"""Daily files without checksums from one host."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from app.errors import BadRequestError
from app.market.span import Span
from feeds.publishers.bulk import DumpFile, Progress, no_progress
from feeds.publishers.days import days_of, file_name, span_of
from feeds.publishers.file_host import FileHost


class DailyFiles:
    """Downloads one market's daily files, without checksums, from one host; a `BulkSource`.

    Parameters
    ----------
    host : FileHost
    place : callable
        Returns the path on the host and the local name of a day's file.
    ahead_ns : int
        How much earlier than UTC days the publisher's days begin.
    require : callable
        Raises if a file cannot be fetched; called before the request.
    refused_until_s : float
        How long after a day's end the publisher may refuse its file as out of range, instead of reporting it as missing.
    wall : callable
        Clock, for tests.
    """

    def __init__(
        self,
        host: FileHost,
        place: Callable[[date], tuple[str, str]],
        *,
        ahead_ns: int = 0,
        require: Callable[[DumpFile], None] = lambda _: None,
        refused_until_s: float = 0.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._host, self._place, self._ahead_ns, self._require, self._wall = host, place, ahead_ns, require, wall
        self._refused_until_s = refused_until_s

    def files(self, span: Span) -> Sequence[DumpFile]:
        """The daily files of a span; see `BulkSource`."""
        shifted = Span(span.start_ns + self._ahead_ns, span.end_ns + self._ahead_ns)
        return [self._day(day) for day in days_of(shifted, self._wall() + self._ahead_ns / 1e9)]

    async def fetch(self, piece: DumpFile, folder: Path, progress: Progress = no_progress) -> Path | None:
        """Download a file unless it already exists in the folder; return its path, None if it is not published.

        See `BulkSource`.
        """
        to = folder / piece.name
        if to.exists():
            return to
        self._require(piece)
        try:
            return await self._host.download(piece.path, to, progress)
        except BadRequestError:
            if self._wall() < piece.span.end_ns / 1e9 + self._refused_until_s:
                return None
            raise

    async def aclose(self) -> None:
        """Close the connections to the host of the files."""
        await self._host.aclose()

    def _day(self, day: date) -> DumpFile:
        path, name = self._place(day)
        whole = span_of(day, day)
        return DumpFile(file_name(name), Span(whole.start_ns - self._ahead_ns, whole.end_ns - self._ahead_ns), path)
