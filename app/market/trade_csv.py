"""Trades as CSV: `time,price,quantity,side,trade_id`, with exact decimals.

Used for every exported file and for copied trades.

Times are nanoseconds since 1970, sides `buy`, `sell` or `unknown`. No cell contains text from outside the program, so that no
spreadsheet can read one as a formula.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.csv as pa_csv

from app.market.decimals import step_texts
from app.market.instrument import Instrument
from app.market.trade import TradeBatch

COLUMNS = ("time", "price", "quantity", "side", "trade_id")
HEADER = ",".join(COLUMNS) + "\n"
SCHEMA = pa.schema([(name, pa.string() if name in ("price", "quantity", "side") else pa.int64()) for name in COLUMNS])
OPTIONS = pa_csv.WriteOptions(include_header=False, quoting_style="none")
SIDE_WORDS = pa.array(["sell", "unknown", "buy"])
"""The word of each side, at index `side + 1`."""


def rows_of(trades: TradeBatch, instrument: Instrument) -> pa.RecordBatch:
    """Convert trades to an Arrow record batch with the columns time, price, quantity, side and trade id."""
    columns = [
        pa.array(trades.time_ns),
        step_texts(trades.price_ticks, instrument.tick_size),
        step_texts(trades.quantity_lots, instrument.lot_size),
        SIDE_WORDS.take(pa.array(trades.side + 1)),
        pa.array(trades.trade_id),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def csv_text(trades: TradeBatch, instrument: Instrument) -> str:
    """Convert trades to CSV text with a header line."""
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(pa.Table.from_batches([rows_of(trades, instrument)]), sink, OPTIONS)
    return HEADER + sink.getvalue().to_pybytes().decode()
