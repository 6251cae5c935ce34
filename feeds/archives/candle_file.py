"""Candles from a file: CSV, or a venue's JSON response to a request for candles.

CSV has the columns `time,open,high,low,close,volume`, or is one of Binance's kline files, with or without a header. Prices and
volumes are read as exact decimals, JSON numbers too; they never become binary fractions.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation, Overflow
from pathlib import Path
from typing import IO, TypeAlias

import msgspec
import numpy as np
import pyarrow as pa

from app.errors import OffGridError, TradeFileError
from app.market.arrays import Int64Array
from app.market.candle import CandleBatch
from app.market.decimals import to_steps
from app.market.span import Span
from feeds.archives.decompress import open_decompressed
from feeds.archives.row_error import RowError, quoted
from feeds.archives.time_parsing import times_ns

_Json: TypeAlias = "dict[str, _Json] | list[_Json] | str | int | bool | None"
"""What JSON can be; numbers with a fraction stay text."""
_FIELDS = ("time", "open", "high", "low", "close", "volume")
_NAMES = {  # column names that venues and programs use, in lower case
    "time": ("time", "timestamp", "date", "datetime", "start", "start_at", "starttime", "open_time", "opentime", "t"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
}
_LISTS = ("result", "data", "list", "candles", "klines")
"""Keys of a JSON response under which venues put their candles."""
_BINANCE_COLUMNS = 12  # open_time, open, high, low, close, volume, close_time, …
_KRAKEN_COLUMNS = 8  # time, open, high, low, close, vwap, volume, count
_MOST_BYTES = 1 << 28  # a year of one-minute candles takes about 50 million bytes
_EXPECTED = "CSV with time,open,high,low,close,volume, Binance's klines, or a venue's klines as JSON"


@dataclass(frozen=True, slots=True)
class CandleFile:
    """The candles of a file, with the tick and lot size that they need.

    Attributes
    ----------
    tick_size, lot_size : Decimal
        The smallest decimal place in the prices and in the volumes.
    candles : CandleBatch
        Oldest first; a candle that the file repeats occurs once.
    """

    tick_size: Decimal
    lot_size: Decimal
    candles: CandleBatch

    def missing(self, span: Span) -> list[Span]:
        """Parts of a span, between the file's first and last candle, without a candle, oldest first; empty if the file has one candle."""
        length_ns, starts = self.candles.length_ns, self.candles.start_ns
        if not length_ns:
            return []
        known = span.intersection(Span(int(starts[0]), int(starts[-1]) + length_ns))
        inside = self.candles.within(known).start_ns.tolist()
        return known.minus([Span(start, start + length_ns) for start in inside])


def read_candle_file(path: Path) -> CandleFile:
    """Read all candles of a plain, .gz or .zip file.

    Raises
    ------
    TradeFileError
        If the format is unknown, or a line (in JSON: a candle) is not a valid candle.
    """
    with open_decompressed(path) as stream:
        text = _text(path, stream)
    if text.lstrip()[:1] in ("[", "{"):
        rows, places, unit = _json_rows(path, text)
    else:
        rows, places, unit = _csv_rows(path, text)
    if not rows:
        raise TradeFileError(path, None, "no candles", "at least one")
    try:
        return _candles(rows)
    except RowError as error:
        raise TradeFileError(path, places[error.row], error.found, error.expected, unit=unit) from None


def _text(path: Path, stream: IO[bytes]) -> str:
    data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise TradeFileError(path, None, f"more than {_MOST_BYTES:,} bytes", "at most about a year of candles")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TradeFileError(path, None, "binary data", _EXPECTED) from None


def _csv_rows(path: Path, text: str) -> tuple[list[list[str]], list[int], str]:
    reader = csv.reader(io.StringIO(text))
    rows: list[list[str]] = []
    lines: list[int] = []
    order: list[int] | None = None
    width = 0
    try:
        for fields in reader:
            if not fields:
                continue
            if order is None:
                width = len(fields)
                if _is_binance_kline(fields):
                    order = list(range(len(_FIELDS)))
                else:
                    order = _header_order(path, reader.line_num, fields)
                    continue
            if len(fields) != width:
                raise TradeFileError(path, reader.line_num, f"{len(fields)} columns", f"{width}")
            rows.append([fields[place].strip() for place in order])
            lines.append(reader.line_num)
    except csv.Error as error:
        raise TradeFileError(path, reader.line_num, f"invalid CSV ({error})", _EXPECTED) from None
    return rows, lines, "line"


def _is_binance_kline(fields: list[str]) -> bool:
    """True for twelve fields whose first and seventh are whole numbers, as in Binance's spot klines, which have no header."""
    return len(fields) == _BINANCE_COLUMNS and all(fields[place].strip().isascii() and fields[place].strip().isdigit() for place in (0, 6))


def _header_order(path: Path, line: int, fields: list[str]) -> list[int]:
    names = [field.strip().lower() for field in fields]
    order = _order(names)
    if order is None:
        raise TradeFileError(path, line, f"the header {quoted(','.join(fields))}", _EXPECTED)
    return order


def _order(names: Sequence[str]) -> list[int] | None:
    """Positions of time, open, high, low, close and volume among column names; None if one is missing."""
    found = [next((names.index(name) for name in _NAMES[field] if name in names), None) for field in _FIELDS]
    return None if None in found else [place for place in found if place is not None]


def _json_rows(path: Path, text: str) -> tuple[list[list[str]], list[int], str]:
    try:
        told: _Json = msgspec.json.Decoder(float_hook=str).decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise TradeFileError(path, None, f"invalid JSON ({error})", _EXPECTED) from None
    listed = _list_in(told)
    if listed is None:
        raise TradeFileError(path, None, "JSON without a list of candles", _EXPECTED)
    rows: list[list[str]] = []
    for place, entry in enumerate(listed, 1):
        fields = _json_fields(entry)
        if fields is None:
            raise TradeFileError(path, place, quoted(str(entry)), "time, open, high, low, close and volume", unit="candle")
        rows.append(fields)
    return rows, list(range(1, len(rows) + 1)), "candle"


def _list_in(told: _Json, depth: int = 4) -> list[_Json] | None:
    """The list of candles in a JSON response, not checked yet; None if there is no list.

    The list is the response itself, or the value of a usual key, e.g. `data`, or (Kraken) of the symbol; at most four keys deep.
    """
    if isinstance(told, list):
        return told
    if not isinstance(told, dict) or not depth:
        return None
    named = [told[key] for key in _LISTS if key in told]
    inside = (_list_in(value, depth - 1) for value in named or [value for value in told.values() if isinstance(value, list)])
    return next((found for found in inside if found is not None), None)


def _json_fields(entry: _Json) -> list[str] | None:
    if isinstance(entry, dict):
        names = [str(name).lower() for name in entry]
        order, values = _order(names), list(entry.values())
    elif isinstance(entry, list):
        order, values = [0, 1, 2, 3, 4, 6 if len(entry) == _KRAKEN_COLUMNS else 5], entry
    else:
        return None
    if order is None or len(values) <= max(order):
        return None
    fields = [values[place] for place in order]
    return [str(field) for field in fields] if all(isinstance(f, (str, int)) and not isinstance(f, bool) for f in fields) else None


def _candles(rows: list[list[str]]) -> CandleFile:
    columns = list(zip(*rows, strict=True))
    start_ns = times_ns(pa.array(columns[0], pa.string()))
    tick, lot = _finest(columns[1:5]), _finest(columns[5:])
    low_to_close = [_steps(column, tick, name) for name, column in zip(_FIELDS[1:5], columns[1:5], strict=True)]
    opened_at, high, low, close = low_to_close
    volume = _steps(columns[5], lot, "volume")
    _require_possible(rows, opened_at, high, low, close, volume)
    whole = np.stack((start_ns, opened_at, high, low, close, volume), axis=1)
    order = np.argsort(start_ns, kind="stable")
    whole = whole[order]
    again = np.zeros(len(whole), bool)
    again[1:] = whole[1:, 0] == whole[:-1, 0]
    for place in np.flatnonzero(again).tolist():
        if (whole[place] != whole[place - 1]).any():
            row = int(max(order[place], order[place - 1]))
            raise RowError(row, f"time {quoted(rows[row][0])} repeated with different values", "each candle once")
    start, opened_at, high, low, close, volume = (np.ascontiguousarray(column) for column in whole[~again].T)
    length = int(np.diff(start).min()) if len(start) > 1 else 0
    unsaid, closed = np.full(len(start), -1, np.int64), np.ones(len(start), bool)
    return CandleFile(tick, lot, CandleBatch(length, start, opened_at, high, low, close, volume, unsaid, closed))


def _finest(columns: Iterable[Iterable[str]]) -> Decimal:
    """The smallest decimal place used by numbers given as text, e.g. 0.01, at most 18 places; 1 if all are whole numbers.

    Texts that are not numbers are ignored.
    """
    places = 0
    for column in columns:
        for text in set(column):
            try:
                exponent = Decimal(text).normalize().as_tuple().exponent
            except (InvalidOperation, Overflow):
                continue  # `_steps` rejects it with its line
            if isinstance(exponent, int):
                places = max(places, min(18, -exponent))
    return Decimal(1).scaleb(-places)


def _steps(column: Sequence[str], step: Decimal, what: str) -> Int64Array:
    try:
        return to_steps(column, step, what)
    except OffGridError as error:
        raise RowError(error.index, f"{what} {quoted(error.value)}", "a decimal number with at most 18 decimal places") from None


def _require_possible(
    rows: list[list[str]], opened_at: Int64Array, high: Int64Array, low: Int64Array, close: Int64Array, volume: Int64Array
) -> None:
    inside = (low <= opened_at) & (opened_at <= high) & (low <= close) & (close <= high) & (low > 0)
    if not inside.all():
        row = int(np.argmin(inside))
        raise RowError(row, f"open, high, low, close {', '.join(rows[row][1:5])}", "positive prices with low <= open, close <= high")
    if (volume < 0).any():
        row = int(np.argmax(volume < 0))
        raise RowError(row, f"volume {rows[row][5]}", "0 or more")
    if int(volume.astype(object).sum()) >= 2**62:
        raise RowError(int(np.argmax(volume)), f"volume {rows[int(np.argmax(volume))][5]}", "volumes that fit in 64 bits when summed")
