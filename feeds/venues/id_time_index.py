"""Ids and times of some trades, to estimate the time of any id between them; only of the ids since they last started again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple

from app.market.trade import TradeBatch

_APART = 200  # a page has several times more trades, so a page from one landmark always reaches the next
_JITTER_NS = 10 * 10**9  # a trade may be later than one with a higher id by this much; by more only where ids have started again


class Landmark(NamedTuple):
    """The id and the time of a known trade."""

    trade_id: int
    time_ns: int


class IdTimeIndex:
    """Ids and times of some trades of a market, called landmarks, at least 200 ids from each other.

    A busy day has only a few hundred. Landmarks are removed only where ids start again: a venue finds by id what has the id now.
    """

    def __init__(self) -> None:
        self._seen: list[Landmark] = []

    def saw(self, batch: TradeBatch) -> None:
        """Add a batch's trades with the lowest and the highest id, each unless a trade less than 200 ids away is in the index."""
        if len(batch):
            for index in (batch.trade_id.argmin(), batch.trade_id.argmax()):
                self._keep(Landmark(int(batch.trade_id[index]), int(batch.time_ns[index])))

    def at_or_before(self, trade_id: int) -> Landmark | None:
        """The known trade with the largest id up to `trade_id`, inclusive; None if there is none."""
        place = bisect_right(self._seen, trade_id, key=lambda landmark: landmark.trade_id)
        return self._seen[place - 1] if place else None

    def after(self, trade_id: int) -> Landmark | None:
        """The known trade with the smallest id above `trade_id`; None if there is none."""
        place = bisect_right(self._seen, trade_id, key=lambda landmark: landmark.trade_id)
        return self._seen[place] if place < len(self._seen) else None

    def _keep(self, landmark: Landmark) -> None:
        lower = self.at_or_before(landmark.trade_id)
        if lower is not None and lower.time_ns > landmark.time_ns + _JITTER_NS:  # the landmark is from before ids started again
            return
        place = bisect_left(self._seen, landmark.trade_id, key=lambda known: known.trade_id)
        self._seen[place:] = [known for known in self._seen[place:] if known.time_ns >= landmark.time_ns - _JITTER_NS]
        near = self._seen[max(0, place - 1) : place + 1]
        if all(abs(known.trade_id - landmark.trade_id) >= _APART for known in near):
            self._seen.insert(place, landmark)
