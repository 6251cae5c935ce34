"""`tapeprint backfill`: download missing trades into the store."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from app.entry.commands.common import print_note, progress_bar
from app.entry.commands.import_ import import_file
from app.entry.markets import market_opener
from app.errors import BadInputError, FeedError
from app.ingest.store_backfill import StoreGap, fill_gaps, store_gaps
from app.market.market import Market
from app.market.span import Span
from app.market.times import timestamp_text
from app.settings.settings import Settings
from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter
from feeds.archives.bulk import iter_downloads
from feeds.archives.bulk_sources import bulk_source
from feeds.archives.report import ImportReport

_DUMPS_AFTER_NS = 36 * 3_600_000_000_000  # venues publish a day's file some hours after the day's end


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """Options of `tapeprint backfill`.

    Attributes
    ----------
    instrument_id : str
    span : Span
    source : str
        `auto`: the venue's dumps for times more than a day and a half ago, its history for the rest; `venue`: only its history;
        else a source that `feeds.archives.bulk_sources.bulk_source` supports, such as `dumps` or `tardis:bitmex/XBTUSD`.
    """

    instrument_id: str
    span: Span
    source: str = "auto"


def backfill(request: BackfillRequest, settings: Settings, quiet: bool) -> int:
    """Download missing trades; return 0 if none is missing afterwards, else 1.

    Raises
    ------
    BadInputError
        If the span is empty, or the instrument or the source is unknown.
    FeedError, StoreError
        If the venue or the disk fails; trades fetched before that are stored.
    """
    now_ns = time.time_ns()
    span = request.span.intersection(Span(0, now_ns))
    if not span:
        raise BadInputError("--from must be in the past")
    left = asyncio.run(_backfill(replace(request, span=span), settings, quiet))
    if span.end_ns == now_ns:  # trades of this very moment are not available from any source yet
        left = [gap for gap in left if gap.before_id is not None or gap.span.end_ns < now_ns]
    for gap in left:
        count = f", {gap.before_id - gap.first_id:,} trades by id" if gap.first_id and gap.before_id else ""
        print_note(f"{request.instrument_id}: still missing {_text(gap.span)}{count}")
    return 1 if left else 0


async def _backfill(request: BackfillRequest, settings: Settings, quiet: bool) -> list[StoreGap]:
    """Run the backfill and return the gaps that remain."""
    market = await market_opener(settings)(request.instrument_id)
    store = DiskStore(settings.store_folder())
    try:
        writer = TapeWriter(store, market.instrument)
        try:
            with progress_bar(quiet) as tell:
                new = await _fill(request, market, writer, tell, quiet)
            left = store_gaps(writer, request.span)
        finally:
            writer.close()
    finally:
        store.close()
        await market.feed.aclose()
    print_note(f"{request.instrument_id}: {new:,} new trades", quiet)
    return left


async def _fill(request: BackfillRequest, market: Market, writer: TapeWriter, tell: Callable[[str, float, str], None], quiet: bool) -> int:
    new = 0
    old = Span(request.span.start_ns, min(request.span.end_ns, time.time_ns() - _DUMPS_AFTER_NS))
    if request.source not in ("auto", "venue"):
        new += await _fill_in_bulk(request.source, request.span, writer, tell, quiet)
    elif request.source == "auto" and old:
        try:
            new += await _fill_in_bulk("dumps", old, writer, tell, quiet)
        except BadInputError as error:  # no dumps of this venue
            print_note(f"{error.user_message}; trying the venue's own history", quiet)
        except FeedError as error:
            print_note(f"dumps: {error.user_message}; trying the venue's own history", quiet)
    if request.source in ("auto", "venue") and market.history is not None:
        span = request.span

        def told(gap: Span, trades: int) -> None:
            tell(_text(gap), 1 - (gap.end_ns - span.start_ns) / span.length_ns, f"{trades:,} trades")

        new += await fill_gaps(writer, market.history, span, told)
    return new


async def _fill_in_bulk(place: str, span: Span, writer: TapeWriter, tell: Callable[[str, float, str], None], quiet: bool) -> int:
    """Download and import the published files for the gaps, newest gap first; return the number of new trades."""
    source = bulk_source(writer.instrument, place)
    new = 0
    try:
        with tempfile.TemporaryDirectory(prefix="import-", dir=writer.tape.folder) as folder:
            for gap in reversed(store_gaps(writer, span)):
                async for piece, path in iter_downloads(
                    source,
                    gap.span,
                    Path(folder),
                    lambda done, total: tell("fetching", done / (total or done or 1), f"{done / 1e6:,.1f} MB"),
                ):
                    if path is None:
                        continue
                    report = ImportReport()
                    new += await asyncio.to_thread(import_file, writer, path, report, complete=piece.span)
                    for line in report.lines():
                        print_note(f"{piece.name}: {line}", quiet)
                    path.unlink(missing_ok=True)
    finally:
        await source.aclose()
    return new


def _text(span: Span) -> str:
    return f"{timestamp_text(span.start_ns)} to {timestamp_text(span.end_ns)}"
