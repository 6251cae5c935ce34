"""Of which stretches of time a feed has told every trade, where only time can say it."""

from __future__ import annotations

from app.market.span import Span


class CompleteSpans:
    """Stretches of time without a missing trade, made of the lines of a stream and of pages of newest trades.

    A line tells every trade from its first to its last. A page tells every trade from its first to its last, and as it was
    asked for when a line had begun, nothing is missing between it and that line: unless the line's first trade is older, for
    then the two meet only where the line reaches the page. Stretches that meet are one. Where a page begins in the nanosecond
    of the last trade before, that alone does not say that nothing between was cut off: it takes a trade that was told before.
    """

    def __init__(self) -> None:
        self._stretches: list[Span] = []  # both ends are times of trades, and belong to it
        self._page: Span | None = None
        self._line_ns: int | None = None
        self._before_ns: int | None = None

    @property
    def gaps(self) -> tuple[Span, ...]:
        """What lies between: from the last trade before to the first one after, oldest first."""
        ends = zip(self._stretches, self._stretches[1:], strict=False)
        return tuple(Span(one.end_ns, max(next_.start_ns, one.end_ns + 1)) for one, next_ in ends)

    def begin(self) -> None:
        """A line begins that nothing leads to from the one before."""
        self._before_ns = self._before_ns if self._line_ns is None else self._line_ns
        self._page = self._line_ns = None

    def page(self, first_ns: int, last_ns: int, known: bool) -> None:
        """The newest trades, asked for since the line has begun; `known` if one of its first nanosecond had been told before."""
        if not known and any(one.end_ns == first_ns for one in self._stretches):
            first_ns += 1
        self._page = Span(first_ns, max(first_ns, last_ns))
        self._add(self._page)

    def line(self, first_ns: int, last_ns: int, known: bool) -> None:
        """Trades of the line; `known` if one of them had been told before, as where a line begins with older trades."""
        if self._line_ns is not None:
            first_ns = self._line_ns
        elif self._page is not None and first_ns >= self._page.start_ns:
            first_ns = self._page.end_ns
        elif self._before_ns is not None and not known:  # it has begun after the one before had ended, whatever the clock says
            first_ns = max(first_ns, self._before_ns + 1)
        self._line_ns = max(first_ns, last_ns)
        self._add(Span(first_ns, self._line_ns))

    def _add(self, new: Span) -> None:
        apart: list[Span] = []
        for one in self._stretches:
            if one.end_ns < new.start_ns or new.end_ns < one.start_ns:
                apart.append(one)
            else:
                new = Span(min(new.start_ns, one.start_ns), max(new.end_ns, one.end_ns))
        self._stretches = sorted([*apart, new])
