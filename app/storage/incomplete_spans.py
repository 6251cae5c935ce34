"""Time ranges whose trades are not all loaded, up to the end of the last covered span."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from app.market.coverage import CoveredSpan
from app.market.span import Span
from app.storage.trade_store import Gap

EVER_NS = -(1 << 62)
"""A time before all trades."""


class IncompleteSpans:
    """The incomplete time ranges of one chart, disjoint and in order of time.

    Attributes
    ----------
    until_ns : int
        The end of the last covered span; later times are neither complete nor incomplete.
    """

    def __init__(self) -> None:
        self.until_ns = EVER_NS
        self._covered: Sequence[CoveredSpan] = ()
        self._known_gaps: Sequence[Gap] = ()
        self._spans: list[Span] = []

    def follow(self, covered: Sequence[CoveredSpan], holes: Sequence[Gap]) -> None:
        """Update the incomplete time ranges from a chart's coverage and gaps.

        If only the last covered span has grown, nothing is recomputed except `until_ns`.
        """
        if covered is self._covered and holes is self._known_gaps:
            return
        if holes is not self._known_gaps or not _same_but_for_the_end(covered, self._covered):
            self._spans = _gaps(covered, [Span(gap.start_ns, gap.end_ns + 1) for gap in holes])
        self._covered, self._known_gaps = covered, holes
        self.until_ns = max((one.span.end_ns for one in covered), default=EVER_NS)

    def within(self, span: Span) -> tuple[Span, ...]:
        """The incomplete parts of a span, in order of time; time after `until_ns` does not count."""
        found: list[Span] = []
        for gap in self._spans[max(0, bisect_right(self._spans, span.start_ns, key=_start) - 1) :]:
            if gap.start_ns >= span.end_ns:
                break
            if part := gap.intersection(span):
                found.append(part)
        return tuple(found)


def _gaps(covered: Sequence[CoveredSpan], holes: list[Span]) -> list[Span]:
    """The incomplete time ranges, joined: gaps, and uncovered time before the end of the last covered span; none without coverage.

    A gap includes the times of the trades before and after it.
    """
    if not covered:
        return []
    until_ns = max(one.span.end_ns for one in covered)
    joined: list[Span] = []
    for span in sorted([*Span(EVER_NS, until_ns).minus([one.span for one in covered]), *holes]):
        if joined and span.start_ns <= joined[-1].end_ns:
            span = Span(joined[-1].start_ns, max(joined.pop().end_ns, span.end_ns))
        joined.append(span)
    return joined


def _same_but_for_the_end(covered: Sequence[CoveredSpan], before: Sequence[CoveredSpan]) -> bool:
    """True if at most the end of the last span differs, and is later, and no other span ends after the last one's start.

    False without spans.
    """
    if not covered or len(covered) != len(before) or covered[:-1] != before[:-1]:
        return False
    last, was = covered[-1].span, before[-1].span
    return last.start_ns == was.start_ns and last.end_ns >= was.end_ns and all(one.span.end_ns <= last.start_ns for one in covered[:-1])


def _start(span: Span) -> int:
    return span.start_ns
