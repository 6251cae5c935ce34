"""The names of undo steps, for each kind of change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from app.profiles.chart_profiles import ChartProfiles
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.profiles.profile_settings import ProfileSettings
from app.profiles.step_names import step_text

DAYS = PeriodProfiles(PeriodKind.DAY)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda anchors: anchors.add(5), "add A2"),
        (lambda anchors: anchors.add(5, 9), "add R2"),
        (lambda anchors: anchors.delete(1), "delete A1"),
        (lambda anchors: anchors.move(1, 3, None), "move A1"),
        (lambda anchors: anchors.rename(1, "London"), "rename A1 to London"),
        (lambda anchors: anchors.set_inputs(1, ProfileSettings(percent=50)), "settings of A1"),
        (lambda anchors: anchors.show_periods(None), "hide period profiles"),
        (lambda anchors: anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 30)), "show 30-bar profiles"),
        (lambda anchors: anchors.show_periods(replace(DAYS, inputs=ProfileSettings(percent=50))), "settings of daily profiles"),
        (lambda anchors: anchors.split_period(7), "split or merge of daily profiles"),
        (lambda anchors: anchors.set_side(replace(anchors.side, percent=50)), "settings of the visible range profile"),
    ],
)
def test_a_step_is_named_after_its_change(change: Callable[[ChartProfiles], object], text: str) -> None:
    anchors = ChartProfiles()
    anchors.add(0)
    anchors.show_periods(DAYS)
    before = anchors.all_profiles
    change(anchors)
    assert step_text(before, anchors.all_profiles) == text


def test_a_gesture_is_named_after_all_its_changes() -> None:
    anchors = ChartProfiles()
    before = anchors.all_profiles
    anchors.begin_gesture()
    key = anchors.add(0)
    anchors.show_periods(DAYS)
    anchors.end_gesture()
    assert key == 1 and step_text(before, anchors.all_profiles) == "add A1, show daily profiles"
