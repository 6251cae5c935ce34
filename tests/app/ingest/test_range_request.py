"""Which trades of a range are requested by id and which by time, and how much of it then counts as covered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.ingest.range_request import request_range
from app.market.coverage import Source
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.tape_ranges import EPOCH_BITS, TapeRange
from tests.app.ingest.pumps import DAY, Archive

GAP = Span(int(DAY.time_ns[1000]), int(DAY.time_ns[3000]))
FOLLOWER = (3001, int(DAY.time_ns[3000]))
AGAIN = 1 << EPOCH_BITS


class Timed(Archive):
    """An archive that finds trades by time, too."""

    async def through(self, span: Span) -> AsyncIterator[TradeBatch]:
        self.asked.append(("through", span.start_ns, span.end_ns))
        async for page in self._pages(self.trades[(self.trades.time_ns >= span.start_ns) & (self.trades.time_ns < span.end_ns)]):
            yield page


def older(key: int = 1000) -> TapeRange:
    return TapeRange(key - 99, key, key - 99, key, int(DAY.time_ns[900]), GAP.start_ns, Source.LIVE)


def requested(history: Archive | None, stored: TapeRange | None = None, key: int = 3001, newest: int | None = None, **options: bool):
    pages, covered = asyncio.run(request_range(history, GAP, stored, (key, FOLLOWER[1]), newest, lambda _: None, **options))
    return sum(map(len, pages)), covered, [kind for kind, *_ in history.asked] if history is not None else []


def test_a_range_between_ids_of_one_epoch_is_requested_by_id() -> None:
    for archive in (Archive(DAY), Timed(DAY)):
        assert requested(archive, older()) == (2000, GAP, ["since"])


def test_a_range_without_older_trades_is_requested_by_time_where_possible() -> None:
    assert requested(Timed(DAY)) == (2001, GAP, ["through"])
    assert requested(Archive(DAY)) == (2000, GAP, ["since"])


def test_a_range_in_which_ids_start_again_is_covered_since_its_oldest_trade() -> None:
    """D10: by id; the archive has the ids from 1,500 on."""
    known = older(7_000)
    n, covered, asked = requested(Archive(DAY[1500:]), known, AGAIN + 3001, AGAIN + 9000)
    assert (n, covered, asked) == (1500, Span(int(DAY.time_ns[1500]), GAP.end_ns), ["since"])
    assert requested(Timed(DAY), known, AGAIN + 3001, AGAIN + 9000) == (2001, GAP, ["through"])


def test_trades_of_before_a_reset_are_not_requested_by_id() -> None:
    """D10: the venue has other trades under these ids."""
    nothing = Span(GAP.end_ns, GAP.end_ns)
    assert requested(Archive(DAY), older(), newest=AGAIN + 5) == (0, nothing, [])
    assert requested(Timed(DAY), older(), newest=AGAIN + 5) == (2001, GAP, ["through"])
    assert requested(Timed(DAY[:2500]), older(), newest=AGAIN + 5) == (1500, nothing, ["through"])


def test_a_search_by_time_that_ends_early_is_completed_by_id() -> None:
    class Short(Timed):
        async def through(self, span: Span) -> AsyncIterator[TradeBatch]:
            self.asked.append(("through", span.start_ns, span.end_ns))
            yield self.trades[1000:1400]

    assert requested(Short(DAY)) == (400 + 2000, GAP, ["through", "since"])


@pytest.mark.parametrize("first", [1000, 1700])
def test_an_unnumbered_market_is_covered_after_the_oldest_trade(first: int) -> None:
    n, covered, asked = requested(Archive(DAY[first:]), by_time=True)
    assert (n, covered, asked) == (8000 - first, Span(int(DAY.time_ns[first]) + 1, GAP.end_ns), ["since"])


def test_nothing_is_covered_without_a_history() -> None:
    assert requested(None) == (0, Span(GAP.end_ns, GAP.end_ns), [])
