"""The status of a feed by default, and pages that are closed at an early exit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import FrozenInstanceError, replace

import pytest

from app.market.feed import FeedState, FeedStatus, closing
from app.market.span import Span


def test_the_shown_word_of_a_state_is_its_name() -> None:
    names = "CONNECTING SYNCING LIVE LAGGING STALE DISCONNECTED STOPPED SIMULATED REPLAY"
    assert [state.value for state in FeedState] == names.split()
    assert all(state.name == state.value for state in FeedState)


def test_a_new_status_has_no_reason_no_trade_and_no_gap() -> None:
    status = FeedStatus(FeedState.CONNECTING)
    assert (status.reason, status.retry_at_s, status.gaps) == ("", None, ())
    assert (status.last_trade_ns, status.received_at_ns) == (0, 0)
    assert (status.messages, status.trades, status.rejected, status.connects) == (0, 0, 0, 0)


def test_a_status_is_replaced_and_never_changed() -> None:
    status = FeedStatus(FeedState.LIVE)
    later = replace(status, state=FeedState.STALE, gaps=(Span(1, 2),))
    assert (status.state, later.state, later.gaps) == (FeedState.LIVE, FeedState.STALE, (Span(1, 2),))
    with pytest.raises(FrozenInstanceError):
        status.trades = 1  # type: ignore[misc]


class Pages:
    """Three pages, and whether their generator is open."""

    open = False

    async def read(self) -> AsyncIterator[int]:
        self.open = True
        try:
            for page in range(3):
                yield page
        finally:
            self.open = False


def test_closing_closes_the_pages_at_an_early_exit() -> None:
    async def story() -> None:
        pages = Pages()
        async with closing(pages.read()) as read:
            async for page in read:
                assert page == 0 and pages.open
                break
            assert pages.open
        assert not pages.open

    asyncio.run(story())


def test_closing_closes_the_pages_after_an_error() -> None:
    async def story() -> None:
        pages = Pages()
        with pytest.raises(ZeroDivisionError):
            async with closing(pages.read()) as read:
                async for _ in read:
                    raise ZeroDivisionError
        assert not pages.open

    asyncio.run(story())


def test_closing_passes_iterators_without_aclose_through() -> None:
    class Plain:
        def __init__(self) -> None:
            self.left = [1, 2]

        def __aiter__(self) -> Plain:
            return self

        async def __anext__(self) -> int:
            if not self.left:
                raise StopAsyncIteration
            return self.left.pop(0)

    async def story() -> list[int]:
        async with closing(Plain()) as read:
            return [page async for page in read]

    assert asyncio.run(story()) == [1, 2]
