"""`tapeprint export`: stored trades as a CSV or Parquet file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from app.entry.commands.common import print_note, progress_counter
from app.errors import BadInputError
from app.market.span import Span
from app.market.times import timestamp_text
from app.market.trade import TradeBatch
from app.settings.settings import Settings
from app.storage.disk import DiskStore, stored_instrument
from app.storage.epochs import raw_ids
from app.storage.tape import Tape
from feeds.archives.export import write_trades


def export(instrument_id: str, span: Span, out: Path, settings: Settings, quiet: bool) -> int:
    """Write the stored trades of a span to a file and print the gaps between them; return exit code 0.

    Raises
    ------
    BadInputError
        If the market is not in the store, the store has no trades of the span, or the file cannot be written.
    StoreError
        If the store cannot be read.
    """
    store = DiskStore(settings.store_folder(), write=False)
    try:
        instrument = stored_instrument(store, instrument_id)
        tape = store.tape(instrument)
        inside = [stored.span.intersection(span) for stored in tape.covered()]
        inside = [stored for stored in inside if stored]
        if not inside:
            raise BadInputError(f"{instrument_id}: no stored trades in this time range")
        with progress_counter(out.name, quiet, "trades") as tell:
            written = write_trades(out, instrument, _counted(_with_own_ids(tape, span), tell))
    finally:
        store.close()
    print_note(f"{out}: {written:,} trades", quiet)
    for gap in Span(inside[0].start_ns, inside[-1].end_ns).minus(inside):
        print_note(f"{out}: gap from {timestamp_text(gap.start_ns)} to {timestamp_text(gap.end_ns)}")
    return 0


def _with_own_ids(tape: Tape, span: Span) -> Iterator[TradeBatch]:
    """Yield the stored trades with the ids that the venue gave them, which may restart within the span."""
    for batch in tape.batches(span):
        yield TradeBatch.of(*batch.columns[:4], raw_ids(batch.trade_id)) if tape.instrument.numbered else batch


def _counted(batches: Iterator[TradeBatch], tell: Callable[[int], object]) -> Iterator[TradeBatch]:
    count = 0
    for batch in batches:
        yield batch
        count += len(batch)
        tell(count)
