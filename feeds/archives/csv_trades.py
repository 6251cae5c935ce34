"""CSV files of trades, which Arrow reads as text, block by block.

A file is read line by line only to detect its layout and to locate errors.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv as pa_csv

from app.errors import BadInputError, TradeFileError
from feeds.archives.decompress import open_decompressed
from feeds.archives.layouts import Layout, layout_of
from feeds.archives.odd_rows import OddRows

_BLOCK = 4 << 20
"""Bytes read at once; the longest line allowed."""


class CsvTrades:
    """A CSV file with one trade per line.

    Attributes
    ----------
    layout : Layout
        Detected from the first line.
    unit : str
        The word for what `place_of` counts, for error messages.

    Raises
    ------
    TradeFileError
        If the first line fits no layout that we support.
    """

    unit = "line"

    def __init__(self, path: Path) -> None:
        self.path = path
        nothing: tuple[int, list[str] | None] = (1, [])
        line, fields = next(self._records(), nothing)
        self._header_lines = line
        if fields is None or not all(_is_text(field.partition("/")[0]) for field in fields):  # OKX writes the rest in Chinese
            raise TradeFileError(path, line, "binary data", "a CSV or Parquet file of trades")
        if not fields:
            raise TradeFileError(path, 1, "nothing", "a header or a trade")
        try:
            self.layout: Layout = layout_of(fields)
        except BadInputError as error:
            raise TradeFileError(path, line, error.user_message, "time,price,quantity,side[,trade_id], or a venue's dump") from None

    def blocks(self, odd: OddRows | None = None) -> Iterator[pa.RecordBatch]:
        """Iterate over the rows in blocks, with the needed columns as text.

        With `odd`, lines with too few or too many fields are left out and counted there.

        Raises
        ------
        TradeFileError
            For a line that is not text, has an unmatched quote, or too few or too many fields (with `odd`, once 100 rows are left out).
        """
        layout = self.layout
        rows = 0
        # our own names: a header may be in capitals, or have a name twice
        reading = pa_csv.ReadOptions(
            block_size=_BLOCK, skip_rows=self._header_lines if layout.header else 0, column_names=_distinct(layout.columns)
        )
        converting = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(layout.columns_to_read, pa.string())
            | dict.fromkeys(layout.constant, pa.dictionary(pa.int32(), pa.string())),
            include_columns=layout.columns_to_read,
            strings_can_be_null=False,
        )
        parsing = None if odd is None else pa_csv.ParseOptions(invalid_row_handler=partial(_torn, odd))
        with open_decompressed(self.path) as stream:
            watched = _Watched(stream)
            try:
                for block in pa_csv.open_csv(watched, reading, parsing, converting):
                    yield block
                    rows += block.num_rows
            except pa.ArrowException as error:
                if "Empty CSV" not in str(error):  # a header without trades is fine
                    raise self._fault_after(rows, error) from None
        if watched.quotes:
            self._require_closed_quotes()

    def place_of(self, row: int) -> int:
        """The line number of a row, as an editor shows it; row 0 is the first row that is not the header.

        0 if the file has fewer rows.
        """
        records = (line for line, _ in self._records())
        return next(itertools.islice(records, row + self.layout.header, None), 0)

    def name_odd_rows(self, odd: OddRows) -> None:
        """Fill in `odd.places` with the line and the error of each row left out, in one pass over the file."""
        errors = {error.row: error for error in odd.errors}
        width, row, found = len(self.layout.columns), -1, 0
        for line, fields in itertools.islice(self._records(), int(self.layout.header), None):
            if fields is None or found == len(odd):
                return
            if len(fields) != width:
                odd.places.append(f"{self.unit} {line}: found {len(fields)} columns, expected {width}")
                found += 1
                continue
            row += 1
            if row in errors:
                odd.places.append(f"{self.unit} {line}: found {errors[row].found}, expected {errors[row].expected}")
                found += 1

    def _require_closed_quotes(self) -> None:
        """Raise for the first line with an odd number of quotation marks, as Arrow would read the lines after it as one field."""
        with open_decompressed(self.path) as stream:
            lines = io.TextIOWrapper(stream, "latin-1", newline=None)
            for line, text in enumerate(lines, 1):
                if text.count('"') % 2:
                    raise TradeFileError(self.path, line, "an unmatched quote", "each field to end on its line")

    def _fault_after(self, rows: int, error: pa.ArrowException) -> TradeFileError:
        """The error for the first bad line, given that Arrow has read `rows` good rows.

        The error names no line if none of the following lines is bad.
        """
        width = len(self.layout.columns)
        for ahead, (line, fields) in enumerate(self._records()):
            if ahead < rows + self.layout.header:
                continue
            if fields is None:
                return TradeFileError(self.path, line, "a very long field, or a missing closing quote", "one trade per line")
            if len(fields) != width:
                return TradeFileError(self.path, line, f"{len(fields)} column{'s' if len(fields) > 1 else ''}", f"{width}")
            if not all(_is_text(field) for field in fields):
                return TradeFileError(self.path, line, "binary data", "UTF-8")
        return TradeFileError(self.path, None, f"unreadable data ({str(error).splitlines()[0][:120]})", "CSV of trades")

    def _records(self) -> Iterator[tuple[int, list[str] | None]]:
        """Iterate over the records that are not empty, each as the number of its first line and its fields.

        If a field is too long, the fields of its record are None and the iteration ends.
        """
        with open_decompressed(self.path) as stream:
            text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline=None)
            records = csv.reader(iter(lambda: text.readline(_BLOCK), ""))
            line = 1
            try:
                for fields in records:
                    if fields:
                        yield line, fields
                    line = records.line_num + 1
            except csv.Error:  # a field of more than 128 KiB
                yield line, None


class _Watched:
    """A byte stream that sets `quotes` to True once a quotation mark has been read."""

    closed = False

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.quotes = False

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.quotes = self.quotes or b'"' in data
        return data


def _torn(odd: OddRows, _row: object) -> str:
    """Count a line with too few or too many columns as left out, and return "skip"; return "error" if 100 rows are left out already."""
    return "skip" if odd.add_torn() else "error"


def _distinct(names: tuple[str, ...]) -> list[str]:
    """Column names made unique, as Arrow requires: a repeated name gets its position as a suffix."""
    return [name if names.index(name) == place else f"{name}#{place}" for place, name in enumerate(names)]


def _is_text(field: str) -> bool:
    return not any("\udc80" <= letter <= "\udcff" for letter in field)
