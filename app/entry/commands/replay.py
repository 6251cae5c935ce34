"""`tapeprint replay`: load a recording from a trades file or the store."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from app.entry.commands.common import Reading, read
from app.entry.player import Recording
from app.errors import BadInputError
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.disk import DiskStore, stored_instrument

SLOWEST, FASTEST = 0.1, 1000.0


def load_trades(source: str, span: Span, reading: Reading | None, store_folder: Path) -> Recording:
    """Load the trades of a span from a trades file or, for an instrument id, from the store.

    Raises
    ------
    BadInputError
        If there are no trades, or the source cannot be read.
    StoreError
        If the store cannot be read.
    """
    if ":" in source and not Path(source).exists():
        return _stored_recording(source, span, store_folder)
    if reading is None:
        raise BadInputError("replaying a file requires --tick-size")
    found = read(Path(source), reading)
    trades = trades_in_span(found.trades, span)
    if not len(trades):
        raise BadInputError(f"{source}: no trades to play" if not len(found.trades) else f"{source}: no trades between --from and --to")
    return Recording(found.instrument, with_sequential_ids(trades))


def _stored_recording(instrument_id: str, span: Span, store_folder: Path) -> Recording:
    store = DiskStore(store_folder, write=False)
    try:
        instrument = stored_instrument(store, instrument_id)
        tape = store.tape(instrument)
        trades, covered = tape.trades(span), [one.span for one in tape.covered()]
    finally:
        store.close()
    if not len(trades):
        raise BadInputError(f"{instrument_id}: no stored trades between --from and --to")
    if instrument.numbered:
        return Recording(instrument, trades)
    played = Span(int(trades.time_ns.min()), int(trades.time_ns.max()) + 1)
    return Recording(instrument, trades, tuple(played.minus(covered)))


def trades_in_span(trades: TradeBatch, span: Span) -> TradeBatch:
    """The trades within a span."""
    inside = (trades.time_ns >= span.start_ns) & (trades.time_ns < span.end_ns)
    return trades if inside.all() else trades[inside]


def with_sequential_ids(trades: TradeBatch) -> TradeBatch:
    """The trades, numbered again from 1 if most of their ids are not consecutive; afterwards a jump between two ids is a gap.

    A file does not state whether its ids are consecutive. If most of them are not, they are only names, and the trades are
    numbered in their order.
    """
    steps = np.diff(trades.trade_id)
    if 2 * int(np.count_nonzero(steps == 1)) >= len(steps):
        return trades
    return TradeBatch.of(trades.time_ns, trades.price_ticks, trades.quantity_lots, trades.side, np.arange(1, len(trades) + 1))


def parse_speed(text: str) -> float:
    """Parse a replay speed such as `1`, `0.5`, `100` or `max`.

    Raises
    ------
    BadInputError
        If the text is neither `max` nor a number from 0.1 to 1,000.
    """
    try:
        speed = math.inf if text == "max" else float(text)
    except ValueError:
        speed = math.nan
    if not (SLOWEST <= speed <= FASTEST or text == "max"):
        raise BadInputError(f"speed: found {text!r}, expected {SLOWEST:g} to {FASTEST:g}, or max")
    return speed
