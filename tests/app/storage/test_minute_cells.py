"""A day as cells of one minute by one row."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL
from app.storage.day_file import DayTotals
from app.storage.disk import DiskStore
from app.storage.minute_cells import MINUTE_NS, cells_of, read_minute_cells
from app.storage.tape_writer import TapeWriter
from tests.builders import START_NS, random_trades, trade_batches

TAPE = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))


@given(trades=trade_batches(min_size=0), ticks=st.integers(1, 50))
def test_minute_cells_sum_the_volume_per_minute_and_row(trades, ticks):
    oracle: dict[str, Counter] = {"buy": Counter(), "sell": Counter(), "unknown": Counter()}
    kinds = {BUY: "buy", SELL: "sell", 0: "unknown"}
    for time, price, lots, side, _ in zip(*(column.tolist() for column in trades.columns), strict=True):
        for kind in oracle:
            oracle[kind][(time // MINUTE_NS, price // ticks)] += lots if kinds[side] == kind else 0
    cells = cells_of(trades, ticks)
    keys = list(zip(cells.minute.tolist(), cells.row.tolist(), strict=True))
    assert keys == sorted(oracle["buy"])
    for kind, expected in oracle.items():
        assert dict(zip(keys, getattr(cells, kind).tolist(), strict=True)) == dict(expected)


def test_each_full_day_has_minute_cells_of_the_same_row_size(tmp_path: Path):
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    trades = random_trades(3, 2000, start_ns=START_NS // DAY_NS * DAY_NS, seconds=2 * 86_400, price=6_500_000)
    writer.insert_bulk(trades, Source.ARCHIVE)
    days = writer.tape.days()
    for day in days:
        cells, meta = read_minute_cells(writer.tape.cells_file(day))
        inside = trades[trades.time_ns // DAY_NS == day]
        assert (meta.ticks_per_row, meta.sums) == (50, DayTotals.of(inside))
        assert int(cells.buy.sum() + cells.sell.sum() + cells.unknown.sum()) == int(inside.quantity_lots.sum())
    writer.close()
    store.close()


def test_reading_missing_minute_cells_raises_an_error(tmp_path: Path):
    with pytest.raises(StoreError, match=r"^cannot read "):
        read_minute_cells(tmp_path / "none.parquet")
