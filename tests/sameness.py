"""A comparison of trades, bit for bit."""

from __future__ import annotations

import numpy as np

from app.market.trade import TradeBatch


def same(a: TradeBatch, b: TradeBatch) -> bool:
    return all(np.array_equal(x, y) and x.dtype == y.dtype for x, y in zip(a.columns, b.columns, strict=True))
