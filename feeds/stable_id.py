"""Ids that are text as numbers: they tell one trade from another and nothing else."""

from __future__ import annotations

from hashlib import blake2b

_LARGEST = 2**63 - 1


def stable_id(text: str) -> int:
    """The venue's own number where the text is one of 63 bits, else 63 bits of its BLAKE2b: the same wherever it is read."""
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST:
        return int(text)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 1
