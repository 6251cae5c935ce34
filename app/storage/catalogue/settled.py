"""Times and ids that need not be fetched again: delivered in full by a source, or without a trade.

Trade ids prove what is missing between two stored trades, but not before the first, after the last, or in a time without any
trade: there the source must report it, which is stored here. A market without numbered trades has this in its tape ranges.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.market.coverage import Source
from app.market.span import Span


@dataclass(frozen=True, slots=True)
class Settled:
    """The times and ids of one market that need not be fetched again.

    Attributes
    ----------
    spans : tuple of (Source, Span)
        Times that a source has delivered in full, by source and in order; those that touch are joined.
    void : tuple of Span
        Ids without a trade, as `[first, before)` in order, e.g. of a venue's rows with zero quantity.
    """

    spans: tuple[tuple[Source, Span], ...] = ()
    void: tuple[Span, ...] = ()

    def times(self, *sources: Source) -> list[Span]:
        """The time spans that any of these sources, by default of all, has delivered in full; joined, in order of time."""
        return _joined(span for source, span in self.spans if not sources or source in sources)

    def with_time(self, span: Span, source: Source) -> Settled:
        """A copy with one more time span that a source has delivered in full."""
        joined = _joined([*self.times(source), span])
        others = [(other, there) for other, there in self.spans if other is not source]
        return replace(self, spans=tuple(sorted([*others, *((source, one) for one in joined)], key=_order)))

    def with_void(self, ids: Iterable[Span]) -> Settled:
        """A copy with more ranges of ids that have no trade."""
        return replace(self, void=tuple(_joined([*self.void, *ids])))

    def without_time(self, span: Span) -> Settled:
        """A copy in which no source has delivered any part of a time span in full, e.g. because trades in it have been lost."""
        left = [(source, part) for source, one in self.spans for part in one.minus([span])]
        return replace(self, spans=tuple(left))


NOTHING_SETTLED = Settled()


def _order(entry: tuple[Source, Span]) -> tuple[str, Span]:
    return entry[0].value, entry[1]


def _joined(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for span in sorted(one for one in spans if one):
        if found and span.start_ns <= found[-1].end_ns:
            found[-1] = Span(found[-1].start_ns, max(found[-1].end_ns, span.end_ns))
        else:
            found.append(span)
    return found
