"""The order in which gaps are requested from the venue, and the pause before a gap is requested again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from app.storage.trade_store import Gap, TradeStore

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 10.0, 600.0  # before the venue is asked again for trades it did not have
_TOGETHER = 1_000  # trades between two gaps that are fetched again, to save a request
_AT_ONCE = 100_000  # ids per request; of a longer gap the newest first


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
        """The newest gap that may be requested now, with gaps near enough for one request; empty if there is none."""
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
        """Postpone gaps that the venue could not fill; the pause doubles each time, up to a limit.

        In a rush a venue's archive may lag far behind its stream, or it may never have these trades.
        """
        for part in parts:
            key = (part.first_id, part.last_id)
            pause_s = min(_LONGEST_PAUSE_S, 2 * self._refused.get(key, (0.0, _FIRST_PAUSE_S / 2))[1])
            self._refused[key] = (self._monotonic_s() + pause_s, pause_s)

    def _not_before_s(self, part: Gap) -> float:
        return self._refused.get((part.first_id, part.last_id), (-float("inf"), 0.0))[0]


def _parts(gaps: Sequence[Gap], floor_key: int) -> Iterator[Gap]:
    """Yield the gaps, newest first; long gaps in parts of at most `_AT_ONCE` ids."""
    for gap in reversed(gaps):
        if gap.first_id <= floor_key or not gap.missing:
            return
        for last_id in range(gap.last_id, gap.first_id - 1, -_AT_ONCE):
            yield Gap(max(gap.first_id, last_id - _AT_ONCE + 1), last_id, gap.start_ns, gap.end_ns)
