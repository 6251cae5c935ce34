import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics import footprint
from app.analytics.footprint import FootprintSeries
from app.errors import GridTooFineError
from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch, concatenate
from tests.builders import SECOND_NS, START_NS, random_trades, series_of, split, trade_batches, trades_of
from tests.oracles.footprints import slow_bars

pytestmark = pytest.mark.usefixtures("kernels")

BAR_COLUMNS = (
    *("number", "open", "high", "low", "close", "trades", "volume", "buy", "sell", "delta_min", "delta_max"),
    *("price_volume_low", "price_volume_high", "price_square_low", "price_square_middle", "price_square_high"),
    *("first_row", "n_rows", "cell_start"),
)
CELL_COLUMNS = ("cell_buy", "cell_sell", "cell_unknown")

# two bars next to one another, then a gap of three
TRADES = trades_of([(0, 100, 5, BUY), (20, 104, 9, SELL), (59, 98, 2, UNKNOWN), (60, 101, 3, SELL), (119.9, 99, 4, BUY), (300, 99, 1, BUY)])


def columns(series: FootprintSeries) -> dict[str, list[int]]:
    """All columns of a series, for comparing."""
    return {name: getattr(series, name).tolist() for name in (*BAR_COLUMNS, *CELL_COLUMNS)}


def test_bars_have_the_values_of_their_trades() -> None:
    series = series_of(TRADES)
    first = START_NS // (60 * SECOND_NS)
    assert columns(series) == {
        "number": [first, first + 1, first + 5],
        "open": [100, 101, 99],
        "high": [104, 101, 99],
        "low": [98, 99, 99],
        "close": [98, 99, 99],
        "trades": [3, 2, 1],
        "volume": [16, 7, 1],
        "buy": [5, 4, 1],
        "sell": [9, 3, 0],
        "delta_min": [-4, -3, 0],
        "delta_max": [5, 1, 1],
        "price_volume_low": [4 * 9 - 2 * 2, 2**63 - 2 * 4, 0],
        "price_volume_high": [0, -1, 0],
        "price_square_low": [16 * 9 + 4 * 2, 4 * 4, 0],
        "price_square_middle": [0, 0, 0],
        "price_square_high": [0, 0, 0],
        "first_row": [98, 99, 99],
        "n_rows": [7, 3, 1],
        "cell_start": [0, 7, 10],
        "cell_buy": [0, 0, 5, 0, 0, 0, 0, 4, 0, 0, 1],
        "cell_sell": [0, 0, 0, 0, 0, 0, 9, 0, 0, 3, 0],
        "cell_unknown": [2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    }
    assert [series.cells_of(*bars) for bars in ((0, 1), (1, 3), (2, 2))] == [slice(0, 7), slice(7, 11), slice(0, 0)]
    assert (series.n_bars, series.n_trades) == (3, 6)


def test_rows_are_counted_from_price_zero() -> None:
    series = series_of(TRADES, ticks_per_row=5)
    assert series.first_row.tolist() == [19, 19, 19]
    first_row, buy, sell, unknown = series.bar_cells(0)
    assert (first_row, buy.tolist(), sell.tolist(), unknown.tolist()) == (19, [0, 5], [0, 9], [2, 0])


def test_a_trade_on_the_edge_opens_the_later_bar() -> None:
    series = series_of(trades_of([(59.999999999, 1, 1, BUY), (60, 1, 1, BUY)]))
    assert series.trades.tolist() == [1, 1]
    assert series.start_ns(1) == START_NS + 60 * SECOND_NS


def test_bars_are_found_by_number_across_gaps() -> None:
    series = series_of(TRADES)
    first = int(series.number[0])
    assert [series.index_of(first + k) for k in (-1, 0, 1, 2, 5, 6)] == [0, 0, 1, 2, 2, 3]


def test_a_late_trade_inside_a_batch_joins_its_bar_in_tape_order() -> None:
    late = trades_of([(0, 100, 1, BUY), (61, 102, 1, BUY), (59, 101, 1, SELL), (62, 103, 1, BUY)])
    series = series_of(late)
    assert (series.open.tolist(), series.close.tolist(), series.trades.tolist()) == ([100, 102], [101, 103], [2, 2])


def test_a_late_trade_may_cross_the_edge_of_a_chunk() -> None:
    n = footprint._CHUNK
    time_ns = START_NS + np.zeros(n + 2, np.int64)
    time_ns[n - 1] += 60 * SECOND_NS  # the last of the first chunk opens a bar, the first of the next is older
    trades = TradeBatch.of(time_ns, np.full(n + 2, 100), np.ones(n + 2), np.ones(n + 2), np.arange(n + 2))
    assert series_of(trades).trades.tolist() == [n + 1, 1]


def test_a_trade_of_an_earlier_bar_is_refused_without_effect() -> None:
    series = series_of(TRADES)
    before, at = columns(series), series.changed_at.tolist()
    with pytest.raises(ValueError, match="cannot join"):
        series.append(trades_of([(300, 99, 1, BUY), (299.9, 99, 1, BUY)]))
    assert (columns(series), series.changed_at.tolist()) == (before, at)


def test_no_trades_change_nothing() -> None:
    series = series_of(TRADES)
    revision = series.revision
    assert series.append(TradeBatch.empty()) == 3
    assert (series.revision, series.changed_since(revision)) == (revision, 3)


def test_one_trade_writes_one_bar() -> None:
    series = series_of(random_trades(1, 5000))
    revision, folded = series.revision, series.bars_folded
    last = trades_of([(599.999, 1000, 3, SELL)])
    assert series.append(last) == series.n_bars - 1
    assert series.bars_folded == folded + 1
    assert series.changed_since(revision) == series.n_bars - 1
    assert (np.diff(series.changed_at) >= 0).all()


def test_changed_since_is_the_first_bar_changed_after_a_revision() -> None:
    series = series_of(TRADES[:1])
    seen = [series.revision]
    for trade in range(1, len(TRADES)):
        assert series.append(TRADES[trade : trade + 1]) == [0, 0, 0, 1, 1, 2][trade]
        seen.append(series.revision)
    assert [series.changed_since(revision) for revision in (0, *seen)] == [0, 0, 0, 1, 1, 2, 3]


def test_views_are_read_only() -> None:
    series = series_of(TRADES)
    for name in (*BAR_COLUMNS, *CELL_COLUMNS, "changed_at"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(series, name)[0] = 1
    with pytest.raises(AttributeError):
        _ = series.nonsense


def test_a_bar_with_too_many_rows_is_refused_with_a_usable_size() -> None:
    far = trades_of([(0, 1, 1, BUY), (1, 5_000_000, 1, SELL)])
    with pytest.raises(GridTooFineError, match="use 3 or more ticks per row"):
        series_of(far)
    assert series_of(far, ticks_per_row=3).n_rows.tolist() == [1_666_667]


def test_a_refused_batch_leaves_the_bars_as_they_were() -> None:
    series = series_of(TRADES)
    before = columns(series)
    with pytest.raises(GridTooFineError):
        series.append(trades_of([(301, 99, 1, BUY), (302, 9_000_000, 1, BUY)]))
    assert columns(series) == before
    series.append(trades_of([(301, 99, 1, BUY)]))
    assert columns(series) == columns(series_of(concatenate([TRADES, trades_of([(301, 99, 1, BUY)])])))


@settings(max_examples=150)
@given(trade_batches(), st.integers(1, 9), st.sampled_from([1, 60, 3600]))
def test_a_series_equals_the_oracle(trades: TradeBatch, ticks_per_row: int, bar_s: int) -> None:
    series = series_of(trades, bar_s=bar_s, ticks_per_row=ticks_per_row)
    bars = slow_bars(trades, bar_s * SECOND_NS, ticks_per_row)
    for name in bars[0].figures():
        assert getattr(series, name).tolist() == [bar.figures()[name] for bar in bars], name
    for k, name in enumerate(CELL_COLUMNS):
        assert getattr(series, name).tolist() == [lots for bar in bars for lots in bar.dense(k)], name
    assert series.cell_start.tolist() == (np.cumsum(series.n_rows) - series.n_rows).tolist()


@settings(max_examples=120)
@given(trade_batches(), st.lists(st.integers(0, 60), max_size=6), st.integers(1, 4))
def test_any_split_into_batches_gives_the_same_arrays(trades: TradeBatch, cuts: list[int], ticks_per_row: int) -> None:
    at_once, in_parts = series_of(trades, ticks_per_row=ticks_per_row), series_of(TradeBatch.empty(), ticks_per_row=ticks_per_row)
    for part in split(trades, cuts):
        in_parts.append(part)
    assert columns(in_parts) == columns(at_once)


@settings(max_examples=100)
@given(trade_batches(), st.data())
def test_truncating_and_appending_again_equals_a_rebuild(trades: TradeBatch, data: st.DataObject) -> None:
    series = series_of(trades, ticks_per_row=2)
    rebuilt = columns(series)
    bar = data.draw(st.integers(0, series.n_bars))
    revision, kept = series.revision, int(series.trades[:bar].sum())
    series.truncate(bar)
    assert (series.n_bars, series.n_trades) == (bar, kept)
    assert columns(series) == columns(series_of(trades[:kept], ticks_per_row=2))
    series.append(trades[kept:])
    assert columns(series) == rebuilt
    assert series.changed_since(revision) == bar


@pytest.mark.parametrize("batch", [1, 7, 1000, 1 << 16, (1 << 16) + 1])
def test_many_trades_in_even_batches_give_the_same_arrays(batch: int) -> None:
    n = 2_000 if batch < 10 else 140_000
    trades = random_trades(2, n, unknown=0.1)
    series = series_of(TradeBatch.empty(), bar_s=5)
    for start in range(0, n, batch):
        series.append(trades[start : start + batch])
    assert columns(series) == columns(series_of(trades, bar_s=5))
