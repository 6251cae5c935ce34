"""A tape whose trades are ordered by a test: how many happen, when, on which tick, and where ids start again."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from tests.venue_emulator.market import Market
from tests.venue_emulator.tape import Rows, Tape

UNIT = Decimal("0.001")
"""The unit of prices on this tape; every tick size is a multiple of it."""


class ScriptedTape(Tape):
    """A tape made by `add`; its trades depend on the seed and on the calls, and are a millisecond apart or closer.

    The symbol list has `tick_size`, which a test may change with `change_tick`. Ids are found as a venue finds them: among those
    since they last started again.
    """

    def __init__(self, seed: int, *, symbol: str = "BTCUSDT", first_id: int = 3_700_000_000, price: int = 60_000) -> None:
        super().__init__(symbol, Market.SPOT, 0, UNIT, None)
        self._random = np.random.default_rng(seed)
        self._price, self._next_id = price * 1000, first_id
        self._blocks: list[Rows] = []
        self._step = 10
        self.epochs: list[tuple[int, int]] = [(0, first_id)]
        """Position and id of each trade with which ids started."""

    @property
    def count(self) -> int:
        """Number of trades so far."""
        return self.epochs[-1][0] + self._next_id - self.epochs[-1][1]

    def add(self, count: int, start_us: int, end_us: int) -> None:
        """Add trades in `[start_us, end_us)`, counted from the opening of the venue."""
        random = self._random
        offsets = np.sort(random.integers(start_us, max(end_us, start_us + 1), count))
        moves = random.integers(-20, 21, count) * self._step
        self._price -= self._price % self._step
        prices = np.maximum(self._price + np.cumsum(moves), self._step)
        self._price = int(prices[-1])
        lots, side = random.integers(1, 1_000_000, count), np.where(random.random(count) < 0.5, 1, -1).astype(np.int8)
        self._blocks.append(Rows(offsets, prices, lots, side, self._next_id + np.arange(count)))
        self._next_id += count
        self._ended = False

    def change_tick(self, tick_size: Decimal) -> None:
        """Go over to another tick size: for the trades added from now on, and in the symbol list."""
        self.tick_size, self._step = tick_size, int(tick_size / UNIT)

    def start_ids_again(self, first_id: int) -> None:
        """Give the trades added from now on ids from `first_id` on."""
        self.epochs.append((self.count, first_id))
        self._next_id = first_id

    def position_of(self, trade_id: int) -> int:
        """Position of the first trade since ids last started whose id is not below `trade_id`."""
        start, first_id = self.epochs[-1]
        return min(self.count, start + max(0, trade_id - first_id))

    def _make(self, number: int) -> Rows | None:
        return self._blocks[number] if number < len(self._blocks) else None
