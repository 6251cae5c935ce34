"""Exact sums of price distance times volume, and of squared price distance times volume, in numpy.

A month of a market of tick 0.01 and lot 0.00000001 that trades a million units a day in a range of half its price has distances
below 2**23 ticks and 3e15 lots, which is below 2**52: its sum of `distance * lots` needs 75 bits and that of `distance**2 * lots`
98. So both are stored in words of 63 bits, the highest word with the sign. Two and three of them are enough for all prices and
quantities that fit into columns of int64: with distances below 2**63 ticks, and volumes below 2**63 lots in all,

    |sum(distance * lots)| < 2**126, which is two words;  sum(distance**2 * lots) < 2**189, which is three.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from app.market.arrays import Int64Array

WORD_BITS = 63
RUN = 1 << 16
"""The largest number of trades that is summed at once."""
_WORD = (1 << WORD_BITS) - 1
_LIMB_BITS = 21  # a third of a word
_LIMB = (1 << _LIMB_BITS) - 1
# A product of two limbs is below 2**42, a sum of RUN of them below 2**58, and at most four such sums with a carry meet: below 2**61.
_OFFSET_WORDS, _SQUARE_WORDS = 2, 3


class WideSums(NamedTuple):
    """The two sums of each run of trades (see `wide_sums`), as 63-bit words from the lowest to the highest (see `wide_integers`)."""

    offset: tuple[Int64Array, Int64Array]
    square: tuple[Int64Array, Int64Array, Int64Array]


def wide_sums(distance: Int64Array, quantity: Int64Array, starts: Int64Array) -> WideSums:
    """The sums of `distance * quantity` and of `distance**2 * quantity` over each run of consecutive trades.

    Parameters
    ----------
    distance : int64 [shape=(n,)]
        Distance of each price from a reference price, in ticks.
    quantity : int64 [shape=(n,)]
        Lots, at least 0.
    starts : int64 [shape=(n_runs,)]
        Index of the first trade of each run; ascending, from 0. A run has at most `RUN` trades.
    """
    furthest = max(int(distance.max()), -int(distance.min()))
    heaviest = int(np.add.reduceat(quantity, starts).max())
    if furthest**2 * heaviest <= _WORD:  # hence no partial sum is larger either
        offset = distance * quantity
        square = np.add.reduceat(distance * offset, starts)
        offset = np.add.reduceat(offset, starts)
        nought = np.zeros_like(offset)
        return WideSums((offset & _WORD, offset >> WORD_BITS), (square, nought, nought))
    away, lots = _limbs(np.abs(distance)), _limbs(quantity)
    signed = [np.sign(distance) * limb for limb in lots]
    low, high = _words(_summed(away, signed, starts), _OFFSET_WORDS)
    lowest, middle, highest = _words(_summed(_squared(away), lots, starts), _SQUARE_WORDS)
    return WideSums((low, high), (lowest, middle, highest))


def wide_integers(words: Sequence[Int64Array]) -> list[int]:
    """Join columns of 63-bit words, lowest word first, into a list of Python integers."""
    *lower, top = (word.tolist() for word in words)
    found: list[int] = top
    for word in reversed(lower):
        found = [(value << WORD_BITS) + part for value, part in zip(found, word, strict=True)]
    return found


def wide_integer(words: Sequence[int]) -> int:
    """Join 63-bit words, lowest first, into one Python integer."""
    found = 0
    for word in reversed(words):
        found = (found << WORD_BITS) + word
    return found


def wide_words(value: int, count: int) -> list[int]:
    """Split an integer into `count` words of 63 bits, lowest first; the highest word has the sign."""
    return [value >> WORD_BITS * place & _WORD for place in range(count - 1)] + [value >> WORD_BITS * (count - 1)]


def _limbs(values: Int64Array) -> list[Int64Array]:
    """Split numbers of at least 0 into limbs of 21 bits, lowest first; as many limbs as the largest number needs."""
    count = max(1, -(-int(values.max()).bit_length() // _LIMB_BITS))
    return [values >> _LIMB_BITS * place & _LIMB for place in range(count)]


def _squared(limbs: Sequence[Int64Array]) -> list[Int64Array]:
    """Square numbers that are split into limbs; return the squares in limbs, lowest first."""
    places: list[Int64Array] = [np.zeros_like(limbs[0]) for _ in range(2 * len(limbs))]
    for i, one in enumerate(limbs):
        for j, other in enumerate(limbs):
            places[i + j] += one * other
    return _carried(places)


def _summed(left: Sequence[Int64Array], right: Sequence[Int64Array], starts: Int64Array) -> list[Int64Array]:
    """Sum `left * right` over each run of trades, all split into limbs, lowest first; the highest limb of a sum has the sign."""
    places: list[Int64Array] = [np.zeros(len(starts), np.int64) for _ in range(len(left) + len(right))]
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            places[i + j] += np.add.reduceat(one * other, starts)
    return _carried(places)


def _carried(places: Iterable[Int64Array]) -> list[Int64Array]:
    """Cut sums to limbs of 21 bits, lowest first, and carry the excess; the last carry becomes the highest limb, with the sign."""
    limbs: list[Int64Array] = []
    carry: Int64Array | int = 0
    for place in places:
        whole = place + carry
        limbs.append(whole & _LIMB)
        carry = whole >> _LIMB_BITS
    return [*limbs, np.asarray(carry)]


def _words(limbs: list[Int64Array], count: int) -> list[Int64Array]:
    """Join limbs into `count` words of 63 bits, lowest first; the highest word has the sign."""
    per_word = WORD_BITS // _LIMB_BITS
    while len(limbs) < count * per_word:
        top = limbs.pop()
        limbs += [top & _LIMB, top >> _LIMB_BITS]
    while len(limbs) > count * per_word:  # what the bounds leave of it is the sign
        top = limbs.pop()
        limbs[-1] = limbs[-1] + (top << _LIMB_BITS)
    words = (limbs[first : first + per_word] for first in range(0, len(limbs), per_word))
    return [low + (middle << _LIMB_BITS) + (high << 2 * _LIMB_BITS) for low, middle, high in words]
