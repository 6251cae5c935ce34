"""The day file."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import StoreError
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.day_file import DayTotals, merge_trades, read_day, read_meta, write_day
from tests.builders import random_trades, trade_batches
from tests.sameness import same

TAPE = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))


def test_a_day_file_reads_back_its_trades_and_totals(tmp_path: Path):
    trades = random_trades(1, 5000, unknown=0.1)
    write_day(tmp_path / "deep" / "day.parquet", trades, TAPE)
    assert same(read_day(tmp_path / "deep" / "day.parquet", TAPE), trades)
    assert read_meta(tmp_path / "deep" / "day.parquet").sums == DayTotals.of(trades)
    assert sorted(path.name for path in (tmp_path / "deep").iterdir()) == ["day.parquet"]


@settings(max_examples=30)
@given(trades=trade_batches())
def test_a_day_file_reads_back_any_trades(tmp_path_factory, trades):
    path = tmp_path_factory.mktemp("day") / "day.parquet"
    write_day(path, trades, TAPE)
    assert same(read_day(path, TAPE), trades)


def test_reading_a_span_returns_only_its_trades(tmp_path: Path):
    trades = random_trades(2, 400_000, seconds=80_000)
    write_day(tmp_path / "day.parquet", trades, TAPE)
    span = Span(int(trades.time_ns[1000]), int(trades.time_ns[2000]))
    inside = (trades.time_ns >= span.start_ns) & (trades.time_ns < span.end_ns)
    assert same(read_day(tmp_path / "day.parquet", TAPE, span), trades[inside])


def test_a_day_file_has_plain_columns_for_other_programs(tmp_path: Path):
    write_day(tmp_path / "day.parquet", random_trades(1, 100), TAPE)
    table = pq.read_table(tmp_path / "day.parquet")
    assert table.column_names == ["time_ns", "price_ticks", "quantity_lots", "side", "trade_id"]
    assert b'"tick_size":"0.01"' in table.schema.metadata[b"tapeprint"]


def test_a_stored_trade_takes_less_than_7_bytes(tmp_path: Path):
    write_day(tmp_path / "day.parquet", random_trades(3, 200_000, seconds=40_000), TAPE)
    assert (tmp_path / "day.parquet").stat().st_size < 7 * 200_000


def test_trades_are_converted_exactly_to_new_tick_and_lot_sizes(tmp_path: Path):
    trades = random_trades(1, 100)
    write_day(tmp_path / "day.parquet", trades, TAPE)
    finer = replace(TAPE, tick_size=Decimal("0.001"), lot_size=Decimal("0.000005"))
    read = read_day(tmp_path / "day.parquet", finer)
    assert np.array_equal(read.price_ticks, trades.price_ticks * 10)
    assert np.array_equal(read.quantity_lots, trades.quantity_lots * 2)
    with pytest.raises(StoreError, match=r"a price is not a multiple of 0\.5"):
        read_day(tmp_path / "day.parquet", replace(TAPE, tick_size=Decimal("0.5")))


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 and then nothing of use PAR1", b"\0" * 1000])
def test_an_invalid_day_file_raises_an_error_with_its_path(tmp_path: Path, content: bytes):
    path = tmp_path / "day.parquet"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"cannot read .*day\.parquet: "):
        read_day(path, TAPE)
    pq.write_table(pq.read_table(_another(tmp_path)).replace_schema_metadata(None), path)
    with pytest.raises(StoreError, match="not written by Tapeprint"):
        read_day(path, TAPE)


def _another(folder: Path) -> Path:
    write_day(folder / "other.parquet", random_trades(1, 10), TAPE)
    return folder / "other.parquet"


def test_a_flipped_bit_raises_an_error_or_changes_nothing(tmp_path: Path):
    trades = random_trades(5, 3000)
    write_day(tmp_path / "day.parquet", trades, TAPE)
    sound = (tmp_path / "day.parquet").read_bytes()
    rng = np.random.default_rng(0)
    noticed = 0
    for _ in range(400):
        hurt = bytearray(sound)
        hurt[rng.integers(len(hurt))] ^= 1 << int(rng.integers(8))
        (tmp_path / "hurt.parquet").write_bytes(hurt)
        try:
            read = read_day(tmp_path / "hurt.parquet", TAPE)
        except StoreError:
            noticed += 1
        else:
            assert same(read, trades)
    assert noticed > 300


def test_a_truncated_day_file_raises_an_error(tmp_path: Path):
    write_day(tmp_path / "day.parquet", random_trades(5, 3000), TAPE)
    sound = (tmp_path / "day.parquet").read_bytes()
    for length in range(0, len(sound), len(sound) // 50):
        (tmp_path / "cut.parquet").write_bytes(sound[:length])
        with pytest.raises(StoreError):
            read_day(tmp_path / "cut.parquet", TAPE)


@given(trades=trade_batches(min_size=2), cuts=st.lists(st.integers(0, 60), max_size=5), seed=st.integers(0, 99))
def test_merged_numbered_trades_are_sorted_by_id_without_repeats(trades, cuts, seed):
    shuffled = trades[np.random.default_rng(seed).permutation(len(trades))]
    parts = [shuffled, *(trades[: min(cut, len(trades))] for cut in cuts)]
    assert same(merge_trades(parts, numbered=True), trades)


def test_merged_unnumbered_trades_are_in_time_then_arrival_order():
    def trade(time: int, ident: int) -> TradeBatch:
        return TradeBatch.of([time], [1], [1], [1], [ident])

    together = merge_trades([trade(5, 99), trade(5, 1), trade(3, 50), trade(5, 99), trade(6, 99)], numbered=False)
    assert list(zip(together.time_ns.tolist(), together.trade_id.tolist(), strict=True)) == [(3, 50), (5, 99), (5, 1), (6, 99)]
