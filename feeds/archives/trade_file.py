"""Reading of all trades of a file at once.

The file is generic CSV or Parquet, or a venue's dump; plain, .gz or .zip.

Arrow reads the columns as text; they become integers without a detour through binary fractions. A line that is not a valid
trade ends the reading with its number, what was found and what was expected; nothing is guessed. Rows with zero quantity and
rows that repeat a trade are skipped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa

from app.errors import TradeFileError
from app.market.arrays import Int64Array
from app.market.instrument import Instrument
from app.market.price_grid import PriceGrid
from app.market.trade import TradeBatch
from feeds.archives.duplicates import duplicate_rows
from feeds.archives.ids import NO_ID, numbers_of, stable_ids_of
from feeds.archives.layouts import Ids, Layout
from feeds.archives.row_block import RowBlock
from feeds.archives.row_error import RowError
from feeds.archives.source_rows import SourceRows

_COUNTABLE = 2**63


@dataclass(frozen=True, slots=True)
class TradeFile:
    """The trades of a file, with the counts of skipped rows.

    Attributes
    ----------
    instrument : Instrument
        Named after the file; its lot is the smallest decimal place of the quantities, unless it was given.
    trades : TradeBatch
        By ascending id.
    rows, empty_rows, repeated_rows : int
        Rows read, rows with zero quantity, and rows that repeat a trade.
    """

    instrument: Instrument
    trades: TradeBatch
    rows: int
    empty_rows: int
    repeated_rows: int

    @property
    def left_out(self) -> str:
        """Numbers of skipped rows as text for the user; empty if no row was skipped."""
        parts = [(self.empty_rows, "row{s} with zero quantity"), (self.repeated_rows, "duplicate row{s}")]
        return ", ".join(f"{count:,} {what.format(s='s' if count > 1 else '')}" for count, what in parts if count)


def read_trade_file(
    path: Path, tick_size: Decimal, lot_size: Decimal | None = None, on_rows: Callable[[int], None] = lambda _: None
) -> TradeFile:
    """Read all trades of a file.

    Parameters
    ----------
    path : Path
    tick_size : Decimal
        Tick size; prices must be multiples of it.
    lot_size : Decimal, optional
        Lot size; quantities must be multiples of it. Detected from the file by default.
    on_rows : callable
        Called with the number of rows read so far, for progress.

    Raises
    ------
    TradeFileError
        If the format is unknown, or a line is not a valid trade.
    """
    source = SourceRows(path)
    grid = PriceGrid(tick_size)
    blocks: list[RowBlock] = []
    for block in source.blocks(grid, lot_size, _ids_of(source)):
        blocks.append(block)
        on_rows(source.rows)
    try:
        lots, lot = _lots(blocks, lot_size)
        every = _joined(blocks, lots)
        kept = every if every.quantity_lots.all() else every[every.quantity_lots > 0]
        trades, repeated = _each_once(kept, every)
    except RowError as error:
        raise source.refusal(error) from None
    _require_countable(path, trades.quantity_lots, lot)
    instrument = Instrument("file", _symbol(path), tick_size, lot)
    return TradeFile(instrument, _in_order(trades, source.layout), source.rows, len(every) - len(kept), repeated)


def _ids_of(source: SourceRows) -> Callable[[pa.RecordBatch], Int64Array]:
    """Return a function that reads the ids of a table; a row without an id gets a unique negative number."""
    if source.layout.ids is Ids.NUMBERS:
        return numbers_of(source.layout)
    read = stable_ids_of(source.layout)

    def ids(table: pa.RecordBatch) -> Int64Array:
        found = read(table)
        return np.where(found == NO_ID, NO_ID - 1 - source.rows - np.arange(len(found)), found)

    return ids


def _in_order(trades: TradeBatch, layout: Layout) -> TradeBatch:
    """Sort trades by id if ids are consecutive, by time if ids are texts; without ids, leave them in file order.

    If ids are not consecutive, trades get their position as a new id.
    """
    if layout.ids is Ids.NUMBERS:
        return trades if bool(np.all(trades.trade_id[1:] >= trades.trade_id[:-1])) else trades[np.argsort(trades.trade_id, kind="stable")]
    if layout.ids is Ids.TEXTS:
        trades = trades[np.argsort(trades.time_ns, kind="stable")]
    return TradeBatch.of(*trades.columns[:4], np.arange(len(trades)))


def _lots(blocks: list[RowBlock], lot_size: Decimal | None) -> tuple[list[Int64Array], Decimal]:
    """Quantities of each block in lots, and the lot size: `lot_size` or, if None, the smallest decimal place needed."""
    places = max((block.places for block in blocks), default=0)
    lot = lot_size or Decimal(1).scaleb(-places)
    lots: list[Int64Array] = []
    first_row = 0
    for block in blocks:
        factor = 10 ** (places - block.places)
        if factor > 1 and int(block.steps.max(initial=0)) * factor >= _COUNTABLE:
            row = int(block.steps.argmax())
            found = f"quantity {Decimal(int(block.steps[row])).scaleb(-block.places):f}"
            raise RowError(first_row + row, found, f"a multiple of {lot:f}, the lot size other rows need")
        lots.append(block.steps * factor if factor > 1 else block.steps)
        first_row += len(block.steps)
    return lots, lot


def _joined(blocks: list[RowBlock], lots: list[Int64Array]) -> TradeBatch:
    if not blocks:
        return TradeBatch.empty()
    time_ns, price_ticks, side, trade_id = (
        np.concatenate([getattr(block, name) for block in blocks]) for name in ("time_ns", "price_ticks", "side", "trade_id")
    )
    return TradeBatch.of(time_ns, price_ticks, np.concatenate(lots), side, trade_id)


def _each_once(kept: TradeBatch, every: TradeBatch) -> tuple[TradeBatch, int]:
    """Drop repeated trades, and return the others with the number dropped; raise if different trades have one id."""
    try:
        repeated = duplicate_rows(kept)
    except RowError as error:
        raise RowError(int(np.flatnonzero(every.quantity_lots)[error.row]), error.found, error.expected) from None
    return (kept[~repeated], int(repeated.sum())) if repeated.any() else (kept, 0)


def _require_countable(path: Path, lots: Int64Array, lot: Decimal) -> None:
    """Raise unless the sum of all quantities in lots fits in 64 bits, as later code assumes."""
    if float(lots.sum(dtype=np.float64)) > _COUNTABLE / 2 and sum(lots.tolist()) >= _COUNTABLE:
        raise TradeFileError(path, None, f"quantities that overflow 64 bits in lots of {lot:f}", "less than that")


def _symbol(path: Path) -> str:
    """An instrument name from the file name, safe on screen and as a file name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", path.name.split(".")[0])[:40].strip("_") or "trades"
