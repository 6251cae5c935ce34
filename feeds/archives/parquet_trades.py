"""Parquet files of trades, with the same columns as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.errors import BadInputError, TradeFileError
from app.market.decimals import step_texts
from feeds.archives.layouts import named_layout
from feeds.archives.odd_rows import OddRows

_BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError)
_BUFFER = 1 << 20
_MAX_RATIO = 200  # the limit of zip archives
_MAX_ROWS_A_BYTE = 16  # the most compact trades take some bytes per row
_ROWS = 1 << 17  # a block about as large as a CSV block


class ParquetTrades:
    """A Parquet table with one trade per row; attributes as in `CsvTrades`.

    Raises
    ------
    TradeFileError
        If the file is unreadable, or a column is missing.
    """

    unit = "row"

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with pq.ParquetFile(path) as file:
                names = file.schema_arrow.names
                self._require_measure(file.metadata)
            self.layout = named_layout(tuple(name.lower() for name in names))
            self._columns = [name for name in names if name.lower() in self.layout.columns_to_read]
        except BadInputError as error:
            raise TradeFileError(path, None, error.user_message, "columns time, price, quantity, side[, trade_id]") from None
        except _BROKEN as error:
            raise self._unreadable(error) from None

    def blocks(self, _odd: OddRows | None = None) -> Iterator[pa.RecordBatch]:
        """Iterate over the rows in blocks, with the needed columns as text.

        Times with a timestamp type keep it. `_odd` is unused, as each row of a Parquet file has all columns.

        Raises
        ------
        TradeFileError
            If the file is damaged, or a column has a type that is neither text nor number.
        """
        rows = 0
        try:
            with pq.ParquetFile(self.path, buffer_size=_BUFFER) as file:  # else each row group's columns are read at once
                for block in file.iter_batches(_ROWS, columns=self._columns):
                    columns = {name.lower(): column for name, column in zip(block.schema.names, block.columns, strict=True)}
                    texts = [self._as_text(columns[name], name, rows) for name in self.layout.columns_to_read]
                    yield pa.RecordBatch.from_arrays(texts, names=self.layout.columns_to_read)
                    rows += block.num_rows
        except _BROKEN as error:
            raise self._unreadable(error) from None

    def place_of(self, row: int) -> int:
        """The number of a row for messages, counted from 1; `row` itself counts from 0."""
        return row + 1

    def name_odd_rows(self, odd: OddRows) -> None:
        """Fill in `odd.places` with the row number and the error of each row left out."""
        odd.places += [f"{self.unit} {self.place_of(each.row)}: found {each.found}, expected {each.expected}" for each in odd.errors]

    def _require_measure(self, metadata: pq.FileMetaData) -> None:
        """Raise if the file declares far too many rows or bytes for its size, as reading them would take too long."""
        unpacked = sum(metadata.row_group(place).total_byte_size for place in range(metadata.num_row_groups))
        size = max(self.path.stat().st_size, 1 << 16)
        if metadata.num_rows > size * _MAX_ROWS_A_BYTE or unpacked > size * _MAX_RATIO:
            found = f"{metadata.num_rows:,} rows of {unpacked:,} bytes"
            raise TradeFileError(self.path, None, found, f"at most {_MAX_RATIO} times the packed size")

    def _as_text(self, column: pa.Array, name: str, first_row: int) -> pa.Array:
        """Convert a column to text, except times with a timestamp type; raise for an empty value or an unsupported type.

        A float becomes its shortest decimal, which is exact if the float was made from a decimal.
        """
        if column.null_count:
            row = first_row + int(pc.index(column.is_null(), True).as_py())
            raise TradeFileError(self.path, self.place_of(row), f"{name} empty", "a value", unit=self.unit)
        if pa.types.is_timestamp(column.type) and name == self.layout.time:
            return column
        try:
            texts = _decimal_texts(column) if pa.types.is_decimal128(column.type) else pc.cast(column, pa.string())
        except pa.ArrowException:
            raise TradeFileError(self.path, None, f"column {name} of type {column.type}", "text or numbers") from None
        texts.validate(full=True)  # Arrow does not check by itself that the texts are UTF-8
        return texts

    def _unreadable(self, error: BaseException) -> TradeFileError:
        said = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        return TradeFileError(self.path, None, f"unreadable data ({said})", "a Parquet file of trades")


def _decimal_texts(column: pa.Array) -> pa.Array:
    """Convert decimals to text, where possible without exponents, which are slow to read."""
    kind = column.type
    assert isinstance(kind, pa.Decimal128Type)
    halves = np.frombuffer(column.buffers()[1], np.int64).reshape(-1, 2)[column.offset :][: len(column)]
    low, high = halves[:, 0], halves[:, 1]
    if kind.scale < 0 or not np.array_equal(high, low >> 63):  # more than 64 bits
        return pc.cast(column, pa.string())
    return step_texts(low, Decimal(1).scaleb(-kind.scale))
