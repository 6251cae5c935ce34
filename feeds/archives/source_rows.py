"""The rows of a trade file as integer columns, block by block.

Errors name the line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.errors import TradeFileError
from app.market.arrays import Int64Array
from app.market.price_grid import PriceGrid
from feeds.archives.csv_trades import CsvTrades
from feeds.archives.decompress import is_parquet
from feeds.archives.layouts import Layout
from feeds.archives.parquet_trades import ParquetTrades
from feeds.archives.row_block import RowBlock, read_block
from feeds.archives.row_error import RowError, quoted


class SourceRows:
    """Reader for a trade file in any supported format.

    Attributes
    ----------
    layout : Layout
    rows : int
        Rows with trades read so far; repeated headers are not counted.
    repeated_headers : int
        Rows that repeat the first line, as in concatenated files.
    market : tuple of str
        The market that the file names, e.g. `("bitmex", "XBTUSD")`; empty if it names none.

    Raises
    ------
    TradeFileError
        If the format is unknown.
    """

    def __init__(self, path: Path) -> None:
        self._source = ParquetTrades(path) if is_parquet(path) else CsvTrades(path)
        self.layout: Layout = self._source.layout
        self.rows = 0
        self.market: tuple[str, ...] = ()
        self._headers: list[int] = []

    @property
    def repeated_headers(self) -> int:
        """Number of rows that repeat the header."""
        return len(self._headers)

    def blocks(self, grid: PriceGrid, lot_size: Decimal | None, ids: Callable[[pa.RecordBatch], Int64Array]) -> Iterator[RowBlock]:
        """Iterate over all rows, at most some 250,000 at a time; `ids` reads their ids.

        Raises
        ------
        TradeFileError
            For the first row that is not a valid trade, or is of another market.
        """
        for table in self._source.blocks():
            trades = self._without_headers(table)
            if not trades.num_rows:
                continue
            try:
                block = read_block(trades, self.layout, grid, lot_size, ids)
                self._require_one_market(trades)
            except RowError as error:
                raise self.refusal(RowError(self.rows + error.row, error.found, error.expected)) from None
            self.rows += trades.num_rows
            yield block

    def refusal(self, error: RowError) -> TradeFileError:
        """The error to show for a faulty row; `error.row` counts rows from the file's first trade."""
        row = error.row
        for header in self._headers:
            row += header <= row
        source = self._source
        return TradeFileError(source.path, source.place_of(row), error.found, error.expected, unit=source.unit)

    def _without_headers(self, table: pa.RecordBatch) -> pa.RecordBatch:
        """Drop rows that repeat the header, and note their positions."""
        times = table.column(self.layout.time)
        if not self.layout.header or not pa.types.is_string(times.type) or not table.num_rows:
            return table
        suspect = pc.equal(pc.ascii_lower(times), self.layout.time)
        if not pc.any(suspect).as_py():
            return table
        first = self.rows + len(self._headers)
        repeated = suspect.to_numpy(zero_copy_only=False)
        for name in (self.layout.price, self.layout.quantity):
            repeated = repeated & pc.equal(pc.ascii_lower(table.column(name)), name).to_numpy(zero_copy_only=False)
        self._headers += (first + np.flatnonzero(repeated)).tolist()
        return table.filter(pa.array(~repeated))

    def _require_one_market(self, table: pa.RecordBatch) -> None:
        columns = [table.column(name) for name in self.layout.constant]
        self.market = self.market or tuple(str(column[0].as_py()) for column in columns)
        for name, column, value in zip(self.layout.constant, columns, self.market, strict=True):
            if isinstance(column, pa.DictionaryArray) and column.dictionary.to_pylist() == [value]:
                continue
            other: int = pc.index(pc.not_equal(column.cast(pa.string()), value), True).as_py()
            if other >= 0:
                raise RowError(
                    other, f"{name} {quoted(str(column[other].as_py()))}", f"{quoted(value)}, as in the rows above (one market per file)"
                )
