"""Trades whose time is known, to find others by."""

from __future__ import annotations

import random
from itertools import pairwise

from app.market.trade import TradeBatch
from feeds.venues.id_time_index import IdTimeIndex, Landmark


def batch(*ids: int) -> TradeBatch:
    return TradeBatch.of([number * 10 for number in ids], [1] * len(ids), [1] * len(ids), [1] * len(ids), ids)


def test_nearest_landmarks_on_both_sides_are_found() -> None:
    seen = IdTimeIndex()
    assert seen.at_or_before(5) is None and seen.after(5) is None
    seen.saw(batch(1000, 1300, 2000))
    assert seen.at_or_before(999) is None and seen.after(999) == Landmark(1000, 10_000)
    assert seen.at_or_before(1000) == Landmark(1000, 10_000) and seen.after(1000) == Landmark(2000, 20_000)
    assert seen.at_or_before(10**9) == Landmark(2000, 20_000) and seen.after(2000) is None


def test_empty_batch_adds_nothing() -> None:
    seen = IdTimeIndex()
    seen.saw(TradeBatch.empty())
    assert seen.after(-1) is None


def test_landmarks_are_200_ids_apart_in_any_order() -> None:
    seen = IdTimeIndex()
    numbers = list(range(0, 10_000, 7))
    random.Random(1).shuffle(numbers)
    for number in numbers:
        seen.saw(batch(number))
    kept: list[int] = []
    while (found := seen.after(kept[-1] if kept else -1)) is not None:
        kept.append(found.trade_id)
    gaps = [later - earlier for earlier, later in pairwise(kept)]
    assert min(gaps) >= 200 and max(gaps) < 400, "near enough to begin a page of a thousand with"


def test_landmarks_are_of_the_ids_since_they_last_started_again() -> None:
    """D10: a venue finds by id the trade that has the id now."""
    seen, late_ns = IdTimeIndex(), 3_600 * 10**9
    again = TradeBatch.of([late_ns, late_ns + 5], [1] * 2, [1] * 2, [1] * 2, [7, 900])
    seen.saw(batch(500, 1000, 2000))
    seen.saw(again)
    assert seen.at_or_before(10**9) == Landmark(900, late_ns + 5) and seen.after(-1) == Landmark(7, late_ns)
    seen.saw(batch(1200, 1700))
    assert seen.after(900) is None, "of before"
    jitter = TradeBatch.of([late_ns - 3 * 10**9], [1], [1], [1], [1500])
    seen.saw(jitter)
    assert seen.after(900) == Landmark(1500, late_ns - 3 * 10**9), "only a little late"
