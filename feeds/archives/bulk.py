"""History that is published in bulk: which pieces it comes in, and how they are fetched.

A source hands over files, each of which `feeds.archives.trade_stream.stream_trades` reads; one whose service answers in pages
writes them into a file first, so that a piece is either there as a whole or not at all, wherever it came from.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.market.span import Span

Progress = Callable[[int, int | None], None]
"""Told the bytes fetched so far, and of how many, where that is known."""


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A part of a market's history that is fetched as one.

    Attributes
    ----------
    name : str
        Of the file, safe in any folder.
    span : Span
        What time it covers.
    path : str
        Where on the host it lies.
    instead : tuple of Piece
        What may be there while this one is not: the days of a month that is not put together yet.
    """

    name: str
    span: Span
    path: str
    instead: tuple[DumpFile, ...] = ()


class BulkSource(Protocol):
    """One market's history at one publisher."""

    def files(self, span: Span) -> Sequence[DumpFile]:
        """What holds the trades of a span, in the order of time; it may hold others too. Nothing that lies in the future."""
        ...

    async def fetch(self, piece: DumpFile, folder: Path, progress: Progress = ...) -> Path | None:
        """The file of a piece, in a folder that exists; None if it is not published.

        A file that is there already, and whole, is not fetched again. What was fetched of one that broke off is kept
        beside it (`.part`) and taken up again where the server allows it.

        Raises
        ------
        FeedError
            If the publisher cannot be reached, does not serve us, or sends what its own checksum does not fit.
        TradeFileError
            If the file cannot be written.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


def no_progress(done: int, total: int | None) -> None:
    """For those who do not want to be told."""


async def iter_downloads(
    source: BulkSource, span: Span, folder: Path, progress: Progress = no_progress
) -> AsyncIterator[tuple[DumpFile, Path | None]]:
    """The pieces of a span with their files, one after the other, None for what is not published.

    Of a piece that is not there but has others in its place, those are given.

    Raises
    ------
    FeedError, TradeFileError
        As `BulkSource.fetch`.
    """
    waiting = list(reversed(source.files(span)))
    while waiting:
        piece = waiting.pop()
        path = await source.fetch(piece, folder, progress)
        if path is None and piece.instead:
            waiting += reversed(piece.instead)
        else:
            yield piece, path
