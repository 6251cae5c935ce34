"""Numeric trade ids from text ids; they identify trades and have no order."""

from __future__ import annotations

from hashlib import blake2b

_LARGEST = 2**63 - 1


def stable_id(text: str) -> int:
    """Convert a text id to a number: a whole number of at most 63 bits stays, any other text becomes 63 bits of its BLAKE2b hash.

    The same text always gives the same id.
    """
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST:
        return int(text)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
