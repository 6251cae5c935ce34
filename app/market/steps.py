"""The tick and lot size as a pair (steps), and exact conversion of trades between two such pairs.

Venues change their tick and lot sizes. Trades that are stored or received in different ones are joined in the common ones
(`common_steps`): the largest of which all others are whole multiples, so that a conversion is a multiplication by a whole number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from typing import NamedTuple

import numpy as np

from app.errors import StoreError
from app.market.decimals import format_scaled
from app.market.trade import TradeBatch

_LARGEST = 2**63 - 1
_ROOM = 1000


class Steps(NamedTuple):
    """A tick and a lot size.

    Attributes
    ----------
    tick_size, lot_size : Decimal
        Both above 0.
    """

    tick_size: Decimal
    lot_size: Decimal

    @property
    def text(self) -> str:
        """The tick and lot size as text, e.g. `tick 0.01, lot 0.001`."""
        return f"tick {self.tick_size.normalize():f}, lot {self.lot_size.normalize():f}"

    def divides(self, other: Steps) -> bool:
        """True if the other tick and lot size are whole multiples of these."""
        return not (other.tick_size % self.tick_size or other.lot_size % self.lot_size)


def common_step(one: Decimal, other: Decimal) -> Decimal:
    """The largest size of which two tick sizes, or two lot sizes, are whole multiples.

    >>> common_step(Decimal("0.25"), Decimal("0.1"))
    Decimal('0.05')
    """
    if one == other:
        return one
    a, b = Fraction(one), Fraction(other)
    denominator = math.lcm(a.denominator, b.denominator)
    found = Fraction(math.gcd(a.numerator * (denominator // a.denominator), b.numerator * (denominator // b.denominator)), denominator)
    return _decimal(found)


def common_steps(every: Iterable[Steps]) -> Steps:
    """The largest tick size and lot size of which all given ones are whole multiples; needs at least one pair."""
    return reduce(lambda a, b: a if a == b else Steps(common_step(a.tick_size, b.tick_size), common_step(a.lot_size, b.lot_size)), every)


def in_steps(trades: TradeBatch, old: Steps, new: Steps, where: str) -> TradeBatch:
    """Convert trades exactly from one tick and lot size to another.

    Raises
    ------
    StoreError
        If a price or quantity is not a multiple of the new tick or lot size, or needs more than 64 bits; the message begins with
        `where`.
    """
    if old == new or not len(trades):
        return trades
    columns = list(trades.columns)
    for place, what in ((1, "price"), (2, "quantity")):
        ratio = Fraction(old[place - 1]) / Fraction(new[place - 1])
        if np.any(columns[place] % ratio.denominator):
            raise StoreError(f"{where}: a {what} is not a multiple of {new[place - 1]}")
        whole = columns[place] // ratio.denominator
        if ratio.numerator > 1 and max(int(whole.max()), -int(whole.min())) > _LARGEST // ratio.numerator:
            raise StoreError(f"{where}: a {what} is too large to count in steps of {new[place - 1]}")
        columns[place] = whole * ratio.numerator
    return TradeBatch.of(*columns)


def require_headroom(trades: TradeBatch, steps: Steps, others: Steps, where: str) -> None:
    """Raise `StoreError` if trades are too large to be joined with trades in another tick and lot size (see `common_steps`).

    Raises
    ------
    StoreError
        If a price or quantity needs more than 64 bits in the common tick and lot size. Also if one that is a thousand times as
        large would, where the common size differs from that of `others`.
    """
    common = common_steps([steps, others])
    in_steps(trades, steps, common, where)
    for place, what, column in ((0, "price", trades.price_ticks), (1, "quantity", trades.quantity_lots)):
        largest = Fraction(int(column.max(initial=0))) * Fraction(steps[place]) / Fraction(common[place])
        if others[place] != common[place] and largest * _ROOM > _LARGEST:
            raise StoreError(f"{where}: a {what} is too large to count in steps of {common[place]}")


def fits(trades: TradeBatch, old: Steps, new: Steps) -> bool:
    """True if all trades can be converted exactly to the new tick and lot size, within 64 bits."""
    try:
        in_steps(trades, old, new, "")
    except StoreError:
        return False
    return True


def _decimal(value: Fraction) -> Decimal:
    """Convert a fraction to an exact Decimal; the denominator must have only the prime factors 2 and 5."""
    places = 0
    while value.denominator > 1:
        value *= 10
        places += 1
    return Decimal(format_scaled(value.numerator, places))
