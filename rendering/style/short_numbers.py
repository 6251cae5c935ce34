"""Quantities as short text, in the same format as in the cells. Plain numpy, no Qt."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache

import numpy as np

from rendering.style.quantity_text import QuantityText, text_of

MINUS = "−"
"""A minus as wide as the plus, so that signed numbers line up."""


def short_quantities(lots: np.ndarray, lot_size: Decimal) -> list[str]:
    """Quantities as texts of at most five characters each, without their signs; see `quantity_text`."""
    return text_of(_quantity_text(lot_size).right_aligned(np.abs(np.asarray(lots, np.int64))))


@lru_cache(maxsize=512)
def short_quantity(lots: int, lot_size: Decimal) -> str:
    """A quantity as text of at most five characters, after a minus if it is negative."""
    return (MINUS if lots < 0 else "") + short_quantities(np.array([lots]), lot_size)[0]


def signed_quantity(lots: int, lot_size: Decimal) -> str:
    """A quantity as text of at most five characters, after its sign (`+` or `−`); 0 has no sign."""
    return ("+" if lots > 0 else "") + short_quantity(lots, lot_size)


@lru_cache(maxsize=16)
def _quantity_text(lot_size: Decimal) -> QuantityText:
    return QuantityText(lot_size)
