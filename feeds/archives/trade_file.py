"""Trades from a file: generic CSV or Parquet, or a dump of Binance; plain, .gz or .zip.

Columns are read as text by Arrow and become whole numbers without a detour through binary fractions. A line
that cannot be a trade ends the reading with its number, what was found and what was expected; nothing is
guessed. Rows of no quantity are left out and counted, as are rows that repeat a trade.
"""

# pyarrow makes its compute functions when it is imported: no checker sees them
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from app.errors import BadInputError, OffGridError, TradeFileError
from app.market.decimals import to_steps
from app.market.instrument import Instrument
from app.market.price_grid import PriceGrid
from app.market.trade import TradeBatch
from feeds.archives.layouts import Layout, generic_layout, layout_of
from feeds.archives.opened import is_parquet, opened

_BLOCK = 4 << 20
_YEARS_NS = (1_230_768_000 * 10**9, 4_102_444_800 * 10**9)  # 2009 to 2100


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
        return ", ".join(f"{count:,} rows {what}" for count, what in parts if count)


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
    reader = _Reader(path, PriceGrid(tick_size), lot_size)
    parts: list[_Part] = []
    rows = 0
    for table in _parquet_tables(path, reader) if is_parquet(path) else _csv_tables(path, reader):
        parts.append(reader.part(table, rows))
        rows += table.num_rows
        on_rows(rows)
    scale = max((part.scale for part in parts), default=0)
    lots = [part.steps * 10 ** (scale - part.scale) for part in parts]
    time_ns, price_ticks, side, trade_id = (
        np.concatenate([getattr(part, name) for part in parts] or [[]]) for name in ("time_ns", "price_ticks", "side", "trade_id")
    )
    trades = TradeBatch.of(time_ns, price_ticks, np.concatenate(lots or [[]]), side, trade_id)
    kept = trades if len(trades) == 0 or trades.quantity_lots.all() else trades[trades.quantity_lots > 0]
    unique = reader.unique(kept, trades)
    lot = lot_size or Decimal(1).scaleb(-scale)
    instrument = Instrument("file", path.name.split(".")[0] or "trades", tick_size, lot)
    return TradeFile(instrument, unique, rows, len(trades) - len(kept), len(kept) - len(unique))


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Some rows as whole numbers; `steps` counts the quantity in steps of `10**-scale`, or in lots if they were given."""

    time_ns: np.ndarray
    price_ticks: np.ndarray
    steps: np.ndarray
    scale: int
    side: np.ndarray
    trade_id: np.ndarray


class _Reader:
    """Turns tables of text into whole numbers, and a place in a table into a line of the file."""

    def __init__(self, path: Path, grid: PriceGrid, lot_size: Decimal | None) -> None:
        self.path, self.grid, self.lot_size = path, grid, lot_size
        self.layout: Layout | None = None
        self.is_text = True

    def part(self, table: pa.RecordBatch, first_row: int) -> _Part:
        """One block of rows, of which the first is row `first_row` of the file (from 0, header not counted)."""
        layout = self.layout
        assert layout is not None
        ids = np.arange(first_row, first_row + table.num_rows)
        steps, scale = self._quantity(table.column(layout.quantity), first_row)
        return _Part(
            self._time(table.column(layout.time), first_row),
            self._steps(table.column(layout.price), self.grid.ticks, "price", first_row),
            steps,
            scale,
            self._side(table.column(layout.side), first_row),
            self._whole(table.column(layout.trade_id), "trade id", first_row) if layout.trade_id else ids,
        )

    def unique(self, kept: TradeBatch, every_row: TradeBatch) -> TradeBatch:
        """By ascending id, each once; two different trades of one id are an error."""
        ids = kept.trade_id
        if len(ids) < 2 or bool(np.all(ids[1:] > ids[:-1])):
            return kept
        ordered = kept[np.argsort(ids, kind="stable")]
        again = np.flatnonzero(ordered.trade_id[1:] == ordered.trade_id[:-1]) + 1
        for column in ordered.columns:
            differs = again[column[again] != column[again - 1]]
            if len(differs):
                trade_id = int(ordered.trade_id[differs[0]])
                row = int(np.flatnonzero((every_row.trade_id == trade_id) & (every_row.quantity_lots > 0))[1])
                raise self.error(row, f"trade id {trade_id} again for another trade", "an id that stands once")
        return ordered[np.setdiff1d(np.arange(len(ordered)), again, assume_unique=True)]

    def error(self, row: int, found: str, expected: str) -> TradeFileError:
        """What is wrong with a row, with its line as an editor counts."""
        return TradeFileError(self.path, self._line_of(row) if self.is_text else row + 1, found, expected)

    # -- columns ---------------------------------------------------------------------------------

    def _steps(self, texts: pa.Array, convert: Callable[[pa.Array], np.ndarray], what: str, first_row: int) -> np.ndarray:
        try:
            return convert(texts)
        except OffGridError as error:
            found, _, expected = error.user_message.removeprefix(f"{what}: found ").partition(", ")
            expected = expected.removeprefix("expected ") or "a number that can be counted"
            raise self.error(first_row + error.index, f"{what} {found}", expected) from None

    def _quantity(self, texts: pa.Array, first_row: int) -> tuple[np.ndarray, int]:
        scale = 0 if self.lot_size else _decimal_places(texts)
        step = self.lot_size or Decimal(1).scaleb(-scale)
        steps = self._steps(texts, lambda array: to_steps(array, step, "quantity"), "quantity", first_row)
        if len(steps) and steps.min() < 0:
            row = int(np.argmax(steps < 0))
            raise self.error(first_row + row, f"quantity {texts[row].as_py()}", "one that is not negative")
        return steps, scale

    def _time(self, texts: pa.Array, first_row: int) -> np.ndarray:
        if pa.types.is_timestamp(texts.type):
            times = pc.cast(texts, pa.timestamp("ns", texts.type.tz)).cast(pa.int64()).to_numpy(zero_copy_only=False)
        else:
            try:
                times = _by_magnitude(pc.cast(texts, pa.int64()).to_numpy(zero_copy_only=False))
            except pa.ArrowInvalid:
                times = self._iso_time(texts, first_row)
        wrong = (times < _YEARS_NS[0]) | (times >= _YEARS_NS[1])
        if wrong.any():
            row = int(np.argmax(wrong))
            raise self._bad_time(first_row + row, texts[row])
        return times

    def _iso_time(self, texts: pa.Array, first_row: int) -> np.ndarray:
        """ISO 8601, with or without a zone (then UTC); a column may not mix this with numbers."""
        for zone in ("UTC", None):
            try:
                return pc.cast(texts, pa.timestamp("ns", zone)).cast(pa.int64()).to_numpy(zero_copy_only=False)
            except pa.ArrowInvalid:
                continue
        for row, text in enumerate(texts):
            one = pa.array([text.as_py()], pa.string())
            if not any(_casts(one, kind) for kind in (pa.int64(), pa.timestamp("ns", "UTC"), pa.timestamp("ns"))):
                raise self._bad_time(first_row + row, text)
        raise self.error(first_row, f"time {texts[0].as_py()!r} and others written differently", "one way to write times in a file")

    def _bad_time(self, row: int, text: pa.Scalar) -> TradeFileError:
        expected = "milli-, micro- or nanoseconds since 1970, or ISO 8601, between 2009 and 2100"
        return self.error(row, f"time {text.as_py()!r}", expected)

    def _side(self, texts: pa.Array, first_row: int) -> np.ndarray:
        words = self.layout.side_words if self.layout else {}
        code = pc.index_in(pc.utf8_lower(texts), pa.array(list(words), pa.string()))
        if code.null_count:
            row = int(np.argmax(pc.is_null(code).to_numpy(zero_copy_only=False)))
            raise self.error(first_row + row, f"side {texts[row].as_py()!r}", " or ".join(words))
        return np.array(list(words.values()), np.int8)[code.to_numpy(zero_copy_only=False)]

    def _whole(self, texts: pa.Array, what: str, first_row: int) -> np.ndarray:
        numbers = self._steps(texts, lambda array: to_steps(array, Decimal(1), what), what, first_row)
        if len(numbers) and numbers.min() < 0:
            row = int(np.argmax(numbers < 0))
            raise self.error(first_row + row, f"{what} {texts[row].as_py()}", "one that is not negative")
        return numbers

    def _line_of(self, row: int) -> int:
        """The slow walk to a row's line; only ever taken on the way to an error."""
        with opened(self.path) as stream:
            lines = (number for number, line in enumerate(stream, 1) if line.strip(b"\r\n"))
            ahead = row + bool(self.layout and self.layout.header)
            return next(itertools.islice(lines, ahead, None), 0)


def _csv_tables(path: Path, reader: _Reader) -> Iterator[pa.RecordBatch]:
    with opened(path) as stream:
        first_line = stream.readline(1 << 16)
    if not first_line.strip():
        raise TradeFileError(path, 1, "nothing", "a header or a trade")
    try:
        layout = reader.layout = layout_of(first_line.decode("utf-8"))
    except UnicodeDecodeError:
        raise TradeFileError(path, 1, "bytes that are no text", "a CSV or Parquet file of trades") from None
    except BadInputError as error:
        expected = "time,price,quantity,side[,trade_id], or a Binance dump"
        raise TradeFileError(path, 1, error.user_message, expected) from None
    wrong: list[tuple[int, str]] = []

    def refuse(row: pa_csv.InvalidRow) -> str:
        if not row.text.strip():
            return "skip"
        wrong.append((row.actual_columns, row.text))
        return "error"

    wanted = [name for name in (layout.time, layout.price, layout.quantity, layout.side, layout.trade_id) if name]
    rows = 0
    with opened(path) as stream:
        try:
            blocks = pa_csv.open_csv(
                stream,
                # our own names: a header may be written in capitals, or hold a name twice
                pa_csv.ReadOptions(
                    use_threads=True, block_size=_BLOCK, skip_rows=int(layout.header), column_names=_distinct(layout.columns)
                ),
                pa_csv.ParseOptions(invalid_row_handler=refuse),
                pa_csv.ConvertOptions(column_types=dict.fromkeys(wanted, pa.string()), include_columns=wanted, strings_can_be_null=False),
            )
            for block in blocks:
                yield block
                rows += block.num_rows
        except pa.ArrowInvalid as error:
            if wrong:
                line = _line_with(path, wrong[0][1])
                raise TradeFileError(path, line, f"{wrong[0][0]} columns", f"{len(layout.columns)}") from None
            if "Empty CSV" in str(error):
                return
            raise TradeFileError(path, None, f"what cannot be read after row {rows} ({_first_sentence(error)})", "CSV of trades") from None
        except pa.ArrowException as error:
            raise TradeFileError(path, None, f"what cannot be read after row {rows} ({_first_sentence(error)})", "CSV of trades") from None


def _parquet_tables(path: Path, reader: _Reader) -> Iterator[pa.RecordBatch]:
    reader.is_text = False
    try:
        with pq.ParquetFile(path) as file:
            names = tuple(name.lower() for name in file.schema_arrow.names)
            layout = reader.layout = generic_layout(names)
            wanted = [name for name in (layout.time, layout.price, layout.quantity, layout.side, layout.trade_id) if name]
            for block in file.iter_batches(1 << 17):
                named = pa.RecordBatch.from_arrays(block.columns, names=list(names))
                yield pa.RecordBatch.from_arrays([_as_text(named.column(name), name) for name in wanted], names=wanted)
    except BadInputError as error:
        if isinstance(error, TradeFileError):
            raise
        raise TradeFileError(path, None, error.user_message, "columns time, price, quantity, side[, trade_id]") from None
    except (pa.ArrowException, OSError) as error:
        raise TradeFileError(path, None, f"what cannot be read ({_first_sentence(error)})", "a Parquet file of trades") from None


def _as_text(column: pa.Array, name: str) -> pa.Array:
    """A Parquet column as it would stand in a CSV; binary fractions by their shortest decimal."""
    if pa.types.is_timestamp(column.type) and name == "time":
        return column
    try:
        return pc.cast(column, pa.string()).fill_null("")
    except pa.ArrowException:
        raise BadInputError(f"column {name} of type {column.type}") from None


def _by_magnitude(times: np.ndarray) -> np.ndarray:
    """Milli-, micro- or nanoseconds since 1970 to nanoseconds; each row by itself, since dumps have changed midway."""
    factor = np.where(times < 10**14, 1_000_000, np.where(times < 10**17, 1_000, 1))
    too_small = times < 10**11  # not even milliseconds: stays as it is, and is refused as a time before 2009
    return np.where(too_small, np.minimum(times, 0), times * np.where(too_small, 1, factor))


def _decimal_places(texts: pa.Array) -> int:
    """The most digits behind the point that any of the texts needs, trailing noughts not counted."""
    point = pc.find_substring(texts, ".")
    if pc.any(pc.match_substring_regex(texts, "[eE]")).as_py():
        exponents = [Decimal(text).normalize().as_tuple().exponent for text in texts.to_pylist() if _is_decimal(text)]
        return min(18, max((-e for e in exponents if isinstance(e, int)), default=0))
    needed = pc.subtract(pc.subtract(pc.utf8_length(pc.utf8_rtrim(texts, "0")), point), 1)
    most = pc.max(pc.if_else(pc.equal(point, -1), 0, needed)).as_py()
    return min(18, max(0, most or 0))


def _is_decimal(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except ArithmeticError:
        return False


def _casts(array: pa.Array, kind: pa.DataType) -> bool:
    try:
        pc.cast(array, kind)
    except pa.ArrowInvalid:
        return False
    return True


def _distinct(names: tuple[str, ...]) -> list[str]:
    """Names that Arrow can tell apart: a repeated one, which we never read, gets a number."""
    return [name if names.index(name) == place else f"{name}#{place}" for place, name in enumerate(names)]


def _line_with(path: Path, text: str) -> int | None:
    wanted = text.encode()
    with opened(path) as stream:
        return next((number for number, line in enumerate(stream, 1) if line.strip(b"\r\n") == wanted), None)


def _first_sentence(error: BaseException) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
