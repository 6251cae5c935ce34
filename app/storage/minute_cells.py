"""Minute cells: the volume of a day's trades for each minute and price row.

With them a profile over months reads no trades. They can always be rebuilt from the day file; the file of minute cells has the
totals of that day file, to identify it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from app.market.arrays import Int64Array
from app.market.price_grid import nice_ticks_per_row
from app.market.trade import BUY, SELL, TradeBatch
from app.storage.checked_parquet import META_KEY, add_checksum, broken, damage_error, open_parquet, verify_checksum, write_parquet
from app.storage.day_file import DayTotals
from app.storage.open_folder import OpenFolder

if TYPE_CHECKING:
    from app.storage.tape import Tape

MINUTE_NS = 60_000_000_000
_ROW_SHARE_OF_PRICE = 1e-5  # a tenth of a chart's default row: any row drawn is a multiple of it, or nearly as fine


class MinuteCellsMeta(msgspec.Struct, frozen=True):
    """Metadata of a file of minute cells: row size, tick size, and the totals of the day's trades."""

    ticks_per_row: int
    tick_size: str
    sums: DayTotals


@dataclass(frozen=True, slots=True, eq=False)
class MinuteCells:
    """The volume of trades for each minute and price row, ordered by minute, then row; only cells with trades.

    Attributes
    ----------
    ticks_per_row : int
        Row `r` has the ticks `[r * ticks_per_row, (r + 1) * ticks_per_row)`.
    minute, row : int64 [shape=(n,)]
        Minutes are counted from 1970 UTC.
    buy, sell, unknown : int64 [shape=(n,)]
        Lots.
    """

    ticks_per_row: int
    minute: Int64Array
    row: Int64Array
    buy: Int64Array
    sell: Int64Array
    unknown: Int64Array


def cells_of(trades: TradeBatch, ticks_per_row: int) -> MinuteCells:
    """Compute the minute cells of trades, which may be in any order."""
    if not len(trades):
        return MinuteCells(ticks_per_row, *(np.zeros(0, np.int64) for _ in range(5)))
    minute, row = trades.time_ns // MINUTE_NS, trades.price_ticks // ticks_per_row
    order = np.lexsort((row, minute))
    minute, row = minute[order], row[order]
    begins = np.flatnonzero(np.concatenate(([True], (np.diff(minute) != 0) | (np.diff(row) != 0))))
    side, lots = trades.side[order], trades.quantity_lots[order]
    buy, sell, unknown = (np.add.reduceat(np.where(chosen, lots, 0), begins) for chosen in (side == BUY, side == SELL, side == 0))
    return MinuteCells(ticks_per_row, minute[begins], row[begins], buy, sell, unknown)


def write_minute_cells(tape: Tape, day: int, trades: TradeBatch, tick_size: Decimal) -> None:
    """Compute the minute cells of a day's trades, whose prices are in ticks of `tick_size`, and write them to the day's file.

    A market's row size in ticks is set when the first cells are written, and never changes.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    import pyarrow as pa  # in the functions that need it: it takes long to load

    name = tape.instrument.id
    ticks = tape.catalogue.minute_cell_ticks(name)
    if not ticks:
        ticks = nice_ticks_per_row(float(np.median(trades.price_ticks)) * _ROW_SHARE_OF_PRICE) if len(trades) else 1
        tape.catalogue.set_minute_cell_ticks(name, ticks)
    cells = cells_of(trades, ticks)
    meta = MinuteCellsMeta(ticks, str(tick_size), DayTotals.of(trades))
    columns = {name: getattr(cells, name) for name in ("minute", "row", "buy", "sell", "unknown")}
    table = pa.table(columns).replace_schema_metadata({META_KEY: add_checksum(msgspec.json.encode(meta))})
    write_parquet(tape.cells_file(day), table, tape.open_folder)


def read_minute_cells(path: Path, within: OpenFolder | None = None) -> tuple[MinuteCells, MinuteCellsMeta]:
    """Read the minute cells of one day, and their metadata, from a file; in an open folder, if one is given.

    Raises
    ------
    StoreError
        If the file does not exist or is damaged.
    """
    try:
        with open_parquet(path, within) as file:
            meta = msgspec.json.decode(verify_checksum((file.schema_arrow.metadata or {})[META_KEY]), type=MinuteCellsMeta)
            table = file.read()
            return MinuteCells(
                meta.ticks_per_row, *(table.column(name).to_numpy() for name in ("minute", "row", "buy", "sell", "unknown"))
            ), meta
    except broken() as error:
        raise damage_error(path, error) from None
