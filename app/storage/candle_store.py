"""The loaded candles, and the times for which they were requested.

A time without candles counts as requested too, so that it is not requested again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from app.market.candle import CandleBatch
from app.market.span import Span


class CandleStore:
    """Closed candles of one market, by candle length.

    Parameters
    ----------
    lengths_ns : sequence of int
        The candle lengths that the venue has; empty without a candle history.

    Attributes
    ----------
    revision : int
        Number of calls of `take`.
    """

    def __init__(self, lengths_ns: Sequence[int] = ()) -> None:
        self.lengths_ns = tuple(sorted(lengths_ns))
        self.revision = 0
        self._candles: dict[int, CandleBatch] = {}
        self._requested: dict[int, list[Span]] = {}
        self._times: tuple[int, list[Span]] = (-1, [])

    def take(self, length_ns: int, asked: Span, pages: Sequence[CandleBatch]) -> None:
        """Add closed candles of one length, and record the span `asked` for which they were requested.

        The time from the start of the first candle in progress counts as not requested.
        """
        loaded = self.of(length_ns)
        for page in pages:
            if not page.closed.all():
                first = int(np.argmin(page.closed))
                asked = Span(asked.start_ns, max(asked.start_ns, min(asked.end_ns, int(page.start_ns[first]))))
                page = page[:first]
            loaded = loaded.with_later(page.within(asked))
        self._candles[length_ns] = loaded
        self._requested[length_ns] = _with(self._requested.get(length_ns, []), asked)
        self.revision += 1

    def of(self, length_ns: int, span: Span | None = None) -> CandleBatch:
        """The loaded candles of one length; with a span, only those that start in the span."""
        loaded = self._candles.get(length_ns) or CandleBatch.empty(length_ns)
        return loaded if span is None else loaded.within(span)

    def asked(self, length_ns: int, span: Span) -> list[Span]:
        """The parts of a span for which candles of one length have been requested, in order of time."""
        return [part for each in self._requested.get(length_ns, []) if (part := each.intersection(span))]

    def first_ns(self, length_ns: int, span: Span) -> int:
        """The first time in a span at which a loaded candle of one length starts, or that was not requested; else the span's end."""
        spans = self._requested.get(length_ns, [])
        place = bisect_right(spans, span.start_ns, key=_start) - 1
        if place < 0 or span.start_ns not in spans[place]:
            return span.start_ns
        starts_ns = self.of(length_ns).start_ns
        first = int(np.searchsorted(starts_ns, span.start_ns))
        begin_ns = int(starts_ns[first]) if first < len(starts_ns) else span.end_ns
        return min(begin_ns, spans[place].end_ns, span.end_ns)

    @property
    def times(self) -> list[Span]:
        """The time ranges for which candles of any length are loaded, joined, in order of time.

        In each requested span that is from the first loaded candle to the end of the span.
        """
        if self._times[0] != self.revision:
            found: list[Span] = []
            for length_ns, loaded in self._candles.items():
                for span in self._requested[length_ns]:
                    inside = loaded.within(span)
                    if len(inside):
                        found = _with(found, Span(int(inside.start_ns[0]), span.end_ns))
            self._times = self.revision, found
        return self._times[1]


def _with(spans: list[Span], new: Span) -> list[Span]:
    """Return disjoint spans with another one added, joined with those that it overlaps or touches, in order of time.

    An empty span changes nothing.
    """
    if not new:
        return spans
    apart = [span for span in spans if span.end_ns < new.start_ns or new.end_ns < span.start_ns]
    joined = [span for span in spans if span not in apart]
    start_ns, end_ns = min([new.start_ns, *(s.start_ns for s in joined)]), max([new.end_ns, *(s.end_ns for s in joined)])
    return sorted([*apart, Span(start_ns, end_ns)])


def _start(span: Span) -> int:
    return span.start_ns
