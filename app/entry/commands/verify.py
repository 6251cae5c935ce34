"""`tapeprint verify`: check the store for missing trades and damaged files."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from app.entry.commands.common import print_note, progress_counter
from app.entry.markets import market_opener
from app.errors import BadInputError, DecodeError, StoreBusyError, TapeprintError
from app.ingest.store_backfill import TRIES, fill_owed
from app.market.bar_rule import DAY_NS
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.times import iso_date_text
from app.printable import printable
from app.settings.settings import Settings
from app.storage.catalogue.owed import OwedState, given_up_text
from app.storage.disk import DiskStore, stored_instrument
from app.storage.tape import day_named
from app.storage.tape_writer import TapeWriter
from app.storage.verify import StoreFinding, verify

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def verify_store(instrument_id: str | None, settings: Settings, repair: bool, quiet: bool, give_up: str | None = None) -> int:
    """Check stored markets and print what is missing or damaged; return 0 if all are complete, else 1.

    Without `instrument_id` all stored markets are checked. Without `repair` and `give_up` nothing on disk is changed. With `repair`,
    damaged files are renamed, minute cells and catalogue rebuilt, and missing trades downloaded as far as the venue has them. With
    `give_up`, a day or a range of days, the owed trades of these days no longer count as missing.

    Raises
    ------
    BadInputError
        If the market is not in the store, or `give_up` is invalid.
    StoreError
        If there is no store, or it cannot be read.
    """
    if give_up is not None and instrument_id is None:
        raise BadInputError("--give-up: name the market, e.g. tapeprint verify binance:BTCUSDT --give-up 2024-08-08")
    store = DiskStore(settings.store_folder(), frozen=True)
    if repair or give_up is not None:  # only now: the check that there is a store must not create one
        store.close()
        store = DiskStore(settings.store_folder())
    try:
        if store.repaired:
            print_note(store.repaired)
        if store.damaged:
            print(f"{store.damaged}; repair with --repair")  # noqa: T201
        chosen = store.instruments() if instrument_id is None else [stored_instrument(store, instrument_id)]
        if give_up is not None:
            for instrument in chosen:
                _give_up(store, instrument, give_up, quiet)
        worst = max([_verify(store, instrument, settings, repair, quiet) for instrument in chosen], default=0)
        for text in store.catalogue.bad_rows:
            print(f"{printable(text)}; repair with --repair")  # noqa: T201
        return 1 if store.damaged or store.catalogue.bad_rows else worst
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
        if writer is not None and writer.owed:
            asyncio.run(_fetch_again(instrument, writer, settings, quiet))
            findings = [finding for finding in findings if finding.gap is None] + [f for f in verify(tape, writer) if f.gap is not None]
    finally:
        if writer is not None:
            writer.close()
    for finding in findings:
        print(printable(finding.text))  # noqa: T201
    days = tape.days()
    size = sum(path.stat().st_size for day in days for path in tape.files(day))
    whole = all(finding.mended for finding in findings)
    given_up = [row for row in tape.catalogue.owed(instrument.id) if row.state is OwedState.GIVEN_UP]
    but = f" but for {given_up_text(given_up, tape.intervals())} given up" if given_up else ""
    print_note(f"{instrument.id}: {len(days)} day files, {size / 1e6:,.1f} MB, {'complete' if whole else 'incomplete'}{but}", quiet)
    return 0 if whole else 1


def days_span(text: str) -> Span:
    """The span of a day such as `2024-08-08`, or of several days such as `2024-08-08..2024-08-10`, including the last.

    Raises
    ------
    BadInputError
        If the text has another format, or the last day is before the first.
    """
    first, dots, last = text.partition("..")
    days = [day_named(Path(name)) if _DAY.fullmatch(name) else None for name in (first, last if dots else first)]
    if days[0] is None or days[1] is None or days[1] < days[0]:
        raise BadInputError(f"--give-up: found {text!r}, expected a day or days, e.g. 2024-08-08 or 2024-08-08..2024-08-10")
    return Span(days[0] * DAY_NS, (days[1] + 1) * DAY_NS)


def _give_up(store: DiskStore, instrument: Instrument, text: str, quiet: bool) -> None:
    """Give up the owed trades of some days: they no longer count as missing.

    Raises
    ------
    BadInputError
        If no trades of these days are owed, or ids are missing that may also be of other days.
    StoreBusyError
        If the market is being recorded.
    """
    span = days_span(text)
    writer = TapeWriter(store, instrument)
    try:
        ended, beyond = writer.account.give_up(span)
    finally:
        writer.close()
    for row in ended:
        print_note(f"{instrument.id}: given up: {given_up_text([row], writer.intervals)}", quiet)
    if beyond:
        first, last = (iso_date_text(ns) for ns in (min(row.span.start_ns for row in beyond), max(row.span.end_ns - 1 for row in beyond)))
        raise BadInputError(f"--give-up: {text}: ids are missing from {first} to {last} and have no day of their own; pass {first}..{last}")
    if not ended:
        raise BadInputError(f"--give-up: {instrument.id}: nothing is owed on {text}")


async def _fetch_again(instrument: Instrument, writer: TapeWriter, settings: Settings, quiet: bool) -> None:
    try:
        market = await market_opener(settings)(instrument.id)
    except TapeprintError as error:
        print_note(f"{instrument.id}: cannot download missing trades: {error.user_message}")
        return
    try:
        if market.history is None:
            return
        tries = TRIES
        for row in reversed(writer.owed):
            try:
                new = await fill_owed(writer, market.history, row, tries=tries)
            except DecodeError as error:  # the venue may serve the other entries as documented, but is not waited for at each of them
                print_note(f"{instrument.id}: some trades could not be downloaded: {error.user_message}")
                tries = 1
                continue
            tries = TRIES
            print_note(f"{instrument.id}: {new:,} missing trades downloaded", quiet)
    except TapeprintError as error:
        print_note(f"{instrument.id}: some trades could not be downloaded: {error.user_message}")
    finally:
        await market.feed.aclose()
