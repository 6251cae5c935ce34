"""Export of trades to files that read back as exactly the same trades.

CSV has the columns `time,price,quantity,side,trade_id`: nanoseconds since 1970, exact decimals, `buy`, `sell` or `unknown`.
Parquet has the same columns, with times as timestamps and prices and quantities as decimals, and names the instrument. No cell of a
CSV contains free text, so no spreadsheet can mistake one for a formula.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from app.errors import BadInputError, TradeFileError
from app.market.arrays import Int64Array
from app.market.decimals import decimal_places, step_texts
from app.market.instrument import Instrument
from app.market.trade import TradeBatch, concatenate
from app.market.trade_csv import COLUMNS, HEADER, OPTIONS, SCHEMA, SIDE_WORDS, rows_of
from app.storage.atomic import replacing

ENDINGS = (".csv", ".csv.gz", ".parquet")

_ROWS = 1 << 17  # per block and per row group
_MOST_DIGITS = 38  # limit of Arrow's decimals

Write = Callable[[TradeBatch], None]


def write_trades(out: Path, instrument: Instrument, batches: Iterable[TradeBatch]) -> int:
    """Write trades to `.csv`, `.csv.gz` or `.parquet`, and return their number.

    The trades go to a temporary file that replaces `out` when all are on disk: `out` is either the old file or complete.
    At most one block is in memory.

    Raises
    ------
    BadInputError
        If the name has another extension.
    TradeFileError
        If the file cannot be written.
    """
    ending = next((ending for ending in ENDINGS if out.name.lower().endswith(ending)), None)
    if ending is None:
        raise BadInputError(f"{out}: found extension {out.suffix or 'none'!r}, expected one of {', '.join(ENDINGS)}")
    rows = 0
    try:
        with replacing(out) as file, _parquet(file, instrument) if ending == ".parquet" else _csv(file, instrument, ending) as write:
            for block in _blocks(batches):
                write(block)
                rows += len(block)
    except OSError as error:
        raise TradeFileError(out, None, error.strerror or str(error), "a writable file") from None
    return rows


def _blocks(batches: Iterable[TradeBatch]) -> Iterator[TradeBatch]:
    """Regroup trades into large blocks, as each Parquet row group has a fixed cost."""
    waiting: list[TradeBatch] = []
    rows = 0
    for batch in batches:
        for start in range(0, len(batch), _ROWS):
            waiting.append(batch[start : start + _ROWS])
            rows += len(waiting[-1])
            if rows >= _ROWS:
                yield concatenate(waiting)
                waiting, rows = [], 0
    if waiting:
        yield concatenate(waiting)


@contextmanager
def _csv(file: IO[bytes], instrument: Instrument, ending: str) -> Generator[Write]:
    def write(block: TradeBatch) -> None:
        writer.write_batch(rows_of(block, instrument))

    with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) if ending == ".csv.gz" else _as_it_is(file) as sink:
        sink.write(HEADER.encode())
        with pa_csv.CSVWriter(sink, SCHEMA, write_options=OPTIONS) as writer:
            yield write


@contextmanager
def _parquet(file: IO[bytes], instrument: Instrument) -> Generator[Write]:
    steps = instrument.tick_size, instrument.lot_size
    price, quantity = (pa.decimal128(_MOST_DIGITS, decimal_places(step)) for step in steps)
    types = (pa.timestamp("ns", "UTC"), price, quantity, pa.dictionary(pa.int8(), pa.string()), pa.int64())
    about = {
        "instrument": instrument.id,
        "tick_size": str(instrument.tick_size),
        "lot_size": str(instrument.lot_size),
        "multiplier": str(instrument.multiplier),
        "numbered": instrument.numbered,
    }
    schema = pa.schema(list(zip(COLUMNS, types, strict=True)), {"tapeprint": json.dumps(about)})

    def write(block: TradeBatch) -> None:
        columns = [
            pa.array(block.time_ns).cast(types[0]),
            _decimals(block.price_ticks, instrument.tick_size, price),
            _decimals(block.quantity_lots, instrument.lot_size, quantity),
            pa.DictionaryArray.from_arrays(pa.array(block.side + 1), SIDE_WORDS),
            pa.array(block.trade_id),
        ]
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))

    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        yield write


@contextmanager
def _as_it_is(file: IO[bytes]) -> Generator[IO[bytes]]:
    """Yield the file for a `with` statement that does not close it."""
    yield file


def _decimals(steps: Int64Array, step: Decimal, kind: pa.DataType) -> pa.Array:
    """Convert counts of ticks or lots to prices or quantities, as 128-bit decimals."""
    return step_texts(steps, step).cast(kind)
