"""Quantities as short text for the screen, written as the cells write them. Plain numpy, no Qt."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

import numpy as np

from rendering.style.quantity_text import QuantityText, text_of

MINUS = "−"
"""A minus as wide as the plus, so that signed numbers line up."""


def short_quantities(lots: np.ndarray, lot_size: Decimal) -> list[str]:
    """The amounts of lots without their signs, each in at most five characters; see `quantity_text`."""
    return text_of(_quantity_text(lot_size).right_aligned(np.abs(np.asarray(lots, np.int64))))


@lru_cache(maxsize=512)
def short_quantity(lots: int, lot_size: Decimal) -> str:
    """One amount in at most five characters, with a minus in front if it is below nought."""
    return (MINUS if lots < 0 else "") + short_quantities(np.array([lots]), lot_size)[0]


def signed_quantity(lots: int, lot_size: Decimal) -> str:
    """The same with a plus where it is above nought."""
    return ("+" if lots > 0 else "") + short_quantity(lots, lot_size)


@lru_cache(maxsize=16)
def _quantity_text(lot_size: Decimal) -> QuantityText:
    return QuantityText(lot_size)
