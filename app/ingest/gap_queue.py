"""Which missing trades to ask the venue for next, and when to ask again for those that it had not got."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.storage.trade_store import Gap, TradeStore

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 10.0, 600.0  # before what the venue had not got is asked for again all the same
_TOGETHER = 1_000  # trades between two holes that are fetched once more rather than asking twice
_AT_ONCE = 100_000  # ids asked for at once: of a longer hole the newest first


class GapQueue:
    """The holes of a store, newest first.

    Parameters
    ----------
    store : TradeStore
    monotonic_s : callable
        A clock that only goes forward.
    """

    def __init__(self, store: TradeStore, monotonic_s: Callable[[], float]) -> None:
        self._store, self._monotonic_s = store, monotonic_s
        self._refused: dict[tuple[int, int], tuple[float, float]] = {}  # by ids: not before, and the pause before that
        self._hopeless: Sequence[Gap] | None = None
        self._hope_again_s = 0.0

    def next(self) -> list[Gap]:
        """The newest hole that the venue may fill, and those so near that one question serves all; empty while there is none."""
        holes, now_s = self._store.gaps(), self._monotonic_s()
        if holes is self._hopeless and now_s < self._hope_again_s:
            return []
        group: list[Gap] = []
        for part in _parts(holes, self._store.floor_key):
            if self._not_before_s(part) > now_s:
                continue
            if group and (group[-1].first_id - part.last_id > _TOGETHER or group[0].last_id - part.first_id >= _AT_ONCE):
                break
            group.append(part)
        if not group:  # nothing is looked at again until something changes, or a pause is over
            self._hopeless = holes
            self._hope_again_s = min((self._not_before_s(part) for part in _parts(holes, self._store.floor_key)), default=now_s)
        return group

    def ask_later(self, parts: Sequence[Gap]) -> None:
        """A venue's archive may lag far behind its stream in a rush, or never have these: they come up ever more seldom."""
        for part in parts:
            key = (part.first_id, part.last_id)
            pause_s = min(_LONGEST_PAUSE_S, 2 * self._refused.get(key, (0.0, _FIRST_PAUSE_S / 2))[1])
            self._refused[key] = (self._monotonic_s() + pause_s, pause_s)

    def _not_before_s(self, part: Gap) -> float:
        return self._refused.get((part.first_id, part.last_id), (-float("inf"), 0.0))[0]


def _parts(holes: Sequence[Gap], floor_key: int) -> Iterator[Gap]:
    """The holes, the newest first, long ones in parts that are not asked for all at once."""
    for hole in reversed(holes):
        if hole.first_id <= floor_key or not hole.missing:
            return
        for last_id in range(hole.last_id, hole.first_id - 1, -_AT_ONCE):
            yield Gap(max(hole.first_id, last_id - _AT_ONCE + 1), last_id, hole.start_ns, hole.end_ns)
