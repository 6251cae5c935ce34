import numpy as np
import pytest

from app.market.trade import BUY, SELL, UNKNOWN, TradeBatch, concatenate
from tests.builders import trades_of

TRADES = trades_of([(0, 100, 5, BUY), (1, 101, 6, SELL), (2, 102, 7, UNKNOWN)])


def test_columns_have_their_types_and_are_read_only() -> None:
    assert [column.dtype for column in TRADES.columns] == [np.int64, np.int64, np.int64, np.int8, np.int64]
    for column in TRADES.columns:
        assert column.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 1


def test_the_callers_own_array_stays_writable() -> None:
    own = np.array([1, 2])
    TradeBatch.of(own, own, own, own.astype(np.int8), own)
    own[0] = 5
    assert own[0] == 5


def test_a_batch_is_cut_by_slice_mask_or_index() -> None:
    assert TRADES[1:].price_ticks.tolist() == [101, 102]
    assert TRADES[TRADES.side == SELL].trade_id.tolist() == [2]
    assert TRADES[np.array([2, 0])].quantity_lots.tolist() == [7, 5]
    assert len(TRADES[::2].price_ticks) == 2
    assert TRADES[::2].price_ticks.flags.c_contiguous


def test_concatenate_joins_batches_in_order() -> None:
    joined = concatenate([TRADES[:1], TradeBatch.empty(), TRADES[1:]])
    assert [a.tolist() for a in joined.columns] == [b.tolist() for b in TRADES.columns]
    assert len(concatenate([])) == 0
    assert concatenate([TradeBatch.empty(), TRADES]) is TRADES


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="columns of one length expected"):
        TradeBatch.of([1], [1], [1, 2], [1], [1])
    with pytest.raises(ValueError, match="columns of one length expected"):
        TradeBatch.of(*[[[1]]] * 5)


def test_nbytes_is_the_size_of_the_columns() -> None:
    assert (len(TRADES), TRADES.nbytes) == (3, 3 * (4 * 8 + 1))
