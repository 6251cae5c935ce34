"""How high a row is until the user says otherwise."""

from __future__ import annotations

import math

from app.market.bar_rule import NS_PER_S, BarRule
from app.market.price_grid import nice_ticks_per_row

_SHARE_OF_PRICE = 1e-4  # a minute of a liquid market spans some ten to thirty such rows


def default_ticks_per_row(price_ticks: float, rule: BarRule) -> int:
    """Ticks in a row, by the price and the length of a bar.

    The range of a bar grows about as the square root of its time; so do the rows, and a bar has about as many of them
    whatever its length. Bars that are not of time have those of a minute.
    """
    minutes = rule.length_ns / (60 * NS_PER_S) if rule.is_time else 1.0
    return nice_ticks_per_row(price_ticks * _SHARE_OF_PRICE * math.sqrt(minutes))
