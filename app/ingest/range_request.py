"""Requests the trades of a time range from the venue: by id, or by time where ids start again in the range."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from app.market.feed import TimedHistory, TradeHistory, closing
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.epochs import raw_id
from app.storage.tape_ranges import TapeRange, same_epoch


async def request_range(
    history: TradeHistory | None,
    gap: Span,
    older: TapeRange | None,
    follower: tuple[int, int] | None,
    newest_key: int | None,
    on_progress: Callable[[int], None],
    *,
    by_time: bool = False,
) -> tuple[list[TradeBatch], Span]:
    """Fetch the trades of a time range; return them and the time they fully cover, which may start later than the range.

    A venue finds by id the trade that has the id now. So it is asked by time, unless ids prove that they do not start again in the
    range. If it cannot be asked by time, only the time since its oldest trade counts as covered where they do.

    Parameters
    ----------
    history : TradeHistory or None
        With None nothing is fetched, and nothing is covered.
    gap : Span
    older : TapeRange or None
        The last stored trades before the range; None if there are none.
    follower : tuple of int or None
        Key and time of the first known trade after the range.
    newest_key : int or None
        Key of the newest trade; only trades of its epoch can be found by id.
    on_progress : callable
        Called with the time of the latest trade of each page.
    by_time : bool
        True if the market does not number its trades; then the venue may no longer have the oldest of the range.
    """
    if history is None:
        return [], Span(gap.end_ns, gap.end_ns)
    start_ns = gap.start_ns - (older is not None and older.end_ns == gap.start_ns)  # more trades may have the time of its last one
    if by_time or follower is None:
        pages = await _read(history.since(start_ns, None), on_progress)
        from_ns = history.reaches_ns
        if by_time:
            from_ns = min((int(page.time_ns.min()) + 1 for page in pages), default=gap.end_ns)
        return pages, Span(max(gap.start_ns, from_ns), gap.end_ns)
    key, time_ns = follower
    from_ns = max(gap.start_ns, history.reaches_ns)
    starts_again = older is not None and not same_epoch(older.last_key, key)
    current = newest_key is None or same_epoch(key, newest_key)
    pages = []
    if isinstance(history, TimedHistory) and (older is None or starts_again or not current):
        pages = await _read(history.through(Span(start_ns, max(gap.end_ns, time_ns + 1))), on_progress)
        if any(raw_id(key) in page.trade_id for page in pages):  # all up to the first known trade
            return pages, Span(min(from_ns, gap.end_ns), gap.end_ns)
    by_id = await _read(history.since(start_ns, raw_id(key)), on_progress) if current else []
    if not current or (starts_again and not isinstance(history, TimedHistory)):
        from_ns = max(from_ns, min((int(page.time_ns.min()) for page in by_id), default=gap.end_ns))
    return pages + by_id, Span(min(from_ns, gap.end_ns), gap.end_ns)


async def _read(pages: AsyncIterator[TradeBatch], on_progress: Callable[[int], None]) -> list[TradeBatch]:
    """All pages that have trades."""
    found: list[TradeBatch] = []
    async with closing(pages):
        async for page in pages:
            if len(page):
                found.append(page)
                on_progress(int(page.time_ns[-1]))
    return found
