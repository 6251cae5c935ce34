"""The playback of a tape: the trades that have happened so far, and the order in which they are sent."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

import numpy as np

from app.market.trade import TradeBatch
from tests.venue_emulator.faults import Faults
from tests.venue_emulator.messages import TradeWriter
from tests.venue_emulator.tape import Rows, Tape

_LATEST = 20  # maximum number of places by which a reordered trade is late


@dataclass(slots=True)
class Totals:
    """Count, first and last id, and sums in lots of some trades."""

    count: int = 0
    first_id: int | None = None
    last_id: int | None = None
    lots: int = 0
    buy_lots: int = 0
    sell_lots: int = 0

    def add(self, rows: Rows) -> None:
        """Add trades that follow those added before."""
        if not rows.size:
            return
        lots, buys = int(rows.quantity_lots.sum()), int(rows.quantity_lots[rows.side > 0].sum())
        self.count += rows.size
        self.first_id = int(rows.trade_id[0]) if self.first_id is None else self.first_id
        self.last_id = int(rows.trade_id[-1])
        self.lots += lots
        self.buy_lots += buys
        self.sell_lots += lots - buys

    def as_json(self) -> dict[str, int | None]:
        """The values by name, for JSON."""
        return asdict(self)


def digest_of(trades: TradeBatch) -> str:
    """A hash of every field of every trade, in order, so that only equal trades have equal hashes."""
    digest = hashlib.blake2b(digest_size=16)
    for column in trades.columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()


class Playback:
    """The playback of one tape at the venue.

    Parameters
    ----------
    origin_us : int
        Venue time of the tape's opening.
    compression : float
        Factor by which the tape's times are divided, so that it is played that many times faster.
    """

    def __init__(self, tape: Tape, origin_us: int, compression: float, faults: Faults, random: np.random.Generator) -> None:
        self.tape = tape
        self.symbol = tape.symbol
        self.stream = f"{tape.symbol.lower()}@aggTrade"
        self.writer = TradeWriter(tape.symbol, tape.market, tape.tick_size, tape.lot_size)
        self.origin_us = origin_us
        self.emitted = Totals()
        self.skipped_ids: list[int] = []
        self.lost_ids: set[int] = set()
        self._compression = compression
        self._faults = faults
        self._random = random
        self._opening = tape.count_until(-1)
        self._next = self._opening
        self._late: list[tuple[int, int]] = []  # (position at which it is sent, its own position)

    def due(self, now_us: int) -> int:
        """The number of trades that happened by `now_us` and have not been taken yet."""
        return self._count_until(now_us) - self._next

    def take(self, count: int) -> list[int]:
        """Let `count` more trades happen; return the positions to send now, in that order, with repeats."""
        rows = self.tape.rows(self._next, self._next + count)
        start, self._next = self._next, self._next + rows.size
        gone = np.zeros(rows.size, bool)
        if self._faults.lose:
            gone = self._random.random(rows.size) < self._faults.lose
            self.lost_ids.update(rows.trade_id[gone].tolist())
            self._faults.counted("lose", int(gone.sum()))
        self.emitted.add(rows.cut(~gone))
        return self._disordered(start, rows, gone)

    def told(self, positions: list[int]) -> list[tuple[int, int, int, int, int]]:
        """The trades at those positions as `(time_us, price_ticks, lots, side, id)`."""
        if not positions:
            return []
        first = min(positions)
        return self._listed(self.tape.rows(first, max(positions) + 1).cut(np.array(positions) - first))

    def happened(self, first_us: int | None, last_us: int | None, first_id: int | None, limit: int, lag_us: int) -> list:
        """A page as REST serves it: from the oldest trade in the bounds on, or the newest ones if only the end is given."""
        end = self._next
        if lag_us:
            end = min(end, max(self._count_until(self._last_us() - lag_us), self._opening))
        start = 0
        if first_id is not None:
            start = self.tape.position_of(first_id)
        elif first_us is not None:
            start = self._count_until(first_us - 1)
        if last_us is not None:
            end = min(end, self._count_until(last_us))
        if first_id is None and first_us is None:
            start = max(end - limit, 0)
        rows = self._without_lost(self.tape.rows(start, min(start + limit + len(self.lost_ids), end)))
        return self._listed(rows.cut(slice(-limit, None) if first_id is None and first_us is None else slice(limit)))

    def totals(self, first_id: int | None = None, last_id: int | None = None) -> Totals:
        """Count and sums over a range of ids, both included, with history; without bounds, of all trades that have happened."""
        totals = Totals()
        start = 0 if first_id is None else self.tape.position_of(first_id)
        end = self._next if last_id is None else min(self._next, self.tape.position_of(last_id + 1))
        for at in range(start, end, 100_000):
            totals.add(self._without_lost(self.tape.rows(at, min(at + 100_000, end))))
        return totals

    def trades(self, first_id: int | None = None, last_id: int | None = None, *, micro: bool = False) -> TradeBatch:
        """All trades that have happened in a range of ids, with history; times are in whole ms unless `micro`, as a client gets them."""
        start = 0 if first_id is None else self.tape.position_of(first_id)
        end = self._next if last_id is None else min(self._next, self.tape.position_of(last_id + 1))
        rows = self._without_lost(self.tape.rows(start, end))
        time_us = self._time_us(rows.offset_us)
        time_us -= time_us % (1 if micro else 1000)
        return TradeBatch.of(time_us * 1000, rows.price_ticks, rows.quantity_lots, rows.side, rows.trade_id)

    @property
    def first_us(self) -> int | None:
        """Venue time of the tape's first trade; None if it has none."""
        rows = self.tape.rows(0, 1)
        return int(self._time_us(rows.offset_us)[0]) if rows.size else None

    @property
    def now_us(self) -> int:
        """Venue time of the last trade that has happened; the opening if none has."""
        return self._last_us()

    def between(self, start_us: int, end_us: int) -> Rows:
        """The trades that happened in `[start_us, end_us)`; `offset_us` has venue times here."""
        start, end = self._count_until(start_us - 1), min(self._count_until(end_us - 1), self._next)
        rows = self._without_lost(self.tape.rows(start, max(start, end)))
        return rows._replace(offset_us=self._time_us(rows.offset_us))

    def close_before(self, time_us: int) -> int:
        """The price in ticks of the last trade before a time; if there is none, of the first trade."""
        count = max(self._count_until(time_us - 1), 1)
        return int(self.tape.rows(count - 1, count).price_ticks[0])

    def next_trade(self) -> tuple[int, str, int]:
        """Id, price text and time (ms) of the next trade, for garbage that resembles it; ones if the tape has ended."""
        rows = self.tape.rows(self._next, self._next + 1)
        if not rows.size:
            return 1, "1", 1
        return int(rows.trade_id[0]), str(int(rows.price_ticks[0]) * self.tape.tick_size), int(self._time_us(rows.offset_us)[0]) // 1000

    def _disordered(self, start: int, rows: Rows, gone: np.ndarray) -> list[int]:
        faults, n = self._faults, rows.size
        if not (faults.lose or faults.skip or faults.duplicate or faults.reorder or self._late):
            return list(range(start, start + n))
        skipped = (self._random.random(n) < faults.skip) & ~gone
        self.skipped_ids.extend(rows.trade_id[skipped].tolist())
        faults.counted("skip", int(skipped.sum()))
        delay = np.where(self._random.random(n) < faults.reorder, self._random.integers(1, _LATEST + 1, n), 0)
        twice = self._random.random(n) < faults.duplicate
        plan = self._late
        for i in np.flatnonzero(~(gone | skipped)).tolist():
            plan.append((start + i + int(delay[i]), start + i))
            if twice[i]:
                plan.append((start + i + int(self._random.integers(0, _LATEST)), start + i))
                faults.counted("duplicate")
        faults.counted("reorder", int((delay > 0).sum()))
        plan.sort()
        self._late = [late for late in plan if late[0] >= self._next]
        return [position for place, position in plan if place < self._next]

    def _count_until(self, time_us: int) -> int:
        # Offsets are divided by the compression and rounded down: find the last one that gives this time.
        offset = time_us - self.origin_us
        count = self.tape.count_until(int((offset + 1) * self._compression) + 1)
        while count and self._time_us(self.tape.rows(count - 1, count).offset_us)[0] > time_us:
            count -= 1
        return count

    def _time_us(self, offset_us: np.ndarray) -> np.ndarray:
        if self._compression == 1.0:
            return self.origin_us + offset_us
        scaled = np.floor(offset_us / self._compression).astype(np.int64)
        return self.origin_us + scaled - scaled % self.tape.market.facts.time_step_us

    def _last_us(self) -> int:
        rows = self.tape.rows(max(self._next - 1, 0), self._next)
        return int(self._time_us(rows.offset_us)[0]) if rows.size else self.origin_us

    def _listed(self, rows: Rows) -> list[tuple[int, int, int, int, int]]:
        columns = (self._time_us(rows.offset_us), rows.price_ticks, rows.quantity_lots, rows.side, rows.trade_id)
        return list(zip(*(column.tolist() for column in columns), strict=True))

    def _without_lost(self, rows: Rows) -> Rows:
        if not self.lost_ids:
            return rows
        return rows.cut(~np.isin(rows.trade_id, np.fromiter(self.lost_ids, np.int64)))
