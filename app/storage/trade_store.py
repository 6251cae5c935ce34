"""The trades held in memory: each exactly once, in the venue's order, whatever way they arrived.

The order of the tape is the order of its keys: of trade ids, or, where trades are not numbered, of times, and then as they came.
Trades lie in chunks that follow one another by key; what arrives in order is appended, what arrives late is merged into the
chunks it belongs to.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from app.market.span import Span
from app.market.trade import TradeBatch, concatenate

_CHUNK = 1 << 16
_EARLIEST, _LATEST = int(np.iinfo(np.int64).min), int(np.iinfo(np.int64).max)
_BEFORE_ALL = _EARLIEST


@dataclass(frozen=True, slots=True)
class Gap:
    """Trades that we do not have: ids included at both ends, none (`last_id` before `first_id`) where nobody knows how many.

    `start_ns` and `end_ns` are the times of the trades held before and after it.
    """

    first_id: int
    last_id: int
    start_ns: int
    end_ns: int

    @property
    def missing(self) -> int:
        """How many trades; 0 if nobody knows."""
        return self.last_id - self.first_id + 1


class _Edge(NamedTuple):
    """Where a stretch of trades ends."""

    trade_id: int
    time_ns: int


class _Chunk:
    """Trades with ascending keys, and what is asked of them often."""

    __slots__ = ("first_key", "keys", "last_key", "max_ns", "min_ns", "trades")

    def __init__(self, trades: TradeBatch, keys: np.ndarray) -> None:
        self.trades, self.keys = trades, keys
        self.first_key, self.last_key = int(keys[0]), int(keys[-1])
        self.min_ns, self.max_ns = int(trades.time_ns.min()), int(trades.time_ns.max())

    def __len__(self) -> int:
        return len(self.trades)


class TradeStore:
    """Every trade of one market, once.

    Parameters
    ----------
    limit : int
        Trades kept at most (33 bytes each); beyond it the oldest are forgotten, and counted.
    contiguous : bool
        Whether the venue numbers its trades without gaps, so that a gap is a hole.
    by_time : bool
        The trades are not numbered at all: an id only tells one from another of the same time.
    """

    def __init__(self, limit: int = 20_000_000, *, contiguous: bool = True, by_time: bool = False) -> None:
        self.limit, self.contiguous, self.by_time = limit, contiguous and not by_time, by_time
        self.n_trades = 0
        self.duplicates = 0
        """Trades that came again and were left out."""
        self.forgotten = 0
        """Trades let go of because of the limit."""
        self.refused = 0
        """Trades that came only after everything of their age had been let go of."""
        self.floor_key = _BEFORE_ALL
        """No trade up to this key is taken any more: it was forgotten."""
        self.floor_ns = 0
        """Bars that begin before this time cannot be built from what is held; 0 while all that came is held."""
        self._chunks: list[_Chunk] = []
        self._holes: list[Gap] = []
        self._told: tuple[Gap, ...] | None = ()

    @property
    def first_id(self) -> int | None:
        """Id of the oldest trade held."""
        return int(self._chunks[0].trades.trade_id[0]) if self._chunks else None

    @property
    def last_id(self) -> int | None:
        """Id of the newest trade held."""
        return int(self._chunks[-1].trades.trade_id[-1]) if self._chunks else None

    @property
    def last_key(self) -> int | None:
        """Key of the newest trade held."""
        return self._chunks[-1].last_key if self._chunks else None

    def keys(self, trades: TradeBatch) -> np.ndarray:
        """What the tape is ordered by."""
        return trades.time_ns if self.by_time else trades.trade_id

    def in_order(self, trades: TradeBatch) -> TradeBatch:
        """The trades in the order of the tape; of the same key as they are."""
        keys = self.keys(trades)
        return trades if np.all(keys[1:] >= keys[:-1]) else trades[np.argsort(keys, kind="stable")]

    @property
    def missing(self) -> int:
        """How many ids are missing between the first and the last."""
        if not self.contiguous or not self._chunks:
            return 0
        return self._chunks[-1].last_key - self._chunks[0].first_key + 1 - self.n_trades

    @property
    def span(self) -> Span:
        """From the first trade's time to just behind the last one's; empty while there are none."""
        if not self._chunks:
            return Span(0, 0)
        return Span(self._chunks[0].min_ns, self._chunks[-1].max_ns + 1)

    def insert(self, batch: TradeBatch) -> TradeBatch:
        """Take in what is new of a batch and return it, in the order of the tape; a repeated trade is nothing.

        In the order of the tape it costs the batch alone; late trades cost the chunks that they fall into.
        """
        fresh = self._fresh(batch)
        if not len(fresh):
            return fresh
        if not self._chunks or self.keys(fresh)[0] >= self._chunks[-1].last_key:
            self._append(fresh)
        else:
            self._merge(fresh)
        self.n_trades += len(fresh)
        self._forget()
        return fresh

    def trades(self, start_ns: int = _EARLIEST, end_ns: int = _LATEST) -> TradeBatch:
        """The trades with times in `[start_ns, end_ns)`, in the order of the tape."""
        return concatenate(_within(chunk, start_ns, end_ns) for chunk in self._chunks if start_ns <= chunk.max_ns and chunk.min_ns < end_ns)

    def count_since(self, start_ns: int) -> int:
        """At most how many trades `trades(start_ns)` would return, without looking at each."""
        return sum(len(chunk) for chunk in self._chunks if chunk.max_ns >= start_ns)

    def batches(self, start_ns: int = _EARLIEST) -> list[TradeBatch]:
        """The trades from `start_ns` on as immutable batches, in the order of the tape: a snapshot that another thread may read."""
        found = (_within(chunk, start_ns, _LATEST) for chunk in self._chunks)
        return [batch for batch in found if len(batch)]

    def reject_older_than(self, asked_from_ns: int) -> None:
        """Refuse what is older than all that is held: there is no room for more. All from `asked_from_ns` on has come."""
        if self._chunks and not self.floor_ns:
            self.floor_key, self.floor_ns = self._chunks[0].first_key - 1, max(asked_from_ns, int(self._chunks[0].trades.time_ns[0]) + 1)

    def set_gaps(self, gaps: Sequence[Span]) -> None:
        """Where trades may be missing, oldest first, as the feed knows it: of trades that are not numbered nothing else tells."""
        holes = [Gap(0, -1, gap.start_ns, gap.end_ns) for gap in gaps]
        if self.by_time and holes != self._holes:
            self._holes, self._told = holes, None

    def gaps(self) -> tuple[Gap, ...]:
        """What is missing between the first trade and the last, oldest first; the same object until something changes.

        Holes between trades that were let go of stay: the bars that were built from those are still to be seen.
        """
        if self._told is None:
            self._told = tuple(self._holes)
        return self._told

    # -- inside ----------------------------------------------------------------------------------

    def _fresh(self, batch: TradeBatch) -> TradeBatch:
        """What of a batch is not held yet, in the order of the tape, each trade once (the first of equals)."""
        if not len(batch):
            return batch
        if self.by_time:
            kept = self._each_once(self.in_order(batch))
        elif np.any(batch.trade_id[1:] <= batch.trade_id[:-1]):
            kept = batch[np.unique(batch.trade_id, return_index=True)[1]]
        else:
            kept = batch
        self.duplicates += len(batch) - len(kept)
        batch, keys = kept, self.keys(kept)
        if keys[0] <= self.floor_key:
            too_late = int(np.searchsorted(keys, self.floor_key, side="right"))
            self.refused += too_late
            batch, keys = batch[too_late:], keys[too_late:]
        if not self._chunks or not len(keys) or keys[0] > self._chunks[-1].last_key:
            return batch
        reached = []
        for chunk in self._chunks[self._reaching(int(keys[0])) :]:
            if chunk.first_key > keys[-1]:
                break
            reached.append(chunk)
        held = _held_at(reached, batch) if self.by_time else _held(reached, keys)
        if not held.any():
            return batch
        self.duplicates += int(np.count_nonzero(held))
        return batch[~held]

    def _each_once(self, batch: TradeBatch) -> TradeBatch:
        """The trades without those that repeat an earlier one's time and id."""
        order = np.lexsort((batch.trade_id, batch.time_ns))
        ids, times = batch.trade_id[order], batch.time_ns[order]
        again = order[1:][(ids[1:] == ids[:-1]) & (times[1:] == times[:-1])]
        return batch if not len(again) else batch[np.delete(np.arange(len(batch)), again)]

    def _reaching(self, key: int) -> int:
        """Index of the first chunk whose keys reach `key`."""
        low, high = 0, len(self._chunks)
        while low < high:
            middle = (low + high) // 2
            if self._chunks[middle].last_key < key:
                low = middle + 1
            else:
                high = middle
        return low

    def _append(self, fresh: TradeBatch) -> None:
        """Put trades at the end; small chunks melt together so that each trade is copied a few times at most."""
        if self.contiguous:
            found = _gaps(self._edge_before(len(self._chunks)), fresh)
            self._holes += found
            self._told = None if found else self._told
        self._chunks += self._cut_up(fresh)
        while len(self._chunks) > 1 and len(self._chunks[-2]) <= 2 * len(self._chunks[-1]) <= _CHUNK:
            last = self._chunks.pop()
            self._chunks[-1:] = [self._chunk(concatenate((self._chunks[-1].trades, last.trades)))]

    def _merge(self, fresh: TradeBatch) -> None:
        """Weave late trades into the chunks whose keys they lie between, and into small neighbours."""
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
        woven = concatenate([*(chunk.trades for chunk in self._chunks[begin:end]), fresh])
        woven = woven[np.argsort(self.keys(woven), kind="stable")]
        if self.contiguous:
            self._look_again(self._edge_before(begin), woven, self._chunks[end : end + 1])
        self._chunks[begin:end] = self._cut_up(woven)

    def _edge_before(self, index: int) -> _Edge | None:
        """The last trade before the chunk at `index`, held or let go of."""
        if index:
            chunk = self._chunks[index - 1]
            return _Edge(chunk.last_key, int(chunk.trades.time_ns[-1]))
        return _Edge(self.floor_key, self.floor_ns - 1) if self.forgotten else None

    def _look_again(self, before: _Edge | None, woven: TradeBatch, after: list[_Chunk]) -> None:
        """Replace the holes between the trade before and the chunk after by those that are left."""
        begin = bisect_left(self._holes, before.trade_id if before else _EARLIEST, key=_first_id)
        end = bisect_left(self._holes, after[0].first_key if after else _LATEST, key=_first_id)
        found = _gaps(before, woven)
        last = _Edge(int(woven.trade_id[-1]), int(woven.time_ns[-1]))
        self._holes[begin:end] = found + [hole for chunk in after for hole in _gaps(last, chunk.trades[:1])]
        self._told = None

    def _cut_up(self, trades: TradeBatch) -> list[_Chunk]:
        """The trades in chunks, in memory of their own: a view would keep what it was cut from alive, and its owner could write to it."""
        cuts = range(0, len(trades), _CHUNK)
        return [self._chunk(TradeBatch.of(*(column[start : start + _CHUNK].copy() for column in trades.columns))) for start in cuts]

    def _chunk(self, trades: TradeBatch) -> _Chunk:
        return _Chunk(trades, self.keys(trades))

    def _forget(self) -> None:
        while self.n_trades > self.limit and len(self._chunks) > 1:
            oldest = self._chunks.pop(0)
            self.n_trades -= len(oldest)
            self.forgotten += len(oldest)
            self.floor_key = oldest.last_key
            self.floor_ns = max(self.floor_ns, oldest.max_ns + 1)


def _held(chunks: list[_Chunk], ids: np.ndarray) -> np.ndarray:
    """Which of some ascending ids the chunks hold."""
    held = np.zeros(len(ids), bool)
    for chunk in chunks:
        place = np.minimum(np.searchsorted(chunk.keys, ids), len(chunk) - 1)
        held |= chunk.keys[place] == ids
    return held


def _held_at(chunks: list[_Chunk], batch: TradeBatch) -> np.ndarray:
    """Which of some trades in the order of time the chunks hold, told by time and id."""
    held = np.zeros(len(batch), bool)
    for chunk in chunks:
        start, end = np.searchsorted(chunk.keys, batch.time_ns[0]), np.searchsorted(chunk.keys, batch.time_ns[-1], side="right")
        near = chunk.trades[start:end]
        together = concatenate((near, batch))
        order = np.lexsort((together.trade_id, together.time_ns))
        ids, times = together.trade_id[order], together.time_ns[order]
        again = order[1:][(ids[1:] == ids[:-1]) & (times[1:] == times[:-1])]
        held[again[again >= len(near)] - len(near)] = True
    return held


def _gaps(before: _Edge | None, trades: TradeBatch) -> list[Gap]:
    """The holes between the trades, and between them and the trade before, if there is one."""
    ids, times = trades.trade_id, trades.time_ns
    found = []
    if before and int(ids[0]) > before.trade_id + 1:
        found.append(Gap(before.trade_id + 1, int(ids[0]) - 1, before.time_ns, int(times[0])))
    if int(ids[-1]) - int(ids[0]) + 1 == len(ids):
        return found
    return found + [Gap(int(ids[i]) + 1, int(ids[i + 1]) - 1, int(times[i]), int(times[i + 1])) for i in np.flatnonzero(np.diff(ids) > 1)]


def _first_id(hole: Gap) -> int:
    return hole.first_id


def _within(chunk: _Chunk, start_ns: int, end_ns: int) -> TradeBatch:
    if start_ns <= chunk.min_ns and chunk.max_ns < end_ns:
        return chunk.trades
    if chunk.max_ns < start_ns or end_ns <= chunk.min_ns:
        return TradeBatch.empty()
    times = chunk.trades.time_ns
    inside = np.flatnonzero((times >= start_ns) & (times < end_ns))
    if len(inside) and int(inside[-1]) - int(inside[0]) + 1 == len(inside):
        return chunk.trades[int(inside[0]) : int(inside[-1]) + 1]  # nothing is copied
    return chunk.trades[inside]
