"""Interface for downloads of trade history that venues and data vendors publish as files.

`feeds.archives.trade_stream.stream_trades` reads each file. Where a service answers in pages, its source writes them into a file
first, so that a file is either there and complete or not there at all, wherever it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.market.span import Span

Progress = Callable[[int, int | None], None]
"""Called with the bytes fetched so far and the total, None where it is unknown."""


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A published file with a part of a market's history.

    Attributes
    ----------
    name : str
        File name, safe in any folder.
    span : Span
        The time that the file covers.
    path : str
        The file's path on the host.
    instead : tuple of DumpFile
        Files to fetch if this one is not published: the daily files of a month without a monthly file yet.
    """

    name: str
    span: Span
    path: str
    instead: tuple[DumpFile, ...] = ()


class BulkSource(Protocol):
    """A source of one market's trade history, as files of one publisher."""

    def files(self, span: Span) -> Sequence[DumpFile]:
        """The files with the trades of a span, oldest first; the part of the span after the current time is ignored.

        The files may contain trades outside the span too.
        """
        ...

    async def fetch(self, piece: DumpFile, folder: Path, progress: Progress = ...) -> Path | None:
        """Fetch a file into an existing folder and return its path; None if the file is not published.

        A complete file that is in the folder already is not fetched again. A partial download stays in the folder (`.part`) and is
        resumed where the server allows it.

        Raises
        ------
        FeedError
            If the publisher cannot be reached or refuses, or if a download does not match its published checksum.
        TradeFileError
            If the file cannot be written.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections to the publisher."""
        ...


def no_progress(done: int, total: int | None) -> None:
    """Ignore the progress of a download."""
