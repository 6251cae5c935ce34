"""The order in which gaps are requested from the venue, and the pause before a gap is requested again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.storage.catalogue.owed import Owed, owed_text
from app.storage.tape_writer import TapeWriter
from app.storage.trade_store import Gap, TradeStore

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 10.0, 600.0  # before the venue is asked again for trades it did not have
_TOGETHER = 1_000  # trades between two gaps that are fetched again, to save a request
_AT_ONCE = 100_000  # ids per request; of a longer gap the newest first
_LOOK_AGAIN_NS = 1_000_000_000
_NEVER = 1 << 62


class GapQueue:
    """Selects the gaps to request next from the venue, newest first.

    Parameters
    ----------
    store : TradeStore
    monotonic_s : callable
        A clock that only goes forward.
    """

    def __init__(self, store: TradeStore, monotonic_s: Callable[[], float]) -> None:
        self._store, self._monotonic_s = store, monotonic_s
        self._refused: dict[tuple[int, int], tuple[float, float]] = {}  # by ids: time of the next try, and the pause before it
        self._not_due: Sequence[Gap] | None = None
        self._next_due_s = 0.0

    def next(self) -> list[Gap]:
        """The newest gap that may be requested now, with the gaps near enough for the same request; empty if there is none.

        Long gaps are requested in parts, of at most about 100,000 ids each.
        """
        gaps, now_s = self._store.gaps(), self._monotonic_s()
        if gaps is self._not_due and now_s < self._next_due_s:
            return []
        group: list[Gap] = []
        for part in _parts(gaps, self._store.floor_key):
            if self._not_before_s(part) > now_s:
                continue
            if group and (group[-1].first_id - part.last_id > _TOGETHER or group[0].last_id - part.first_id >= _AT_ONCE):
                break
            group.append(part)
        if not group:  # the gaps are not checked again until they change or a pause is over
            self._not_due = gaps
            self._next_due_s = min((self._not_before_s(part) for part in _parts(gaps, self._store.floor_key)), default=now_s)
        return group

    def ask_later(self, parts: Sequence[Gap]) -> None:
        """Postpone gaps that the venue could not fill: by 10 s at first, then twice as long each time, up to 10 min.

        In busy trading a venue's archive may lag far behind its stream, or the venue may never have these trades.
        """
        for part in parts:
            key = (part.first_id, part.last_id)
            pause_s = min(_LONGEST_PAUSE_S, 2 * self._refused.get(key, (0.0, _FIRST_PAUSE_S / 2))[1])
            self._refused[key] = (self._monotonic_s() + pause_s, pause_s)
        asked, left = {(part.first_id, part.last_id) for part in parts}, _parts(self._store.gaps(), self._store.floor_key)
        asked |= {(part.first_id, part.last_id) for part in left}
        self._refused = {key: pause for key, pause in self._refused.items() if key in asked}

    def _not_before_s(self, part: Gap) -> float:
        return self._refused.get((part.first_id, part.last_id), (-float("inf"), 0.0))[0]


class OwedQueue:
    """Selects which owed trades (missing on disk, still to be fetched) to request next, newest first; skips gaps between trades in memory.

    Parameters
    ----------
    writer : TapeWriter
    store : TradeStore
        The trades in memory; gaps between them are left to its `GapQueue`.
    wall_ns : callable
        This machine's clock: the times of the next attempts outlast the program.
    """

    def __init__(self, writer: TapeWriter, store: TradeStore, wall_ns: Callable[[], int]) -> None:
        self.writer = writer
        self._store, self._wall_ns = store, wall_ns
        self._idle: tuple[Sequence[Owed], int] = ((), 0)  # entries of which none was due, and the time until which that holds
        self._shown: tuple[object, object, int, str] = (None, None, 0, "")

    @property
    def text(self) -> str:
        """One line about the owed trades, without gaps between the trades in memory; empty if there are none."""
        rows, stored, low = self.writer.owed, self.writer.intervals, self._lowest()
        if self._shown[:3] != (rows, stored, low):
            self._shown = rows, stored, low, owed_text([row for row in rows if not self._in_memory(row, low)], stored, self.writer.settled)
        return self._shown[3]

    def next(self) -> Owed | None:
        """The newest entry of owed trades that may be requested now; None if there is none."""
        rows, now_ns = self.writer.owed, self._wall_ns()
        if rows is self._idle[0] and now_ns < self._idle[1]:
            return None
        low = self._lowest()
        due = [row for row in rows if row.next_try_ns <= now_ns and not self._in_memory(row, low)]
        if due:
            return max(due, key=lambda row: row.span)
        self._idle = rows, now_ns + _LOOK_AGAIN_NS
        return None

    def pause(self) -> None:
        """Select nothing for 10 s, or until the list of owed trades changes; for when the disk cannot be written."""
        self._idle = self.writer.owed, self._wall_ns() + 10 * _LOOK_AGAIN_NS

    def _lowest(self) -> int:
        """The id above which a missing trade is a gap between the trades in memory."""
        if self._store.forgotten:
            return self._store.floor_key
        return _NEVER if self._store.first_id is None else self._store.first_id

    def _in_memory(self, row: Owed, low: int) -> bool:
        return self._store.contiguous and row.by_ids and row.first_id > low


def _parts(gaps: Sequence[Gap], floor_key: int) -> Iterator[Gap]:
    """Yield the gaps after `floor_key`, newest first; long gaps in parts of at most `_AT_ONCE` ids."""
    for gap in reversed(gaps):
        if gap.first_id <= floor_key:
            return
        for last_id in range(gap.last_id, gap.first_id - 1, -_AT_ONCE):
            yield Gap(max(gap.first_id, last_id - _AT_ONCE + 1), last_id, gap.start_ns, gap.end_ns)
