"""Epochs of trade ids: after a relisting or a reset a venue's ids start again, and the same id is another trade.

Inside the program the upper bits of a numbered market's ids count its epochs: the first epoch is 0 and its ids are the venue's
own; trades of later epochs, and of earlier ones that are imported afterwards, have other upper bits. Such an id with an epoch is a
*key*. Keys are unique and in the order of time, so that other code need not handle epochs. `raw_ids` returns the venue's ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from app.market.arrays import BoolArray, Int64Array
from app.market.coverage import Source
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.storage.tape_ranges import EPOCH_BITS, TapeRange, TapeRanges, epoch_of, same_epoch

_MASK = (1 << EPOCH_BITS) - 1
_SPACING = 64  # numbers between two epochs, so that one found later fits between them
_MOST = 1 << 14
_AT_ONCE = 100
_JITTER_NS, _EARLY_NS = 10 * 10**9, 60 * 10**9  # a trade may be later, or earlier, than its id says by this much
_FAR_BELOW = 1_000  # ids; a trade after all others with an id so far below theirs is not just late
_MILLISECOND_NS = 1_000_000


def raw_id(key: int) -> int:
    """The venue's trade id in a key, i.e. without the epoch in the upper bits."""
    return key & _MASK


def raw_ids(keys: Int64Array) -> Int64Array:
    """The venue's trade ids in keys, i.e. without the epochs in the upper bits; int64 [shape=(n,)]."""
    return keys & _MASK


def keys_of_ids(ids: Iterable[Span], span: Span, stored: TapeRanges) -> list[Span]:
    """Convert ranges `[first, end)` of a venue's trade ids to keys of the epoch whose ids, stored in a time span, are the closest.

    If none are stored in the span, the epoch of the newest stored trade is used; in an empty store, epoch 0.
    """
    near = [one for one in stored if Span(one.start_ns, one.end_ns).intersection(span)] or list(stored)[-1:]
    found: list[Span] = []
    for run in ids:
        closest = min(near, key=lambda one: max(raw_id(one.first_key) - run.start_ns, run.start_ns - raw_id(one.last_key), 0), default=None)
        offset = 0 if closest is None else epoch_of(closest.first_key) << EPOCH_BITS
        found.append(Span(run.start_ns + offset, run.end_ns + offset))
    return found


class _Epoch(NamedTuple):
    """The stored tape ranges of one epoch of trade ids: its number, and the first and last id, start and end time of each range."""

    number: int
    first_ids: Int64Array
    last_ids: Int64Array
    starts_ns: Int64Array
    ends_ns: Int64Array

    @property
    def start_ns(self) -> int:
        return int(self.starts_ns.min())

    @property
    def end_ns(self) -> int:
        return int(self.ends_ns.max())

    def fits(self, ids: Int64Array, times: Int64Array) -> BoolArray:
        """Mark the trades whose time agrees with their id, judged by the stored ids around it; bool [shape=(n,)]."""
        before = np.searchsorted(self.first_ids, ids, side="right") - 1  # the range that begins at or before the id
        inside = (before >= 0) & (ids <= self.last_ids[np.maximum(before, 0)])
        after = np.where(inside, before, before + 1)
        lower = np.where(before >= 0, np.where(inside, self.starts_ns[before], self.ends_ns[before]), -(1 << 62))
        last = len(self.first_ids)
        bound = np.minimum(after, last - 1)
        upper = np.where(after < last, np.where(inside, self.ends_ns[bound], self.starts_ns[bound]), 1 << 62)
        starts_again = (times >= self.end_ns) & (ids < int(self.last_ids[-1]) - _FAR_BELOW)
        return (times >= lower - _EARLY_NS) & (times <= upper + _JITTER_NS) & ~starts_again

    def distance(self, ids: Int64Array) -> Int64Array:
        """The distance of each id from the range of the epoch's stored ids, 0 inside the range; int64 [shape=(n,)]."""
        return np.maximum(0, np.maximum(int(self.first_ids[0]) - ids, ids - int(self.last_ids[-1])))


def keyed(trades: TradeBatch, stored: TapeRanges) -> TradeBatch:
    """Convert the venue's trade ids in a batch to keys (ids with an epoch in the upper bits); the order stays.

    If an id has an epoch already, the batch is returned unchanged. A trade belongs to the epoch in whose time it lies; before,
    between and after the stored epochs, to the nearest in which its time agrees with its id. If there is none, ids have started
    again, and the trade belongs to a new epoch.
    """
    if not len(trades):
        return trades
    newest = stored.last
    ids, times = trades.trade_id, trades.time_ns
    if epoch_of(int(ids.max())) or epoch_of(int(ids.min())):
        return trades  # keys already: a venue's own ids are smaller
    rising = bool(np.all(ids[1:] > ids[:-1]) and np.all(times[1:] >= times[:-1] - _JITTER_NS))
    if rising and (newest is None or (raw_id(newest.last_key) < ids[0] and times[0] >= newest.end_ns - _JITTER_NS)):
        offset = 0 if newest is None else epoch_of(newest.last_key) << EPOCH_BITS
        if same_epoch(offset, next(iter(stored)).first_key if newest is not None else 0):  # there is one epoch only
            return _shifted(trades, np.full(len(ids), offset))
    order = np.argsort(times, kind="stable")
    offsets = np.zeros(len(ids), np.int64)
    known = TapeRanges(stored)
    for part in _runs(ids[order], times[order]):
        rows = order[part]
        offsets[rows] = _offsets(ids[rows], times[rows], known)
        for offset in np.unique(offsets[rows]).tolist():
            of_it = rows[offsets[rows] == offset]
            known.add(_range_of(ids[of_it] + offset, times[of_it]))
    return _shifted(trades, offsets)


def differing(one: TradeBatch, other: TradeBatch) -> BoolArray:
    """Mark the pairs of trades, with equal ids, that are different trades; bool [shape=(n,)].

    Times less than 1 ms apart count as equal, as sources report milliseconds or finer, and an unknown side is equal to any.
    """
    return (
        (one.price_ticks != other.price_ticks)
        | (one.quantity_lots != other.quantity_lots)
        | (np.abs(one.time_ns - other.time_ns) >= _MILLISECOND_NS)
        | ((one.side != other.side) & (one.side != 0) & (other.side != 0))
    )


def without_conflicts(trades: TradeBatch, stored: TradeBatch) -> tuple[TradeBatch, TradeBatch]:
    """Select the new trades, one per id, and the trades whose id belongs to a different trade: a stored one or an earlier one."""
    together = concatenate([stored, trades])
    _, first, place = np.unique(together.trade_id, return_index=True, return_inverse=True)
    begin = together[first[place]]
    conflict = differing(together, begin)
    conflict[: len(stored)] = False
    given = np.arange(len(together)) >= len(stored)
    own = np.zeros(len(together), bool)
    own[first] = True
    return together[own & given], together[conflict & given]


def _shifted(trades: TradeBatch, offsets: Int64Array) -> TradeBatch:
    return TradeBatch.of(*trades.columns[:4], trades.trade_id + offsets) if offsets.any() else trades


def _runs(ids: Int64Array, times: Int64Array) -> list[slice]:
    """Divide trades, given in order of time, where their ids start again, at most 100 times; return the slices."""
    found: list[slice] = []
    start = 0
    while start < len(ids):
        highest = np.maximum.accumulate(ids[start:])
        since_ns = times[start:][np.searchsorted(highest, ids[start:])]  # when an id as high as this was first reached
        highest_ns = times[start:][np.searchsorted(highest, highest)]
        far_below = (highest - ids[start:] > _FAR_BELOW) & (times[start:] > highest_ns)
        anew = np.flatnonzero((times[start:] > since_ns + _JITTER_NS) | far_below)
        end = len(ids) if not len(anew) or len(found) >= _AT_ONCE else start + int(anew[0])
        found.append(slice(start, end))
        start = end
    return found


def _offsets(ids: Int64Array, times: Int64Array, known: TapeRanges) -> Int64Array:
    """The offset from each id to its key, int64 [shape=(n,)]; the ids must not start again within these trades."""
    epochs = _epochs(known)
    offsets = np.zeros(len(ids), np.int64)
    if not epochs:
        return offsets
    open_ = np.ones(len(ids), bool)
    touched = np.stack([(times >= epoch.start_ns - _MILLISECOND_NS) & (times < epoch.end_ns + _MILLISECOND_NS) for epoch in epochs])
    if (shared := touched.sum(axis=0) > 1).any():  # one epoch ends in the millisecond in which the next one begins: the id decides
        distances = np.where(touched, np.stack([epoch.distance(ids) for epoch in epochs]), 1 << 62)
        offsets[shared] = np.array([epoch.number for epoch in epochs])[np.argmin(distances, axis=0)][shared] << EPOCH_BITS
        open_ &= ~shared
    for epoch in epochs:
        inside = open_ & (times >= epoch.start_ns) & (times < epoch.end_ns)
        offsets[inside] = epoch.number << EPOCH_BITS
        open_ &= ~inside
    after = np.searchsorted([epoch.start_ns for epoch in epochs], times, side="right")
    places: list[int] = np.unique(after[open_]).tolist()
    for place in places:
        rows = open_ & (after == place)
        near = epochs[max(0, place - 1) : place + 1]
        far = 1 << 62
        distances = np.stack([np.where(epoch.fits(ids, times), epoch.distance(ids), far) for epoch in near])
        numbers = np.array([epoch.number for epoch in near])[np.argmin(distances, axis=0)]
        new = rows & (distances.min(axis=0) == far)
        if new.any():  # then all later ones that do not belong to the next epoch are of the new one as well
            later = np.arange(len(ids)) >= int(np.argmax(new))
            following = numbers == (epochs[place].number if place < len(epochs) else far)
            earlier = np.arange(len(ids)) < int(np.flatnonzero(new)[-1])  # and no trade before it is of the next epoch
            numbers[new | (later & ~following) | (earlier & rows & following)] = _new_number(epochs, place)
        offsets[rows] = numbers[rows] << EPOCH_BITS
    return offsets


def _new_number(epochs: list[_Epoch], place: int) -> int:
    """The number for a new epoch before the one at index `place`, or after the last; a neighbour's number if none is free."""
    if place == 0:
        return max(-_MOST, epochs[0].number - _SPACING)
    if place == len(epochs):
        return min(_MOST, epochs[-1].number + _SPACING)
    return (epochs[place - 1].number + epochs[place].number) // 2


def _epochs(known: TapeRanges) -> list[_Epoch]:
    parts: dict[int, list[TapeRange]] = {}
    for one in known:
        parts.setdefault(epoch_of(one.first_key), []).append(one)
    return [
        _Epoch(
            number,
            *(
                np.array(values, np.int64)
                for values in zip(*((raw_id(s.first_key), raw_id(s.last_key), s.start_ns, s.end_ns) for s in ranges), strict=True)
            ),
        )
        for number, ranges in sorted(parts.items())
    ]


def _range_of(keys: Int64Array, times: Int64Array) -> TapeRange:
    first, last = int(keys.min()), int(keys.max())
    return TapeRange(first, last, first, last, int(times.min()), int(times.max()) + 1, Source.ARCHIVE)
