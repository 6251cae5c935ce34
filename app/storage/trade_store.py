"""The trades in memory, each exactly once and in the venue's order.

The order of the tape is the order of its keys: by trade id, or, if trades are not numbered, by time and then by arrival.
Trades are in chunks in order of key; trades that arrive in order are appended, late ones are merged into their chunks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.market.arrays import BoolArray, Int64Array
from app.market.span import Span
from app.market.steps import Steps, in_steps
from app.market.trade import TradeBatch, concatenate
from app.storage.epochs import differing
from app.storage.tape_ranges import same_epoch

_CHUNK = 1 << 16
_EARLIEST, _LATEST = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)
_BEFORE_ALL = _EARLIEST
_MOST_ASIDE = 1_000  # batches; they are taken after each insertion where trades are recorded


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap: missing trades between trades that are loaded.

    `first_id` and `last_id` are the first and last missing id; `last_id` is before `first_id` if their number is unknown.
    `start_ns` and `end_ns` are the times of the trades before and after the gap.
    """

    first_id: int
    last_id: int
    start_ns: int
    end_ns: int

    @property
    def missing(self) -> int:
        """The number of missing trades; 0 if it is unknown."""
        return self.last_id - self.first_id + 1


class _Edge(NamedTuple):
    """The id and time of a trade at the edge of a possible gap."""

    trade_id: int
    time_ns: int


class _Chunk:
    """A part of the loaded tape: trades in the order of their keys, with the first and last key and the time range."""

    __slots__ = ("first_key", "keys", "last_key", "max_ns", "min_ns", "trades")

    def __init__(self, trades: TradeBatch, keys: Int64Array) -> None:
        self.trades, self.keys = trades, keys
        self.first_key, self.last_key = int(keys[0]), int(keys[-1])
        self.min_ns, self.max_ns = int(trades.time_ns.min()), int(trades.time_ns.max())

    def __len__(self) -> int:
        return len(self.trades)


class TradeStore:
    """The loaded trades of one market, without duplicates; beyond `limit` trades, the oldest are dropped.

    Parameters
    ----------
    limit : int
        Number of trades (33 bytes each) above which the oldest chunks of trades are dropped, and counted.
    contiguous : bool
        True if the venue's ids are consecutive, so that a skipped id is a gap.
    by_time : bool
        True if trades are not numbered: an id only distinguishes trades of the same time.
    """

    def __init__(self, limit: int = 20_000_000, *, contiguous: bool = True, by_time: bool = False) -> None:
        self.limit, self.contiguous, self.by_time = limit, contiguous and not by_time, by_time
        self.n_trades = 0
        self.duplicates = 0
        """Number of repeated trades that were left out."""
        self.forgotten = 0
        """Number of trades dropped because of the limit."""
        self.refused = 0
        """Number of trades that arrived after all trades of their time had been dropped."""
        self.floor_key = _BEFORE_ALL
        """Trades up to this key are refused: they were dropped."""
        self.floor_ns = 0
        """Bars that start before this time cannot be built from memory; 0 while nothing was dropped."""
        self._chunks: list[_Chunk] = []
        self._aside: list[TradeBatch] = []
        self._gap_list: list[Gap] = []
        self._cached_gaps: tuple[Gap, ...] | None = ()

    @property
    def first_id(self) -> int | None:
        """Id of the first loaded trade in the order of the tape; None without trades."""
        return int(self._chunks[0].trades.trade_id[0]) if self._chunks else None

    @property
    def last_id(self) -> int | None:
        """Id of the last loaded trade in the order of the tape; None without trades."""
        return int(self._chunks[-1].trades.trade_id[-1]) if self._chunks else None

    @property
    def last_key(self) -> int | None:
        """Key (see `keys`) of the last loaded trade in the order of the tape; None without trades."""
        return self._chunks[-1].last_key if self._chunks else None

    def keys(self, trades: TradeBatch) -> Int64Array:
        """The keys of trades, by which the tape is ordered: ids, or times if trades are not numbered; int64 [shape=(n,)]."""
        return trades.time_ns if self.by_time else trades.trade_id

    def in_order(self, trades: TradeBatch) -> TradeBatch:
        """Sort trades in the order of the tape; trades with equal keys stay in the given order."""
        keys = self.keys(trades)
        return trades if np.all(keys[1:] >= keys[:-1]) else trades[np.argsort(keys, kind="stable")]

    @property
    def missing(self) -> int:
        """The number of ids missing between the first and the last loaded trade; 0 if the venue's ids are not consecutive.

        Where ids start again between two trades, the number of missing ones is unknown, and counts as 0.
        """
        if not self.contiguous or not self._chunks:
            return 0
        first, last = self._chunks[0].first_key, self._chunks[-1].last_key
        if not same_epoch(first, last):
            return sum(gap.missing for gap in self._gap_list if gap.first_id > first)
        return last - first + 1 - self.n_trades

    @property
    def span(self) -> Span:
        """The time from the first loaded trade to just after the last; empty without trades."""
        if not self._chunks:
            return Span(0, 0)
        return Span(self._chunks[0].min_ns, self._chunks[-1].max_ns + 1)

    def insert(self, batch: TradeBatch) -> TradeBatch:
        """Add the trades of a batch that are not loaded yet, and return these in the order of the tape.

        Trades up to `floor_key` are refused; beyond `limit`, the oldest are dropped afterwards. Trades that continue the tape are
        only appended; late trades are merged, for which the chunks that they fall into are copied.
        """
        fresh = self._fresh(batch)
        if not len(fresh):
            return fresh
        if not self._chunks or self.keys(fresh)[0] >= self._chunks[-1].last_key:
            self._append(fresh)
        else:
            self._merge(fresh)
        self.n_trades += len(fresh)
        self._drop_oldest()
        return fresh

    def convert(self, old: Steps, new: Steps) -> None:
        """Convert the loaded trades from one tick and lot size to another.

        Raises
        ------
        StoreError
            If a price or quantity is not a multiple of the new tick or lot size, or too large; nothing has changed then.
        """
        converted = [in_steps(chunk.trades, old, new, "trades in memory") for chunk in self._chunks]
        self._chunks = [self._chunk(trades) for trades in converted]

    def trades(self, start_ns: int = _EARLIEST, end_ns: int = _LATEST) -> TradeBatch:
        """The loaded trades with times in `[start_ns, end_ns)`, in the order of the tape; by default all."""
        return concatenate(_within(chunk, start_ns, end_ns) for chunk in self._chunks if start_ns <= chunk.max_ns and chunk.min_ns < end_ns)

    def count_since(self, start_ns: int) -> int:
        """An upper limit for the number of loaded trades from a time on, computed without a scan of the trades."""
        return sum(len(chunk) for chunk in self._chunks if chunk.max_ns >= start_ns)

    def batches(self, start_ns: int = _EARLIEST) -> list[TradeBatch]:
        """The loaded trades from a time on, as immutable batches in the order of the tape; another thread may read them."""
        found = (_within(chunk, start_ns, _LATEST) for chunk in self._chunks)
        return [batch for batch in found if len(batch)]

    def reject_older_than(self, asked_from_ns: int) -> None:
        """Refuse, from now on, trades before the first loaded trade; does nothing without trades, or if trades were dropped before.

        `asked_from_ns` is the time from which trades were requested: bars that start earlier cannot be built from memory.
        """
        if self._chunks and not self.floor_ns:
            self.floor_key, self.floor_ns = self._chunks[0].first_key - 1, max(asked_from_ns, int(self._chunks[0].trades.time_ns[0]) + 1)

    def set_gaps(self, gaps: Sequence[Span]) -> None:
        """Set the gaps to the time ranges in which the feed may have missed trades, oldest first; ignored if trades are numbered.

        Without numbers nothing else shows a gap.
        """
        found = [Gap(0, -1, gap.start_ns, gap.end_ns) for gap in gaps]
        if self.by_time and found != self._gap_list:
            self._gap_list, self._cached_gaps = found, None

    def gaps(self) -> tuple[Gap, ...]:
        """The gaps, oldest first; the same object until they change.

        Gaps between trades dropped since stay: the bars built from those trades are still shown.
        """
        if self._cached_gaps is None:
            self._cached_gaps = tuple(self._gap_list)
        return self._cached_gaps

    # -- private ---------------------------------------------------------------------------------

    def _fresh(self, batch: TradeBatch) -> TradeBatch:
        """The trades of a batch that are neither loaded nor refused, in the order of the tape, without duplicates.

        Of trades with the same id (if trades are not numbered: that are equal) the first one counts. Refused trades and those with
        the id of a different trade are stored for `take_aside`.
        """
        if not len(batch):
            return batch
        if self.by_time:
            unique = self._each_once(self.in_order(batch))
        elif np.any(batch.trade_id[1:] <= batch.trade_id[:-1]):
            _, first, place = np.unique(batch.trade_id, return_index=True, return_inverse=True)
            self._put_aside(batch[differing(batch, batch[first[place]])])
            unique = batch[first]
        else:
            unique = batch
        self.duplicates += len(batch) - len(unique)
        batch, keys = unique, self.keys(unique)
        if keys[0] <= self.floor_key:
            too_late = int(np.searchsorted(keys, self.floor_key, side="right"))
            self.refused += too_late
            self._put_aside(batch[:too_late])
            batch, keys = batch[too_late:], keys[too_late:]
        if not self._chunks or not len(keys) or keys[0] > self._chunks[-1].last_key:
            return batch
        reached: list[_Chunk] = []
        for chunk in self._chunks[self._reaching(int(keys[0])) :]:
            if chunk.first_key > keys[-1]:
                break
            reached.append(chunk)
        known = _known_at(reached, batch) if self.by_time else _known(reached, keys)
        if not known.any():
            return batch
        self.duplicates += int(np.count_nonzero(known))
        if not self.by_time:
            self._put_aside(batch[_differ(reached, batch)])
        return batch[~known]

    def take_aside(self) -> TradeBatch:
        """The trades rejected since the last call: too old for memory, or with the id of another trade; this call clears them.

        Only the latest batches (about 1,000) are stored.
        """
        found, self._aside = concatenate(self._aside), []
        return found

    def _put_aside(self, trades: TradeBatch) -> None:
        if len(trades):
            self._aside = [*self._aside[-_MOST_ASIDE:], trades]

    def _each_once(self, batch: TradeBatch) -> TradeBatch:
        """The trades of a batch without those that equal an earlier one in all columns."""
        again = _repeats(batch)
        return batch if not len(again) else batch[np.delete(np.arange(len(batch)), again)]

    def _reaching(self, key: int) -> int:
        """Index of the first chunk whose last key is `key` or later; the number of chunks if there is none."""
        low, high = 0, len(self._chunks)
        while low < high:
            middle = (low + high) // 2
            if self._chunks[middle].last_key < key:
                low = middle + 1
            else:
                high = middle
        return low

    def _append(self, fresh: TradeBatch) -> None:
        """Append trades to the tape, add the gaps before and between them, and join small chunks at the end.

        Each trade is copied only a few times in all.
        """
        if self.contiguous:
            found = _gaps(self._edge_before(len(self._chunks)), fresh)
            self._gap_list += found
            self._cached_gaps = None if found else self._cached_gaps
        self._chunks += self._cut_up(fresh)
        while len(self._chunks) > 1 and len(self._chunks[-2]) <= 2 * len(self._chunks[-1]) <= _CHUNK:
            last = self._chunks.pop()
            self._chunks[-1:] = [self._chunk(concatenate((self._chunks[-1].trades, last.trades)))]

    def _merge(self, fresh: TradeBatch) -> None:
        """Merge late trades into the chunks to which they belong, join small neighbouring chunks, and update the gaps."""
        first_key, last_key = int(self.keys(fresh)[0]), int(self.keys(fresh)[-1])
        begin = self._reaching(first_key)
        end = begin
        total = len(fresh)
        while end < len(self._chunks) and self._chunks[end].first_key <= last_key:
            total += len(self._chunks[end])
            end += 1
        while begin and len(self._chunks[begin - 1]) <= 2 * total <= _CHUNK:
            begin -= 1
            total += len(self._chunks[begin])
        while end < len(self._chunks) and len(self._chunks[end]) <= 2 * total <= _CHUNK:
            total += len(self._chunks[end])
            end += 1
        merged = concatenate([*(chunk.trades for chunk in self._chunks[begin:end]), fresh])
        merged = merged[np.argsort(self.keys(merged), kind="stable")]
        if self.contiguous:
            self._update_gaps(self._edge_before(begin), merged, self._chunks[end : end + 1])
        self._chunks[begin:end] = self._cut_up(merged)

    def _edge_before(self, index: int) -> _Edge | None:
        """Id and time of the last trade before the chunk at `index`, loaded or dropped; None if there is none."""
        if index:
            chunk = self._chunks[index - 1]
            return _Edge(chunk.last_key, int(chunk.trades.time_ns[-1]))
        return _Edge(self.floor_key, self.floor_ns - 1) if self.forgotten else None

    def _update_gaps(self, before: _Edge | None, merged: TradeBatch, after: list[_Chunk]) -> None:
        """Recompute the gaps from the trade `before` merged trades to the first trade of the chunk `after` them."""
        begin = bisect_left(self._gap_list, before.trade_id if before else _EARLIEST, key=_first_id)
        end = bisect_left(self._gap_list, after[0].first_key if after else _LATEST, key=_first_id)
        found = _gaps(before, merged)
        last = _Edge(int(merged.trade_id[-1]), int(merged.time_ns[-1]))
        self._gap_list[begin:end] = found + [gap for chunk in after for gap in _gaps(last, chunk.trades[:1])]
        self._cached_gaps = None

    def _cut_up(self, trades: TradeBatch) -> list[_Chunk]:
        """Copy trades into chunks of limited size.

        A view would keep the original arrays alive, and their owner could write to them.
        """
        cuts = range(0, len(trades), _CHUNK)
        return [self._chunk(TradeBatch.of(*(column[start : start + _CHUNK].copy() for column in trades.columns))) for start in cuts]

    def _chunk(self, trades: TradeBatch) -> _Chunk:
        return _Chunk(trades, self.keys(trades))

    def _drop_oldest(self) -> None:
        while self.n_trades > self.limit and len(self._chunks) > 1:
            oldest = self._chunks.pop(0)
            self.n_trades -= len(oldest)
            self.forgotten += len(oldest)
            self.floor_key = oldest.last_key
            self.floor_ns = max(self.floor_ns, oldest.max_ns + 1)


def _known(chunks: list[_Chunk], ids: Int64Array) -> BoolArray:
    """Mark the ids that trades in the chunks have; bool [shape=(n,)]."""
    known = np.zeros(len(ids), bool)
    for chunk in chunks:
        place = np.minimum(np.searchsorted(chunk.keys, ids), len(chunk) - 1)
        known |= chunk.keys[place] == ids
    return known


def _differ(chunks: list[_Chunk], batch: TradeBatch) -> BoolArray:
    """Mark the trades whose id belongs to a different trade in the chunks, bool [shape=(n,)]."""
    found = np.zeros(len(batch), bool)
    for chunk in chunks:
        place = np.minimum(np.searchsorted(chunk.keys, batch.trade_id), len(chunk) - 1)
        found |= (chunk.keys[place] == batch.trade_id) & differing(batch, chunk.trades[place])
    return found


def _repeats(trades: TradeBatch) -> Int64Array:
    """The indices, unsorted, of the trades that equal an earlier one in all columns."""
    order = np.lexsort(trades.columns[::-1])
    differs = np.zeros(max(0, len(trades) - 1), bool)
    for column in trades.columns:
        differs |= np.diff(column[order]) != 0
    return order[1:][~differs]


def _known_at(chunks: list[_Chunk], batch: TradeBatch) -> BoolArray:
    """Mark the trades, given in order of time, that equal a trade in the chunks in all columns; bool [shape=(n,)]."""
    known = np.zeros(len(batch), bool)
    first_ns, last_ns = int(batch.time_ns[0]), int(batch.time_ns[-1])
    for chunk in chunks:
        start, end = np.searchsorted(chunk.keys, first_ns), np.searchsorted(chunk.keys, last_ns, side="right")
        near = chunk.trades[start:end]
        again = _repeats(concatenate((near, batch)))
        known[again[again >= len(near)] - len(near)] = True
    return known


def _gaps(before: _Edge | None, trades: TradeBatch) -> list[Gap]:
    """Find the gaps between the ids of trades, and the gap between the trade `before`, if there is one, and the first of them."""
    ids, times = trades.trade_id, trades.time_ns
    found: list[Gap] = []
    if before and int(ids[0]) > before.trade_id + 1:
        found.append(_gap(before, _Edge(int(ids[0]), int(times[0]))))
    if int(ids[-1]) - int(ids[0]) + 1 == len(ids):
        return found
    edges = [(_Edge(int(ids[i]), int(times[i])), _Edge(int(ids[i + 1]), int(times[i + 1]))) for i in np.flatnonzero(np.diff(ids) > 1)]
    return found + [_gap(*pair) for pair in edges]


def _gap(before: _Edge, after: _Edge) -> Gap:
    """The gap between two trades; if ids start again between them, the number of missing trades is unknown."""
    last_id = after.trade_id - 1 if same_epoch(before.trade_id, after.trade_id) else before.trade_id
    return Gap(before.trade_id + 1, last_id, before.time_ns, after.time_ns)


def _first_id(gap: Gap) -> int:
    return gap.first_id


def _within(chunk: _Chunk, start_ns: int, end_ns: int) -> TradeBatch:
    if start_ns <= chunk.min_ns and chunk.max_ns < end_ns:
        return chunk.trades
    if chunk.max_ns < start_ns or end_ns <= chunk.min_ns:
        return TradeBatch.empty()
    times = chunk.trades.time_ns
    inside = np.flatnonzero((times >= start_ns) & (times < end_ns))
    if len(inside) and int(inside[-1]) - int(inside[0]) + 1 == len(inside):
        return chunk.trades[int(inside[0]) : int(inside[-1]) + 1]  # a view: no copy
    return chunk.trades[inside]
