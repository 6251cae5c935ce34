"""Lateness is relative: no clock has to be right."""

from __future__ import annotations

import pytest

from feeds.lag_estimator import LagEstimator

S = 1_000_000_000


@pytest.mark.parametrize("offset_s", [0.05, -3600, 3600, -1.27])
def test_wrong_clock_is_not_lag(offset_s: float) -> None:
    """A14: our clock an hour off, or 1.27 s behind."""
    lateness = LagEstimator()
    for second in range(300):
        lateness.arrived(second * S, second * S + round(offset_s * S))
        assert lateness.late_s == 0
    assert lateness.offset_ns == round(offset_s * S)


def test_congestion_shows_as_lag_while_it_lasts() -> None:
    lateness, late = LagEstimator(), []
    for second in range(100):
        delay = 4 if 40 <= second < 50 else 0.1
        lateness.arrived(second * S, round((second + delay) * S))
        late.append(lateness.late_s)
    assert max(late[:40]) == 0 and late[45] == pytest.approx(3.9) and late[60] == pytest.approx(0)


def test_measurement_restarts_after_the_clock_was_set_back() -> None:
    lateness = LagEstimator()
    lateness.arrived(0, 7200 * S)
    lateness.arrived(S, S)
    assert lateness.late_s == 0


def test_longer_route_counts_as_usual_after_two_minutes() -> None:
    lateness = LagEstimator()
    for second in range(400):
        lateness.arrived(second * S, (second + (3 if second >= 100 else 0)) * S)
        if 100 <= second < 150:
            assert lateness.late_s == 3
    assert lateness.late_s == 0
