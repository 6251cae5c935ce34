"""`tapeprint verify`: check the store for missing trades and damaged files."""

from __future__ import annotations

import asyncio

from app.entry.commands.common import print_note, progress_counter
from app.entry.markets import market_opener
from app.errors import StoreBusyError, TapeprintError
from app.ingest.store_backfill import fill_gaps
from app.market.instrument import Instrument
from app.market.span import Span
from app.printable import printable
from app.settings.settings import Settings
from app.storage.disk import DiskStore, stored_instrument
from app.storage.tape_writer import TapeWriter
from app.storage.verify import StoreFinding, verify


def verify_store(instrument_id: str | None, settings: Settings, repair: bool, quiet: bool) -> int:
    """Check stored markets and print what is missing or damaged; return 0 if all are complete, else 1.

    Nothing on disk is changed. With `repair`, what is possible is repaired, and missing trades are downloaded again as far as the
    venue has them.

    Raises
    ------
    BadInputError
        If the market is not in the store.
    StoreError
        If there is no store, or it cannot be read.
    """
    store = DiskStore(settings.store_folder(), frozen=True)
    if repair:  # only now: the check that there is a store must not create one
        store.close()
        store = DiskStore(settings.store_folder())
    try:
        if store.repaired:
            print_note(store.repaired)
        if store.damaged:
            print(f"{store.damaged}; repair with --repair")  # noqa: T201
        chosen = store.instruments() if instrument_id is None else [stored_instrument(store, instrument_id)]
        worst = max([_verify(store, instrument, settings, repair, quiet) for instrument in chosen], default=0)
        return 1 if store.damaged else worst
    finally:
        store.close()


def _verify(store: DiskStore, instrument: Instrument, settings: Settings, repair: bool, quiet: bool) -> int:
    tape = store.tape(instrument)
    writer: TapeWriter | None = None
    if repair:
        try:
            writer = TapeWriter(store, instrument)
        except StoreBusyError as error:
            print_note(f"{error.user_message}: checking only, no repair", quiet)
    try:
        findings: list[StoreFinding] = []
        with progress_counter(instrument.id, quiet, "findings") as tell:
            for finding in verify(tape, writer):
                findings.append(finding)
                tell(len(findings))
        gaps = [finding.gap for finding in findings if finding.gap is not None]
        if gaps and writer is not None:
            asyncio.run(_fetch_again(instrument, writer, gaps, settings, quiet))
            findings = [finding for finding in findings if finding.gap is None] + [f for f in verify(tape, writer) if f.gap is not None]
    finally:
        if writer is not None:
            writer.close()
    for finding in findings:
        print(printable(finding.text))  # noqa: T201
    days = tape.days()
    size = sum(path.stat().st_size for day in days for path in tape.files(day))
    whole = all(finding.mended for finding in findings)
    print_note(f"{instrument.id}: {len(days)} day files, {size / 1e6:,.1f} MB, {'complete' if whole else 'incomplete'}", quiet)
    return 0 if whole else 1


async def _fetch_again(instrument: Instrument, writer: TapeWriter, gaps: list[Span], settings: Settings, quiet: bool) -> None:
    try:
        market = await market_opener(settings)(instrument.id)
    except TapeprintError as error:
        print_note(f"{instrument.id}: cannot download missing trades: {error.user_message}")
        return
    try:
        if market.history is None:
            return
        for gap in reversed(gaps):
            new = await fill_gaps(writer, market.history, Span(gap.start_ns - 1, gap.end_ns + 1))
            print_note(f"{instrument.id}: {new:,} missing trades downloaded", quiet)
    except TapeprintError as error:
        print_note(f"{instrument.id}: some trades could not be downloaded: {error.user_message}")
    finally:
        await market.feed.aclose()
