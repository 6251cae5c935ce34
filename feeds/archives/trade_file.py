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
from feeds.archives.duplicates import conflict, equal_rows, repeats
from feeds.archives.id_order import ids_agree_with_time
from feeds.archives.ids import NO_ID, numbers_of, stable_ids_of
from feeds.archives.layouts import Ids
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
    noise : int
        Prices and quantities that were rounded because of float noise.
    by_time : bool
        True if the file's ids do not agree with the times: then time orders the trades, then their rows.
    """

    instrument: Instrument
    trades: TradeBatch
    rows: int
    empty_rows: int
    repeated_rows: int
    noise: int = 0
    by_time: bool = False

    @property
    def notes(self) -> list[str]:
        """Lines for the user about skipped rows, rounded values, and ids that do not agree with the times; empty if there are none."""
        notes = [f"skipped {self.left_out}"] if self.left_out else []
        if self.noise:
            values = "1 value" if self.noise == 1 else f"{self.noise:,} values"
            notes.append(f"rounded {values} with float noise, e.g. 0.30000000000000004; lots of {self.instrument.lot_size:f}")
        return [*notes, "ids do not agree with the times: ordered by time, then as in the file"] if self.by_time else notes

    @property
    def left_out(self) -> str:
        """A text for the user that counts the skipped rows; empty if no row was skipped."""
        parts = [(self.empty_rows, "row{s} with zero quantity"), (self.repeated_rows, "duplicate row{s}")]
        return ", ".join(f"{count:,} {what.format(s='s' if count > 1 else '')}" for count, what in parts if count)


def read_trade_file(
    path: Path, tick_size: Decimal, lot_size: Decimal | None = None, on_rows: Callable[[int], None] = lambda _: None
) -> TradeFile:
    """Read all trades of a file, without rows that have zero quantity or repeat a trade.

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
        by_time = source.layout.ids is Ids.NUMBERS and not ids_agree_with_time(kept.trade_id, kept.time_ns)
        trades, repeated = _each_once(kept, every, by_time)
    except RowError as error:
        raise source.refusal(error) from None
    _require_countable(path, trades.quantity_lots, lot)
    instrument = Instrument("file", _symbol(path), tick_size, lot)
    ordered = _in_order(trades, Ids.TEXTS if by_time else source.layout.ids)
    noise = sum(block.noise for block in blocks)
    return TradeFile(instrument, ordered, source.rows, len(every) - len(kept), repeated, noise, by_time)


def _ids_of(source: SourceRows) -> Callable[[pa.RecordBatch], Int64Array]:
    """Return a function that reads the ids of a table; if ids need not be numbers, a row without an id gets a unique negative number."""
    if source.layout.ids is Ids.NUMBERS:
        return numbers_of(source.layout)
    read = stable_ids_of(source.layout)

    def ids(table: pa.RecordBatch) -> Int64Array:
        found = read(table)
        return np.where(found == NO_ID, NO_ID - 1 - source.rows - np.arange(len(found)), found)

    return ids


def _in_order(trades: TradeBatch, ids: Ids) -> TradeBatch:
    """The trades sorted by id if ids are numbers, by time if they are texts; else in the order of the file.

    If ids are not consecutive, trades get their position as a new id.
    """
    if ids is Ids.NUMBERS:
        return trades if bool(np.all(trades.trade_id[1:] >= trades.trade_id[:-1])) else trades[np.argsort(trades.trade_id, kind="stable")]
    if ids is Ids.TEXTS:
        trades = trades[np.argsort(trades.time_ns, kind="stable")]
    return TradeBatch.of(*trades.columns[:4], np.arange(len(trades)))


def _lots(blocks: list[RowBlock], lot_size: Decimal | None) -> tuple[list[Int64Array], Decimal]:
    """Quantities of each block in lots, and the lot size: `lot_size` or, if None, the smallest decimal place needed.

    Raises `RowError` if a quantity in lots does not fit in 63 bits.
    """
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


def _each_once(kept: TradeBatch, every: TradeBatch, by_time: bool) -> tuple[TradeBatch, int]:
    """Drop repeated trades; return the others and the number dropped. One id for different trades is an error unless `by_time`."""
    repeated, differing = repeats(kept)
    if differing.any():
        if not by_time:
            row = int(np.argmax(differing))
            raise conflict(kept, row).at(int(np.flatnonzero(every.quantity_lots)[row]))
        repeated = equal_rows(kept)
    return (kept[~repeated], int(repeated.sum())) if repeated.any() else (kept, 0)


def _require_countable(path: Path, lots: Int64Array, lot: Decimal) -> None:
    """Raise unless the sum of all quantities in lots fits in 64 bits, as later code assumes."""
    if float(lots.sum(dtype=np.float64)) > _COUNTABLE / 2 and sum(lots.tolist()) >= _COUNTABLE:
        raise TradeFileError(path, None, f"quantities that overflow 64 bits in lots of {lot:f}", "less than that")


def _symbol(path: Path) -> str:
    """An instrument name from the file name, safe on screen and as a file name; "trades" if the file name has no usable character."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", path.name.split(".")[0])[:40].strip("_") or "trades"
