"""The candles held in memory, and of which times they were asked for: an answer without candles is an answer too."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from app.market.candle import CandleBatch
from app.market.span import Span


class CandleStore:
    """Candles of one market by their length; only such as are closed.

    Parameters
    ----------
    lengths_ns : sequence of int
        The lengths that can be had, finest first; none where there is nobody to ask.

    Attributes
    ----------
    revision : int
        Grows with everything that is taken in.
    """

    def __init__(self, lengths_ns: Sequence[int] = ()) -> None:
        self.lengths_ns = tuple(sorted(lengths_ns))
        self.revision = 0
        self._candles: dict[int, CandleBatch] = {}
        self._asked: dict[int, list[Span]] = {}
        self._times: tuple[int, list[Span]] = (-1, [])

    def take(self, length_ns: int, asked: Span, pages: Sequence[CandleBatch]) -> None:
        """Take in all candles of a length that begin in the span that was asked for.

        From the first one on that is still growing the answer counts as not given.
        """
        held = self.of(length_ns)
        for page in pages:
            if not page.closed.all():
                first = int(np.argmin(page.closed))
                asked = Span(asked.start_ns, max(asked.start_ns, min(asked.end_ns, int(page.start_ns[first]))))
                page = page[:first]
            held = held.with_later(page.within(asked))
        self._candles[length_ns] = held
        self._asked[length_ns] = _with(self._asked.get(length_ns, []), asked)
        self.revision += 1

    def of(self, length_ns: int, span: Span | None = None) -> CandleBatch:
        """The candles of a length, those alone that begin in a span."""
        held = self._candles.get(length_ns) or CandleBatch.empty(length_ns)
        return held if span is None else held.within(span)

    def asked(self, length_ns: int, span: Span) -> list[Span]:
        """The parts of a span for which the candles of a length were asked, in order of time."""
        return [part for each in self._asked.get(length_ns, []) if (part := each.intersection(span))]

    def first_ns(self, length_ns: int, span: Span) -> int:
        """From when on there are candles of a length in a span, or may be where nobody asked; its end where there are none."""
        spans = self._asked.get(length_ns, [])
        place = bisect_right(spans, span.start_ns, key=_start) - 1
        if place < 0 or span.start_ns not in spans[place]:
            return span.start_ns
        starts_ns = self.of(length_ns).start_ns
        first = int(np.searchsorted(starts_ns, span.start_ns))
        begin_ns = int(starts_ns[first]) if first < len(starts_ns) else span.end_ns
        return min(begin_ns, spans[place].end_ns, span.end_ns)

    @property
    def times(self) -> list[Span]:
        """All times of which a candle of any length is held; the same list until something is taken in."""
        if self._times[0] != self.revision:
            found: list[Span] = []
            for length_ns, held in self._candles.items():
                for span in self._asked[length_ns]:
                    inside = held.within(span)
                    if len(inside):
                        found = _with(found, Span(int(inside.start_ns[0]), span.end_ns))
            self._times = self.revision, found
        return self._times[1]


def _with(spans: list[Span], new: Span) -> list[Span]:
    """The union of spans that are apart, in order of time, and one more."""
    if not new:
        return spans
    apart = [span for span in spans if span.end_ns < new.start_ns or new.end_ns < span.start_ns]
    joined = [span for span in spans if span not in apart]
    start_ns, end_ns = min([new.start_ns, *(s.start_ns for s in joined)]), max([new.end_ns, *(s.end_ns for s in joined)])
    return sorted([*apart, Span(start_ns, end_ns)])


def _start(span: Span) -> int:
    return span.start_ns
