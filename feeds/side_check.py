"""A warning if nearly all trades have the same side, as venues have reported sides incorrectly before."""

from __future__ import annotations

import numpy as np

from app.market.trade import BUY, SELL, TradeBatch

_TRADES = 5_000
_SHARE = 0.98


class SideCheck:
    """A check whether nearly all trades have the same side, repeated after every 5,000 trades whose side is known.

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
        buys = int(np.count_nonzero(batch.side == BUY))
        self._trades += buys + int(np.count_nonzero(batch.side == SELL))
        self._buys += buys
        if self._trades < _TRADES:
            return
        bought = self._buys / self._trades
        side = "buys" if bought > _SHARE else "sales" if bought < 1 - _SHARE else ""
        share = max(bought, 1 - bought)
        self.warning = f"{share:.0%} of the last {self._trades:,} trades are {side}; the venue may report sides incorrectly" if side else ""
        self._trades = self._buys = 0
