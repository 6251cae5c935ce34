"""Footprint bars as dictionaries, one trade at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.market.trade import BUY, SELL, TradeBatch


@dataclass
class SlowBar:
    """One bar: cells as {row: [buy, sell, unknown]}."""

    number: int
    prices: list[int] = field(default_factory=list)
    quantities: list[int] = field(default_factory=list)
    deltas: list[int] = field(default_factory=lambda: [0])
    cells: dict[int, list[int]] = field(default_factory=dict)

    def add(self, price: int, quantity: int, side: int, ticks_per_row: int) -> None:
        """Count one trade."""
        self.prices.append(price)
        self.quantities.append(quantity)
        self.deltas.append(self.deltas[-1] + quantity * side)
        cell = self.cells.setdefault(price // ticks_per_row, [0, 0, 0])
        cell[0 if side == BUY else 1 if side == SELL else 2] += quantity

    def figures(self) -> dict[str, int]:
        """The values of this bar by the names of a footprint series' columns."""
        buy, sell, unknown = (sum(cell[k] for cell in self.cells.values()) for k in range(3))
        return {
            "number": self.number,
            "open": self.prices[0],
            "high": max(self.prices),
            "low": min(self.prices),
            "close": self.prices[-1],
            "trades": len(self.prices),
            "volume": buy + sell + unknown,
            "buy": buy,
            "sell": sell,
            "delta_min": min(self.deltas),
            "delta_max": max(self.deltas),
            "price_volume_low": self.moment(1) % 2**63,
            "price_volume_high": self.moment(1) // 2**63,
            "price_square_low": self.moment(2) % 2**63,
            "price_square_middle": self.moment(2) // 2**63 % 2**63,
            "price_square_high": self.moment(2) // 2**126,
            "first_row": min(self.cells),
            "n_rows": max(self.cells) - min(self.cells) + 1,
        }

    def moment(self, power: int) -> int:
        """The sum of (price - open)**power * quantity."""
        return sum((p - self.prices[0]) ** power * q for p, q in zip(self.prices, self.quantities, strict=True))

    def dense(self, k: int) -> list[int]:
        """Volume of one side (`k`: 0 buy, 1 sell, 2 unknown) in every row from the lowest to the highest."""
        return [self.cells.get(row, [0, 0, 0])[k] for row in range(min(self.cells), max(self.cells) + 1)]


def slow_bars(trades: TradeBatch, length_ns: int, ticks_per_row: int) -> list[SlowBar]:
    """The bars of the trades, oldest first."""
    bars: dict[int, SlowBar] = {}
    for time_ns, price, quantity, side in zip(*(column.tolist() for column in trades.columns[:4]), strict=True):
        number = time_ns // length_ns
        bars.setdefault(number, SlowBar(number)).add(price, quantity, side, ticks_per_row)
    return [bars[number] for number in sorted(bars)]
