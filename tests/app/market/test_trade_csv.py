"""Trades as CSV have exact decimals, plain words for sides, and no quotes."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pyarrow as pa
from hypothesis import given

from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch
from app.market.trade_csv import COLUMNS, HEADER, SCHEMA, csv_text, rows_of
from tests.builders import trade_batches

MARKET = Instrument("test", "BTCUSDT", Decimal("0.10"), Decimal("0.00001"))
TRADES = TradeBatch.of([1_700_000_000_000_000_001, 5, 6], [437_001, 1, 10], [123_456, 100_000, 1], [BUY, SELL, UNKNOWN], [42, -7, 0])


def test_trades_are_written_with_exact_decimals_and_words() -> None:
    assert csv_text(TRADES, MARKET) == (
        "time,price,quantity,side,trade_id\n1700000000000000001,43700.1,1.23456,buy,42\n5,0.1,1.00000,sell,-7\n6,1.0,0.00001,unknown,0\n"
    )


def test_no_trades_are_a_header_alone() -> None:
    assert csv_text(TradeBatch.empty(), MARKET) == HEADER == "time,price,quantity,side,trade_id\n"


def test_rows_are_integers_for_times_and_ids_and_text_for_decimals() -> None:
    rows = rows_of(TRADES, MARKET)
    assert (rows.schema, rows.schema.names, rows.num_rows) == (SCHEMA, list(COLUMNS), 3)
    assert rows.schema.types == [pa.int64(), pa.string(), pa.string(), pa.string(), pa.int64()]
    assert rows.column("side").to_pylist() == ["buy", "sell", "unknown"]


@given(trades=trade_batches())
def test_the_text_of_any_trades_reads_back_the_same_numbers(trades: TradeBatch) -> None:
    rows = list(csv.DictReader(io.StringIO(csv_text(trades, MARKET))))
    words = {"buy": BUY, "sell": SELL, "unknown": UNKNOWN}
    assert [int(row["time"]) for row in rows] == trades.time_ns.tolist()
    assert [Decimal(row["price"]) / MARKET.tick_size for row in rows] == trades.price_ticks.tolist()
    assert [Decimal(row["quantity"]) / MARKET.lot_size for row in rows] == trades.quantity_lots.tolist()
    assert [words[row["side"]] for row in rows] == trades.side.tolist()
    assert [int(row["trade_id"]) for row in rows] == trades.trade_id.tolist()
