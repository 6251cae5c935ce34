"""The words for a wrong clock."""

import pytest

from app.market.clock_words import clock_words


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [
        (0, ""), (1.99, ""), (-1.99, ""), (2, "your clock is 2 s fast"), (-119, "your clock is 119 s slow"),
        (599.8, "your clock is 10 min fast"), (-600.2, "your clock is 10 min slow"), (7 * 3600, "your clock is 7 h fast"),
    ],
)  # fmt: skip
def test_a_clock_that_is_wrong_is_told_in_one_unit(ahead_s: float, words: str) -> None:
    """S2: and a small offset is not worth a word."""
    assert clock_words(round(ahead_s * 1e9)).split(";")[0] == words
