"""Time ranges with all trades received, for feeds without consecutive ids."""

from __future__ import annotations

from app.market.span import Span


class CompleteSpans:
    """Time ranges without a missing trade, computed from the times of trades on connections and REST pages.

    A connection delivers every trade from its first to its last. A page has every trade from its first to its last; it was requested
    after the connection had started, so nothing is missing between the two, unless the connection's first trade is older: then they meet
    only once the connection reaches the page. Ranges that meet are merged. A page that begins in the same nanosecond as the last trade
    before it may have been cut off there: only a trade received before proves that nothing between is missing.
    """

    def __init__(self) -> None:
        self._stretches: list[Span] = []  # both ends are times of trades, and included
        self._page: Span | None = None
        self._line_ns: int | None = None
        self._before_ns: int | None = None

    @property
    def gaps(self) -> tuple[Span, ...]:
        """The gaps, oldest first, each from the last trade before it to the first trade after it."""
        ends = zip(self._stretches, self._stretches[1:], strict=False)
        return tuple(Span(one.end_ns, max(next_.start_ns, one.end_ns + 1)) for one, next_ in ends)

    def begin(self) -> None:
        """Record the start of a new connection that does not overlap the one before it."""
        self._before_ns = self._before_ns if self._line_ns is None else self._line_ns
        self._page = self._line_ns = None

    def page(self, first_ns: int, last_ns: int, known: bool) -> None:
        """Add the time range of a page of the newest trades that was requested after the current connection started.

        `known` is True if a trade with the page's first time, to the nanosecond, had been received before.
        """
        if not known and any(one.end_ns == first_ns for one in self._stretches):
            first_ns += 1
        self._page = Span(first_ns, max(first_ns, last_ns))
        self._add(self._page)

    def line(self, first_ns: int, last_ns: int, known: bool) -> None:
        """Add the time range of trades that the current connection delivered, from `first_ns` to `last_ns`.

        `known` is True if one of these trades had been received before, e.g. where a connection starts with older trades.
        """
        if self._line_ns is not None:
            first_ns = self._line_ns
        elif self._page is not None and first_ns >= self._page.start_ns:
            first_ns = self._page.end_ns
        elif self._before_ns is not None and not known:  # it started after the one before had ended, whatever its times
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
