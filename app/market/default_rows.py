"""The default row size of a chart."""

from __future__ import annotations

import math

from app.market.bar_rule import NS_PER_S, BarRule
from app.market.price_grid import nice_ticks_per_row

_SHARE_OF_PRICE = 1e-4  # one minute of a liquid market spans about ten to thirty such rows


def default_ticks_per_row(price_ticks: float, rule: BarRule) -> int:
    """The default number of ticks per row, from the price and the bar length.

    The range of a bar grows about with the square root of its length; so does the row size, and a bar has about the same number
    of rows at any length. Bars other than time bars get the row size of 1-minute bars.
    """
    minutes = rule.length_ns / (60 * NS_PER_S) if rule.is_time else 1.0
    return nice_ticks_per_row(price_ticks * _SHARE_OF_PRICE * math.sqrt(minutes))
