"""`tapeprint backfill`: download missing trades into the store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from app.entry.commands.common import print_note, progress_bar
from app.entry.commands.import_ import RefusedStepsError, import_file, venue_numbers
from app.entry.markets import market_opener
from app.errors import BadInputError, ChecksumError, DecodeError, FeedError, OtherStepsError, StoreError, TradeFileError
from app.ingest.store_backfill import StoreGap, fill_gaps, store_gaps
from app.ingest.stored_feed import StoredFeed
from app.market.coverage import Source
from app.market.decimals import parse_step
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument, parse_instrument_id
from app.market.market import Market
from app.market.span import Span
from app.market.times import timestamp_text
from app.settings.settings import Settings
from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter
from feeds.archives.report import ImportReport
from feeds.archives.trade_stream import common_steps_of
from feeds.publishers.bulk import BulkSource, DumpFile
from feeds.publishers.bulk_sources import bulk_source

_HOUR_NS = 3_600_000_000_000
_DUMPS_AFTER_NS = 36 * _HOUR_NS  # venues publish a day's file some hours after the day's end
_PUBLISHED_WITHIN_NS = 72 * _HOUR_NS  # a file that is not there by then will not be
_COLLECTED_AFTER_NS = _HOUR_NS
_TAKEN_UP_WITHIN_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """Options of `tapeprint backfill`.

    Attributes
    ----------
    instrument_id : str
    span : Span
    source : str
        `auto`: the venue's dumps for times more than a day and a half ago, its history for the rest; `venue`: only its history;
        else a source that `feeds.publishers.bulk_sources.bulk_source` supports, such as `dumps` or `tardis:bitmex/XBTUSD`.
    tick_size, lot_size : str or None
        For a market that neither the venue nor the store has any more.
    """

    instrument_id: str
    span: Span
    source: str = "auto"
    tick_size: str | None = None
    lot_size: str | None = None


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
    market = await _open_market(request, settings)
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


async def _open_market(request: BackfillRequest, settings: Settings) -> Market:
    """Open the market; if the venue fails, return it without history, with the instrument of the options or the store.

    Raises the venue's error if there is no such instrument, or only the venue's history is requested.
    """
    try:
        return await market_opener(settings)(request.instrument_id)
    except FeedError as error:
        instrument = None if request.source == "venue" else _known_instrument(request, settings)
        if instrument is None:
            raise
        print_note(f"{request.instrument_id}: venue not reached ({error.user_message}); published files only")
        return Market(instrument, StoredFeed(instrument, lambda: FeedStatus(FeedState.DISCONNECTED)), None, 0)


def _known_instrument(request: BackfillRequest, settings: Settings) -> Instrument | None:
    """The instrument with the tick and lot size of the options, else as stored; None if the options and the store have none."""
    if request.tick_size is not None and request.lot_size is not None:
        venue, symbol = parse_instrument_id(request.instrument_id)
        tick, lot = parse_step(request.tick_size, "tick size"), parse_step(request.lot_size, "lot size")
        return Instrument(venue, symbol, tick, lot, numbered=venue_numbers(venue) is not False)
    try:
        store = DiskStore(settings.store_folder(), write=False)
    except StoreError:
        return None
    try:
        return store.catalogue.instrument(request.instrument_id)
    finally:
        store.close()


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
    """Import the published files that cover the gaps, newest gap first, and return the number of new trades.

    A file that fails is reported and skipped. Unfinished downloads are continued by the next run, even after a kill.
    """
    source = bulk_source(writer.instrument, place)
    folder = _download_folder(writer.tape.folder)
    name = writer.instrument.id
    new = 0
    unpublished: list[DumpFile] = []
    try:
        async for piece in _needed(source, writer, span, unpublished):
            try:
                path = await source.fetch(piece, folder, partial(_tell, tell, piece))
            except (ChecksumError, DecodeError) as error:  # of this file alone
                print_note(f"{name}: {error.user_message}; not imported")
                continue
            if path is None:
                unpublished.append(piece)
                continue
            try:
                found, lines = await asyncio.to_thread(_import, writer, path, piece)
            except (TradeFileError, RefusedStepsError) as error:
                print_note(f"{name}: {error.user_message}; not imported")
            else:
                new += found
                for line in lines:
                    print_note(f"{piece.name}: {line}", quiet)
            path.unlink(missing_ok=True)
    finally:
        await source.aclose()
        with suppress(OSError):  # parts of downloads stay for the next run
            folder.rmdir()
    for line in _unpublished_lines([piece for piece in unpublished if not piece.instead]):
        print_note(f"{name}: {line}")
    return new


async def _needed(source: BulkSource, writer: TapeWriter, span: Span, unpublished: list[DumpFile]) -> AsyncIterator[DumpFile]:
    """Yield the published files that may have missing trades, each once; an unpublished file is followed by its substitutes."""
    seen: set[str] = set()
    while True:
        gaps = [gap.span for gap in _gaps_for_files(writer, span)]
        instead = [piece for missing in unpublished for piece in missing.instead]
        wanted = [piece for piece in instead if any(piece.span.intersection(gap) for gap in gaps)]
        wanted += [piece for gap in reversed(gaps) for piece in source.files(gap)]
        piece = next((piece for piece in wanted if piece.name not in seen), None)
        if piece is None:
            return
        seen.add(piece.name)
        yield piece


def _gaps_for_files(writer: TapeWriter, span: Span) -> list[StoreGap]:
    """The store gaps that reach beyond the times of imported files; importing a file again would not bring the ids it does not have."""
    imported = writer.settled.times(Source.ARCHIVE)
    return [gap for gap in store_gaps(writer, span) if gap.span.minus(imported)]


def _import(writer: TapeWriter, path: Path, piece: DumpFile) -> tuple[int, list[str]]:
    """Import a published file; return the number of new trades, and lines for the user.

    A day from before the venue changed its tick or lot size is stored with sizes that fit both. The last hour does not count as complete:
    the publisher may not have all of its trades yet.
    """
    complete = piece.span.intersection(Span(0, time.time_ns() - _COLLECTED_AFTER_NS))
    report = ImportReport()
    try:
        new = import_file(writer, path, report, complete=complete)
        return new, report.lines() if report.layout else ["no trades"]
    except OtherStepsError:
        then, report = common_steps_of(path, writer.instrument), ImportReport()
    new = import_file(writer, path, report, reading=then, complete=complete)
    return new, [*report.lines(), f"stored with tick {then.tick_size:f} and lot {then.lot_size:f}, as the venue had other steps then"]


def _download_folder(market: Path) -> Path:
    """Make the download folder of a market and delete downloads in it that are more than a week old; return the folder."""
    folder = market / "downloads"
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file() and path.stat().st_mtime < time.time() - _TAKEN_UP_WITHIN_S:
            path.unlink(missing_ok=True)
    return folder


def _tell(tell: Callable[[str, float, str], None], piece: DumpFile, done: int, total: int | None) -> None:
    tell(piece.name, done / (total or done or 1), f"{done / 1e6:,.1f} MB")


def _unpublished_lines(pieces: list[DumpFile]) -> list[str]:
    """Lines for the user about unpublished files, one per run of consecutive files; they distinguish "not yet" from "not at all"."""
    recent_ns = time.time_ns() - _PUBLISHED_WITHIN_NS
    lines: list[str] = []
    for later in (False, True):
        spans = Span(0, 1 << 62).minus(Span(0, 1 << 62).minus([piece.span for piece in pieces if (piece.span.end_ns > recent_ns) is later]))
        words = "is not published yet, try again later" if later else "is not published"
        lines += [f"{_text(span)} {words}" for span in spans]
    return lines


def _text(span: Span) -> str:
    return f"{timestamp_text(span.start_ns)} to {timestamp_text(span.end_ns)}"
