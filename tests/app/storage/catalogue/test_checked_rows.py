"""Rows of the catalogue are read as what was written, or refused in one line."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.storage.catalogue.checked_rows import BadRowError, disjoint, instrument_of_row, owed_of_row, range_of_row
from app.storage.catalogue.owed import Owed, OwedReason, OwedState
from app.storage.tape_ranges import TapeRange

MARKET = ("binance:BTCUSDT", "0.01", "0.001", "1", 1)
RANGE = (5, 9, 5, 9, 100, 200, "live")
OWED = (3, 5, 9, 100, 200, "gap in the stream", "owed", 2, 400, 300, "why")


def test_sound_rows_are_read_as_they_were_written() -> None:
    assert instrument_of_row(MARKET) == Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.001"), Decimal(1), True)
    assert range_of_row(RANGE) == TapeRange(5, 9, 5, 9, 100, 200, Source.LIVE)
    assert owed_of_row(OWED) == Owed(3, 5, 9, Span(100, 200), OwedReason.GAP, OwedState.OWED, 2, 400, 300, "why")


def changed(row: tuple[object, ...], place: int, value: object) -> tuple[object, ...]:
    return (*row[:place], value, *row[place + 1 :])


@pytest.mark.parametrize(
    ("read", "row", "words"),
    [
        (instrument_of_row, changed(MARKET, 0, "../../etc:passwd"), "expected venue:SYMBOL"),
        (instrument_of_row, changed(MARKET, 0, "\udcff"), "expected venue:SYMBOL"),
        (instrument_of_row, changed(MARKET, 1, "abc"), "tick size"),
        (instrument_of_row, changed(MARKET, 2, "-1"), "lot size"),
        (instrument_of_row, changed(MARKET, 3, "9" + "0" * 18), "expected at most 1e\\+18"),
        (instrument_of_row, changed(MARKET, 4, 2), "expected 0 or 1"),
        (range_of_row, changed(RANGE, 0, 10), "expected ascending ones"),
        (range_of_row, changed(RANGE, 5, 100), "expected ascending ones"),
        (range_of_row, changed(RANGE, 2, 6), "found ids 6 to 9"),
        (range_of_row, changed(RANGE, 1, 2**62 + 1), "expected ascending ones"),
        (range_of_row, changed(RANGE, 6, "dream"), "source: found 'dream'"),
        (owed_of_row, changed(OWED, 4, 100), "expected ascending ones"),
        (owed_of_row, changed(OWED, 5, "boredom"), "reason: found 'boredom'"),
        (owed_of_row, changed(OWED, 6, "paid"), "state: found 'paid'"),
        (owed_of_row, changed(OWED, 8, 2**63 - 1), "out of range"),
    ],
)
def test_a_row_that_cannot_be_right_is_refused_in_one_printable_line(read, row: tuple[object, ...], words: str) -> None:
    with pytest.raises(BadRowError, match=words) as caught:
        read(row)
    assert caught.value.user_message.isprintable() and caught.value.user_message.isascii()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=8))
def test_ranges_that_overlap_an_earlier_one_are_left_out(runs: list[tuple[int, int]]) -> None:
    given_ranges = [TapeRange(a, a + n, a, a + n, a * 10, (a + n) * 10 + 1, Source.LIVE) for a, n in runs]
    found = disjoint(given_ranges)
    keys = [key for one in found for key in range(one.first_key, one.last_key + 1)]
    assert len(keys) == len(set(keys)) and set(found) <= set(given_ranges)
    for one in set(given_ranges) - set(found):
        assert any(other.first_key <= one.last_key and one.first_key <= other.last_key for other in found)
