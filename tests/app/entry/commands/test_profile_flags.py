"""Flags that add profiles to the chart of an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.analytics.row_layout import RowLayout, RowMode
from app.entry.cli import run
from app.entry.commands.profile_flags import ProfileFlags
from app.errors import BadInputError
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.profile_settings import ProfileColours, VolumeDisplay

NOON_NS = 1_763_640_000 * 10**9


def test_anchor_and_range_flags_add_profiles() -> None:
    anchors = ChartProfiles()
    ProfileFlags(anchor=["2025-11-20T12:00Z"], range=["2025-11-20T12:00Z/2025-11-20T12:30Z"]).put_on(anchors)
    assert [(placed.start_ns, placed.end_ns) for placed in anchors.profiles] == [(NOON_NS, None), (NOON_NS, NOON_NS + 1800 * 10**9)]
    assert anchors.selected is None


def test_settings_flags_apply_to_added_profiles() -> None:
    anchors = ChartProfiles()
    ProfileFlags(anchor=["2025-11-20T12:00Z"], profile_rows=24, profile_volume="delta", profile_extend=True).put_on(anchors)
    inputs = anchors.profiles[0].inputs
    assert (inputs.rows, inputs.volume, inputs.extend_val) == (RowLayout(RowMode.ROWS, 24), VolumeDisplay.DELTA, True)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (ProfileFlags(anchor=["noon"]), "time: found 'noon'"),
        (ProfileFlags(range=["2025-11-20T12:00Z"]), "two times separated by a slash"),
        (ProfileFlags(range=["2025-11-20T12:00Z/2025-11-20T11:00Z"]), "the end must be after the start"),
        (ProfileFlags(profile_rows=3, profile_ticks=3), "mutually exclusive"),
        (ProfileFlags(profile_ticks=0), "row size: found 0"),
        (ProfileFlags(profile_each="hour"), "--profile-each: found 'hour'"),
        (ProfileFlags(profile_each="0"), "--profile-each: found '0'"),
        (ProfileFlags(split=["2025-11-20T12:00Z"]), "require --profile-each"),
        (ProfileFlags(composite=["2025-11-20T12:00Z"]), "found 1 profile selected"),
        (ProfileFlags(profile_buy="mauve"), "colour: found 'mauve'"),
    ],
)
def test_invalid_profile_flags_raise_an_error(flags: ProfileFlags, told: str) -> None:
    with pytest.raises(BadInputError, match=told):
        flags.put_on(ChartProfiles())


@pytest.mark.parametrize(
    ("text", "shown"),
    [("day", "daily"), ("session", "session"), ("month", "monthly"), ("30", "30-bar"), ("1", "1-bar")],
)
def test_profile_each_takes_a_period_or_a_number_of_bars(text: str, shown: str) -> None:
    anchors = ChartProfiles()
    ProfileFlags(profile_each=text).put_on(anchors)
    assert anchors.periods is not None and anchors.periods.text == shown


def test_the_composite_flag_joins_all_its_ranges() -> None:
    anchors = ChartProfiles()
    ProfileFlags(composite=["2025-11-20T12:00Z/2025-11-20T12:30Z,2025-11-20T13:00Z"]).put_on(anchors)
    assert anchors.profiles[0].stretches == ((NOON_NS, NOON_NS + 1800 * 10**9), (NOON_NS + 3600 * 10**9, None))
    assert anchors.profiles[0].parts == ("2025-11-20T12:00Z", "2025-11-20T13:00Z")


def test_split_and_merge_flags_edit_period_profiles() -> None:
    anchors = ChartProfiles()
    ProfileFlags(profile_each="day", split=["2025-11-20T12:00Z"], merge=["2025-11-20T00:00Z"]).put_on(anchors)
    assert anchors.periods is not None
    assert (anchors.periods.cuts, anchors.periods.joins) == ({NOON_NS}, {NOON_NS - 12 * 3600 * 10**9})


def test_profile_side_applies_settings_to_the_visible_range() -> None:
    anchors = ChartProfiles()
    usual = anchors.side
    flags = ProfileFlags(profile_buy="blue", profile_sell="#123456", profile_width=44)
    flags.put_on(anchors)
    assert anchors.side == usual
    assert (anchors.inputs.colours, anchors.inputs.width_percent) == (ProfileColours("#0072b2", "#123456", ""), 44)
    flags.profile_side = True
    flags.put_on(anchors)
    assert (anchors.side.colours.buy, anchors.side.width_percent) == ("#0072b2", 44)


def test_a_snapshot_with_a_profile_differs_from_one_without(tmp_path: Path, qapp: object) -> None:
    pictures = []
    for flags in ([], ["--anchor", "2025-11-20T17:30Z"]):
        path = tmp_path / f"{len(flags)}.png"
        assert run(["snapshot", "demo", "-o", str(path), "--size", "640x420", "--bars", "60", *flags]) == 0
        pictures.append(path.read_bytes())
    assert pictures[0] != pictures[1]
