"""A covered span is a value, and the words of its sources never change."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from app.market.coverage import CoveredSpan, Source
from app.market.span import Span


def test_the_stored_words_of_the_sources_never_change() -> None:
    assert {source.name: source.value for source in Source} == {"LIVE": "live", "BACKFILL": "backfill", "ARCHIVE": "archive"}
    assert Source("archive") is Source.ARCHIVE


def test_a_covered_span_is_proven_by_default() -> None:
    assert CoveredSpan(Span(0, 9), Source.LIVE, 1, 5) == CoveredSpan(Span(0, 9), Source.LIVE, 1, 5, proven=True)
    assert CoveredSpan(Span(0, 9), Source.LIVE, 1, 5) != CoveredSpan(Span(0, 9), Source.LIVE, 1, 5, proven=False)


def test_a_covered_span_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        CoveredSpan(Span(0, 9), Source.LIVE, 1, 5).last_id = 6  # type: ignore[misc]
