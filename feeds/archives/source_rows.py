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

from app.errors import OtherStepsError, TradeFileError
from app.market.arrays import Int64Array
from app.market.price_grid import PriceGrid
from feeds.archives.csv_trades import CsvTrades
from feeds.archives.decompress import is_parquet
from feeds.archives.layouts import Layout
from feeds.archives.odd_rows import OddRows, TooManyOddRowsError
from feeds.archives.parquet_trades import ParquetTrades
from feeds.archives.row_block import RowBlock, read_block
from feeds.archives.row_error import RowError, quoted
from feeds.archives.time_parsing import times_ns, whole_numbers


class SourceRows:
    """Reader for a trade file in any supported format.

    Attributes
    ----------
    layout : Layout
    rows : int
        Rows with trades read so far; repeated headers are not counted.
    repeated_headers : int
        Rows that repeat the first line, as in concatenated files.
    positions : int64 [shape=(n,)]
        Where the rows of the last block stand in the file, counted from its first trade.
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
        self.positions: Int64Array = np.zeros(0, np.int64)
        self.market: tuple[str, ...] = ()
        self._headers: list[int] = []

    @property
    def repeated_headers(self) -> int:
        """Number of rows that repeat the header."""
        return len(self._headers)

    def blocks(
        self,
        grid: PriceGrid,
        lot_size: Decimal | None,
        ids: Callable[[pa.RecordBatch], Int64Array],
        odd: OddRows | None = None,
    ) -> Iterator[RowBlock]:
        """Iterate over the trades of the file in blocks of at most about 250,000 rows; `ids` reads the trade ids of a block.

        With `odd`, up to 100 rows that are not valid trades are left out and recorded there.

        Raises
        ------
        TradeFileError
            For the first row that is not a valid trade, or is of another market; with `odd`, for the 101st (see `leave_out`).
        """
        for table in self._source.blocks(odd):
            trades = self._without_headers(table)
            n_rows, left = trades.num_rows, np.arange(trades.num_rows)
            while trades.num_rows:
                try:
                    block = read_block(trades, self.layout, grid, lot_size, ids)
                    self._require_one_market(trades)
                except RowError as error:
                    fault = error.at(self.rows + int(left[error.row]))
                    if odd is None:
                        raise self.refusal(fault) from None
                    self.leave_out(fault, odd)
                    others = np.arange(trades.num_rows) != error.row
                    trades, left = trades.filter(pa.array(others)), left[others]
                else:
                    self.positions = self.rows + left
                    self.rows += n_rows
                    yield block
                    break
            else:
                self.rows += n_rows

    def numbers(self) -> Iterator[tuple[pa.Array, pa.Array]]:
        """Iterate over the prices and the quantities as text, in blocks; lines with too few or too many columns are left out."""
        for table in self._source.blocks(OddRows()):
            trades = self._without_headers(table)
            yield trades.column(self.layout.price), trades.column(self.layout.quantity)

    def first_ids(self) -> tuple[Int64Array, Int64Array]:
        """The ids and times (ns) of the first block of rows; both empty without rows or numeric ids, or if a time is invalid."""
        name = self.layout.trade_id
        table = next(self._source.blocks(OddRows()), None)
        if table is not None and name is not None:
            trades = self._without_headers(table)
            try:
                ids, time_ns = whole_numbers(trades.column(name)), times_ns(trades.column(self.layout.time))
                if ids is not None:
                    return ids, time_ns
            except RowError:
                pass
        return np.zeros(0, np.int64), np.zeros(0, np.int64)

    def leave_out(self, fault: RowError, odd: OddRows) -> None:
        """Record a faulty row as left out; `fault.row` counts rows from the file's first trade.

        Raises
        ------
        TradeFileError
            If 100 rows are left out already; `OtherStepsError` if enough of them do not fit the tick or lot size (see `require_grid`).
        """
        row = fault.row
        for header in self._headers:
            row += header <= row
        try:
            odd.add(fault.at(row))
        except TooManyOddRowsError as error:
            self.require_grid(odd)
            raise self.refusal(error.at(fault.row)) from None

    def require_grid(self, odd: OddRows) -> None:
        """Raise if more than two rows, and over 1 % of all, do not fit the tick or lot size: the file is from a time with other sizes.

        Raises
        ------
        OtherStepsError
            In that case.
        """
        off_grid = [error for error in odd.errors if error.off_grid]
        if len(off_grid) > max(2, self.rows // 100):
            first, source = off_grid[0], self._source
            raise OtherStepsError(source.path, source.place_of(first.row), first.found, first.expected, unit=source.unit)

    def name_odd_rows(self, odd: OddRows) -> None:
        """Fill in `odd.places` with the place and the error of each row that was left out."""
        if len(odd):
            self._source.name_odd_rows(odd)

    def refusal(self, error: RowError) -> TradeFileError:
        """The error to show for a faulty row; `error.row` counts rows from the file's first trade."""
        row = error.row
        for header in self._headers:
            row += header <= row
        source = self._source
        return TradeFileError(source.path, source.place_of(row), error.found, error.expected, unit=source.unit)

    def _without_headers(self, table: pa.RecordBatch) -> pa.RecordBatch:
        """Drop rows that repeat the header, and record their positions."""
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
