"""Trades from a file: generic CSV or Parquet, or a dump of Binance; plain, .gz or .zip.

Columns are read as text by Arrow and become whole numbers without a detour through binary fractions. A line
that cannot be a trade ends the reading with its number, what was found and what was expected; nothing is
guessed. Rows of no quantity are left out and counted, as are rows that repeat a trade.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from app.errors import TradeFileError
from app.market.instrument import Instrument
from app.market.price_grid import PriceGrid
from app.market.trade import TradeBatch
from feeds.archives.block import Block, read_block
from feeds.archives.csv_trades import CsvTrades
from feeds.archives.opened import is_parquet
from feeds.archives.parquet_trades import ParquetTrades
from feeds.archives.row_error import RowError

_COUNTABLE = 2**63


@dataclass(frozen=True, slots=True)
class TradeFile:
    """The trades of a file, and what was not one.

    Attributes
    ----------
    instrument : Instrument
        Named after the file; the lot is the smallest decimal place that a quantity uses, unless it was given.
    trades : TradeBatch
        By ascending id.
    rows, empty_rows, repeated_rows : int
        Rows read, of no quantity, and that repeat an id with the same trade.
    """

    instrument: Instrument
    trades: TradeBatch
    rows: int
    empty_rows: int
    repeated_rows: int

    @property
    def left_out(self) -> str:
        """What was left out, in words; empty when nothing was."""
        parts = [(self.empty_rows, "of no quantity"), (self.repeated_rows, "repeating a trade")]
        return ", ".join(f"{count:,} row{'s' if count > 1 else ''} {what}" for count, what in parts if count)


def read_trade_file(
    path: Path, tick_size: Decimal, lot_size: Decimal | None = None, on_rows: Callable[[int], None] = lambda _: None
) -> TradeFile:
    """All trades of a file.

    Parameters
    ----------
    path : Path
    tick_size : Decimal
        Prices must be multiples of it.
    lot_size : Decimal, optional
        Quantities must be multiples of it; found in the file unless given.
    on_rows : callable
        Told how many rows have been read so far, for progress.

    Raises
    ------
    TradeFileError
        If the file is none we know, or a line cannot be a trade.
    """
    source = ParquetTrades(path) if is_parquet(path) else CsvTrades(path)
    grid = PriceGrid(tick_size)
    blocks: list[Block] = []
    rows = 0
    try:
        for table in source.blocks():
            blocks.append(_numbered(read_block, table, source.layout, grid, lot_size, rows, first_row=rows))
            rows += table.num_rows
            on_rows(rows)
        lots, lot = _lots(blocks, lot_size)
        every = _joined(blocks, lots)
        kept = every if every.quantity_lots.all() else every[every.quantity_lots > 0]
        trades = _each_once(kept, every)
    except RowError as error:
        raise TradeFileError(path, source.place_of(error.row), error.found, error.expected, unit=source.unit) from None
    _require_countable(path, trades.quantity_lots, lot)
    instrument = Instrument("file", _symbol(path), tick_size, lot)
    return TradeFile(instrument, trades, rows, len(every) - len(kept), len(kept) - len(trades))


def _numbered(read: Callable[..., Block], *arguments: object, first_row: int) -> Block:
    """A block; the row of an error counted from the beginning of the file."""
    try:
        return read(*arguments)
    except RowError as error:
        raise RowError(first_row + error.row, error.found, error.expected) from None


def _lots(blocks: list[Block], lot_size: Decimal | None) -> tuple[list[np.ndarray], Decimal]:
    """Quantities of all blocks in one lot: the one given, or the smallest decimal place used in any of them."""
    places = max((block.places for block in blocks), default=0)
    lot = lot_size or Decimal(1).scaleb(-places)
    lots, first_row = [], 0
    for block in blocks:
        factor = 10 ** (places - block.places)
        if factor > 1 and int(block.steps.max(initial=0)) * factor >= _COUNTABLE:
            row = int(block.steps.argmax())
            found = f"quantity {Decimal(int(block.steps[row])).scaleb(-block.places):f}"
            raise RowError(first_row + row, found, f"one that can be counted in steps of {lot:f}, which other rows need")
        lots.append(block.steps * factor if factor > 1 else block.steps)
        first_row += len(block.steps)
    return lots, lot


def _joined(blocks: list[Block], lots: list[np.ndarray]) -> TradeBatch:
    if not blocks:
        return TradeBatch.empty()
    time_ns, price_ticks, side, trade_id = (
        np.concatenate([getattr(block, name) for block in blocks]) for name in ("time_ns", "price_ticks", "side", "trade_id")
    )
    return TradeBatch.of(time_ns, price_ticks, np.concatenate(lots), side, trade_id)


def _each_once(kept: TradeBatch, every: TradeBatch) -> TradeBatch:
    """By ascending id, each once; two different trades of one id are an error of the row that comes second."""
    ids = kept.trade_id
    if len(ids) < 2 or bool(np.all(ids[1:] > ids[:-1])):
        return kept
    order = np.argsort(ids, kind="stable")
    ordered = kept[order]
    again = np.flatnonzero(ordered.trade_id[1:] == ordered.trade_id[:-1]) + 1
    differs = np.zeros(len(again), bool)
    for column in ordered.columns:
        differs |= column[again] != column[again - 1]
    if differs.any():
        first = int(order[again[differs]].min())
        row = int(np.flatnonzero(every.quantity_lots)[first])
        raise RowError(row, f"trade id {ids[first]} again for another trade", "an id that stands once")
    return ordered if not len(again) else ordered[~np.isin(np.arange(len(ordered)), again, assume_unique=True)]


def _require_countable(path: Path, lots: np.ndarray, lot: Decimal) -> None:
    """Sums of lots are made in 64 bits everywhere else: see to it here that they fit."""
    if float(lots.sum(dtype=np.float64)) > _COUNTABLE / 2 and sum(lots.tolist()) >= _COUNTABLE:
        raise TradeFileError(path, None, f"quantities that add up to more than 64 bits count in lots of {lot:f}", "less than that")


def _symbol(path: Path) -> str:
    """A name for the instrument, safe on a screen and in a file name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", path.name.split(".")[0])[:40].strip("_") or "trades"
