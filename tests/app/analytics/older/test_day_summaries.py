"""The summary of a day has the sums of its bars."""

from __future__ import annotations

import pytest

from app.analytics.older import day_summaries
from app.analytics.older.day_summaries import summary_of
from tests.builders import series_of, trades_of

TRADES = trades_of([(0, 100, 2, 1), (1, 103, 3, -1), (60, 101, 1, 0), (61, 99, 4, 1)])


def test_a_summary_has_the_sums_of_all_bars() -> None:
    found = summary_of(series_of(TRADES, ticks_per_row=2), 7)
    assert (found.day, found.n_bars, found.trades, found.volume, found.delta, found.low, found.high) == (7, 2, 4, 10, 3, 99, 103)
    assert found.last_number - found.first_number == 1
    assert found.turnover == 100 * 2 + 103 * 3 + 101 + 99 * 4
    assert found.squares == 100**2 * 2 + 103**2 * 3 + 101**2 + 99**2 * 4
    assert found.n_cells == 2 + 2
    assert found.rows is not None
    assert (found.rows.first_row, found.rows.lots.tolist()) == (49, [[4, 2, 0], [0, 0, 3], [0, 1, 0]])


@pytest.mark.parametrize(("most", "there"), [(3, True), (2, False)])
def test_a_profile_with_too_many_rows_is_not_in_the_summary(monkeypatch: pytest.MonkeyPatch, most: int, there: bool) -> None:
    monkeypatch.setattr(day_summaries, "MOST_ROWS", most)
    assert (summary_of(series_of(TRADES, ticks_per_row=2), 7).rows is not None) == there
