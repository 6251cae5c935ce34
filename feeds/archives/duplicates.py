"""Detection of rows that repeat a trade."""

from __future__ import annotations

import numpy as np

from app.market.arrays import BoolArray
from app.market.trade import TradeBatch
from feeds.archives.row_error import RowError


def duplicate_rows(trades: TradeBatch) -> BoolArray:
    """Mark rows that repeat the id of an earlier row, bool [shape=(n,)].

    Raises
    ------
    RowError
        If a row repeats an id with a different trade.
    """
    ids = trades.trade_id
    repeated = np.zeros(len(ids), bool)
    if len(ids) < 2 or bool(np.all(ids[1:] > ids[:-1])):
        return repeated
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    again = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    rows, before = order[again], order[again - 1]
    differs = np.zeros(len(rows), bool)
    for column in trades.columns:
        differs |= column[rows] != column[before]
    if differs.any():
        row = int(rows[differs].min())
        raise RowError(row, f"trade id {ids[row]} used by a different trade", "a unique id")
    repeated[rows] = True
    return repeated
