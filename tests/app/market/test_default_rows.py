"""The default row size gives bars of any length about the same number of rows."""

from __future__ import annotations

import pytest

from app.market.bar_rule import parse_bar_rule
from app.market.default_rows import default_ticks_per_row

BITCOIN = 650_000  # ticks of 0.1


@pytest.mark.parametrize(("bar", "ticks"), [("15s", 25), ("1m", 50), ("5m", 100), ("15m", 250), ("1h", 500), ("1d", 2000), ("500t", 50)])
def test_row_size_grows_with_the_square_root_of_the_bar_length(bar: str, ticks: int) -> None:
    assert default_ticks_per_row(BITCOIN, parse_bar_rule(bar)) == ticks


def test_a_row_has_at_least_one_tick() -> None:
    assert default_ticks_per_row(3, parse_bar_rule("1m")) == 1
