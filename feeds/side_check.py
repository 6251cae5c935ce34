"""A warning if nearly all trades have the same side, as venues have reported sides incorrectly before."""

from __future__ import annotations

import numpy as np

from app.market.trade import BUY, TradeBatch

_TRADES = 5_000
_SHARE = 0.98


class SideCheck:
    """A check whether nearly all trades have the same side, repeated after every 5,000 trades.

    Attributes
    ----------
    warning : str
        Text for the screen if nearly all trades of the last check had the same aggressor; else empty.
    """

    def __init__(self) -> None:
        self.warning = ""
        self._trades = self._buys = 0

    def saw(self, batch: TradeBatch) -> None:
        """Count the sides of more trades; once 5,000 are counted, set or clear `warning` and start a new count."""
        self._trades += len(batch)
        self._buys += int(np.count_nonzero(batch.side == BUY))
        if self._trades < _TRADES:
            return
        buys = self._buys / self._trades
        side = "buys" if buys > _SHARE else "sales" if buys < 1 - _SHARE else ""
        share = max(buys, 1 - buys)
        self.warning = f"{share:.0%} of the last {self._trades:,} trades are {side}; the venue may report sides incorrectly" if side else ""
        self._trades = self._buys = 0
