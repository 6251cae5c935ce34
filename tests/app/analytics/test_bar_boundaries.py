"""Bars by trades, volume, delta and range: worked by hand, against the oracle, and in any batches."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics import bar_boundaries as bar_cuts
from app.analytics.delta import bar_delta
from app.analytics.footprint import FootprintSeries
from app.market.bar_rule import DAY_NS, BarKind, BarRule
from app.market.price_grid import PriceGrid
from app.market.trade import BUY, SELL, TradeBatch
from tests.builders import random_trades, split, trade_batches, trades_of
from tests.oracles.counted_bars import slow_counted_bars

pytestmark = pytest.mark.usefixtures("kernels")

COUNTED = [kind for kind in BarKind if kind is not BarKind.TIME]
COLUMNS = (
    *("number", "open", "high", "low", "close", "trades", "volume", "buy", "sell", "delta_min", "delta_max", "price_volume_low"),
    *("price_volume_high", "price_square_low", "price_square_middle", "price_square_high"),
    *("first_row", "n_rows", "cell_start", "first_ns", "last_ns", "cell_buy", "cell_sell", "cell_unknown"),
)
ORACLE = ("first_ns", "last_ns")


def series_of(trades: TradeBatch, kind: BarKind, size: int, ticks_per_row: int = 1) -> FootprintSeries:
    series = FootprintSeries(BarRule.counted(kind, size), PriceGrid(Decimal("0.01"), ticks_per_row))
    series.append(trades)
    return series


def columns(series: FootprintSeries) -> dict[str, list[int]]:
    return {name: getattr(series, name).tolist() for name in COLUMNS}


def bought(*lots: int) -> TradeBatch:
    """One trade per second of each size; negative sizes are sold."""
    return trades_of([(at, 100, abs(size), BUY if size > 0 else SELL) for at, size in enumerate(lots)])


def at_prices(*prices: int) -> TradeBatch:
    return trades_of([(at, price, 1, BUY) for at, price in enumerate(prices)])


def test_a_trade_bar_is_complete_with_its_last_trade():
    assert series_of(bought(1, 1, 1, 1, 1), BarKind.TRADES, 2).trades.tolist() == [2, 2, 1]


def test_a_volume_bar_ends_with_the_trade_that_reaches_its_size():
    assert series_of(bought(4, 6, 9, 5, 1), BarKind.VOLUME, 10).volume.tolist() == [10, 14, 1]


def test_a_trade_larger_than_a_volume_bar_is_not_split():
    assert series_of(bought(3, 95, 10, 2), BarKind.VOLUME, 10).volume.tolist() == [98, 10, 2]


def test_a_delta_bar_ends_when_either_side_reaches_its_size():
    assert bar_delta(series_of(bought(3, -2, 4, -6, -1, 2), BarKind.DELTA, 5)).tolist() == [5, -6, 1]


def test_a_trade_beyond_the_range_of_a_bar_opens_the_next():
    series = series_of(at_prices(100, 104, 101, 105, 104, 101, 100, 110, 90), BarKind.RANGE, 4)
    assert list(zip(series.low.tolist(), series.high.tolist(), strict=True)) == [(100, 104), (101, 105), (100, 100), (110, 110), (90, 90)]


def test_bars_restart_with_each_utc_day():
    before, after = trades_of([(0, 100, 1, BUY)] * 5), trades_of([(0, 100, 1, BUY)] * 3)
    next_day = TradeBatch.of(after.time_ns // DAY_NS * DAY_NS + DAY_NS, *after.columns[1:4], after.trade_id + 5)
    series = series_of(
        TradeBatch.of(*(np.concatenate(pair) for pair in zip(before.columns, next_day.columns, strict=True))), BarKind.TRADES, 4
    )
    assert series.trades.tolist() == [4, 1, 3]


def test_bars_are_numbered_from_zero_with_times_of_their_trades():
    series = series_of(bought(1, 1, 1), BarKind.TRADES, 2)
    first = int(series.first_ns[0])
    assert series.number.tolist() == [0, 1]
    assert (series.first_ns - first).tolist() == [0, 2 * 10**9]
    assert (series.last_ns - first).tolist() == [10**9, 2 * 10**9]


@pytest.mark.parametrize("look", [1, 2, 64])
@pytest.mark.parametrize("kind", COUNTED)
@settings(max_examples=60)
@given(trades=trade_batches(), data=st.data())
def test_any_batching_gives_the_bars_of_the_oracle(look: int, kind: BarKind, trades: TradeBatch, data: st.DataObject):
    size = data.draw(st.sampled_from([1, 2, 3, 7, 20, 10**12]))
    cuts = data.draw(st.lists(st.integers(0, len(trades)), max_size=5))
    expected = slow_counted_bars(trades, kind, size, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bar_cuts, "_LOOK", look)
        series = series_of(TradeBatch.empty(), kind, size, 2)
        for batch in split(trades, cuts):
            series.append(batch)
    assert series.n_bars == len(expected)
    for index, bar in enumerate(expected):
        figures = bar.figures() | {name: getattr(bar, name) for name in ORACLE}
        assert {name: int(getattr(series, name)[index]) for name in figures} == figures
        assert [cells.tolist() for cells in series.bar_cells(index)[1:]] == [bar.dense(k) for k in range(3)]


@pytest.mark.parametrize(("kind", "size"), [(BarKind.TRADES, 500), (BarKind.VOLUME, 4000), (BarKind.DELTA, 300), (BarKind.RANGE, 12)])
@pytest.mark.parametrize("batch", [1, 997, 16_385])
def test_a_long_tape_in_even_batches_gives_the_bars_of_one_batch(kind: BarKind, size: int, batch: int):
    trades = random_trades(5, 3_000 if batch == 1 else 40_000, seconds=200_000)
    series = series_of(TradeBatch.empty(), kind, size)
    for start in range(0, len(trades), batch):
        series.append(trades[start : start + batch])
    assert columns(series) == columns(series_of(trades, kind, size))


def test_one_trade_writes_one_bar_of_any_number():
    series = series_of(random_trades(5, 20_000, seconds=80_000), BarKind.VOLUME, 4000)
    folded = series.bars_folded
    series.append(random_trades(6, 1, start_ns=int(series.last_ns[-1])))
    assert series.bars_folded <= folded + 2
