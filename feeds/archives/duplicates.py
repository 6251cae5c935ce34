"""Detection of rows that repeat a trade."""

from __future__ import annotations

import numpy as np

from app.market.arrays import BoolArray, Int64Array
from app.market.trade import TradeBatch
from feeds.archives.row_error import RowError


def duplicate_rows(trades: TradeBatch) -> BoolArray:
    """Mark rows that repeat the id of an earlier row, bool [shape=(n,)]; raise if the two trades differ.

    Raises
    ------
    RowError
        For the first row that has the id of an earlier, different trade.
    """
    repeated, differing = repeats(trades)
    if differing.any():
        row = int(np.argmax(differing))
        raise conflict(trades, row)
    return repeated


def conflict(trades: TradeBatch, row: int) -> RowError:
    """The error for a row that has the id of an earlier, different trade."""
    return RowError(row, f"trade id {trades.trade_id[row]} used by a different trade", "a unique id")


def repeats(trades: TradeBatch) -> tuple[BoolArray, BoolArray]:
    """Mark later rows that equal the first row with their id, and later rows that differ from that row; each bool [shape=(n,)]."""
    ids = trades.trade_id
    repeated, differing = np.zeros(len(ids), bool), np.zeros(len(ids), bool)
    if len(ids) < 2 or bool(np.all(ids[1:] > ids[:-1])):
        return repeated, differing
    order = np.argsort(ids, kind="stable")
    begins = np.append(True, np.diff(ids[order]) != 0)  # the first row with its id
    rows, first = order[~begins], order[begins][np.cumsum(begins)[~begins] - 1]
    differs = _differ(trades, rows, first)
    repeated[rows[~differs]] = True
    differing[rows[differs]] = True
    return repeated, differing


def equal_rows(trades: TradeBatch) -> BoolArray:
    """Mark rows that equal an earlier row in all columns, bool [shape=(n,)]."""
    order = np.lexsort(trades.columns)
    equal = np.zeros(len(trades), bool)
    equal[order[1:][~_differ(trades, order[1:], order[:-1])]] = True
    return equal


def _differ(trades: TradeBatch, rows: Int64Array, others: Int64Array) -> BoolArray:
    return np.logical_or.reduce([column[rows] != column[others] for column in trades.columns])
