"""Profiles on a chart are added, moved, renamed and deleted, with undo and redo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadInputError
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.placed_profile import PlacedProfile, TimeRange
from app.profiles.profile_settings import Placement, ProfileSettings, VolumeDisplay
from app.profiles.undo import MAX_STEPS
from app.settings.calculation import ValueAreaSettings


def names(anchors: ChartProfiles) -> list[str]:
    return [placed.name for placed in anchors.profiles]


def test_an_anchored_profile_has_no_end_and_is_selected() -> None:
    anchors = ChartProfiles()
    key = anchors.add(1000)
    placed = anchors.get(key)
    assert placed is not None
    assert (placed.name, placed.start_ns, placed.end_ns, anchors.selected) == ("A1", 1000, None, key)


def test_a_range_profile_must_end_after_its_start() -> None:
    anchors = ChartProfiles()
    anchors.add(1000, 2000)
    assert (anchors.profiles[0].name, anchors.profiles[0].end_ns) == ("R1", 2000)
    with pytest.raises(BadInputError, match="range: the end must be after the start"):
        anchors.add(2000, 2000)


def test_move_rename_and_delete_can_be_undone_and_redone() -> None:
    anchors = ChartProfiles()
    key = anchors.add(1000)
    anchors.move(key, 3000, None)
    anchors.rename(key, "  London   open ")
    anchors.delete(key)
    assert (anchors.profiles, anchors.selected) == ((), None)
    seen = []
    while anchors.undo():
        seen.append([(placed.name, placed.start_ns) for placed in anchors.profiles])
    assert seen == [[("London open", 3000)], [("A1", 3000)], [("A1", 1000)], []]
    while anchors.redo():
        pass
    assert (anchors.profiles, anchors.can_redo, anchors.can_undo) == ((), False, True)


def test_a_drag_is_one_undo_step() -> None:
    anchors = ChartProfiles()
    key = anchors.add(0)
    anchors.begin_gesture()
    for start in range(1, 50):
        anchors.move(key, start, None)
    anchors.end_gesture()
    anchors.move(key, 100, None)
    anchors.undo()
    assert anchors.profiles[0].start_ns == 49
    anchors.undo()
    assert anchors.profiles[0].start_ns == 0


def test_a_change_to_equal_values_is_no_undo_step() -> None:
    anchors = ChartProfiles()
    key = anchors.add(0)
    revision = anchors.revision
    anchors.move(key, 0, None)
    anchors.rename(key, "A1")
    anchors.select(key)
    assert anchors.revision == revision
    anchors.undo()
    assert not anchors.can_undo


def test_a_new_step_clears_the_redo_steps() -> None:
    anchors = ChartProfiles()
    anchors.add(0)
    anchors.undo()
    anchors.add(5)
    assert not anchors.can_redo
    assert names(anchors) == ["A2"]


def test_at_most_max_steps_can_be_undone() -> None:
    anchors = ChartProfiles()
    key = anchors.add(0)
    for start in range(1, MAX_STEPS + 50):
        anchors.move(key, start, None)
    steps = 0
    while anchors.undo():
        steps += 1
    assert steps == MAX_STEPS


def test_the_next_profile_uses_the_last_settings() -> None:
    anchors = ChartProfiles()
    key = anchors.add(0)
    anchors.set_inputs(key, ProfileSettings(volume=VolumeDisplay.DELTA, percent=68))
    anchors.add(5)
    assert anchors.profiles[1].inputs == ProfileSettings(volume=VolumeDisplay.DELTA, percent=68)


def test_select_next_cycles_through_the_profiles() -> None:
    anchors = ChartProfiles()
    anchors.select_next()
    assert anchors.selected is None
    keys = [anchors.add(time) for time in range(3)]
    seen = []
    for _ in range(4):
        anchors.select_next()
        seen.append(anchors.selected)
    assert seen == [keys[0], keys[1], keys[2], keys[0]]
    anchors.select(999)
    assert anchors.selected is None


@pytest.mark.parametrize("name", ["", "   ", "x" * 61])
def test_an_empty_or_too_long_name_raises_an_error(name: str) -> None:
    anchors = ChartProfiles()
    key = anchors.add(0)
    with pytest.raises(BadInputError, match="name: found"):
        anchors.rename(key, name)


@pytest.mark.parametrize("inputs", [{"percent": 0}, {"percent": 101}, {"width_percent": 4}])
def test_invalid_profile_settings_raise_an_error(inputs: dict[str, int]) -> None:
    with pytest.raises(BadInputError, match="expected"):
        ProfileSettings(**inputs)


@given(st.lists(st.tuples(st.sampled_from(["add", "move", "delete", "rename"]), st.integers(0, 5)), max_size=30))
def test_undoing_and_redoing_everything_restores_the_end(steps: list[tuple[str, int]]) -> None:
    anchors = ChartProfiles()
    for step, number in steps:
        key = anchors.profiles[number % len(anchors.profiles)].key if anchors.profiles else 0
        if step == "add":
            anchors.add(number)
        elif step == "move":
            anchors.move(key, number, None)
        elif step == "delete":
            anchors.delete(key)
        else:
            anchors.rename(key, f"n{number}")
    end = anchors.profiles
    while anchors.undo():
        pass
    assert anchors.profiles == ()
    while anchors.redo():
        pass
    assert anchors.profiles == end


def test_a_composite_covers_the_time_of_all_picked_profiles() -> None:
    anchors = ChartProfiles()
    first, second = anchors.add(100, 200), anchors.add(150, 300)
    growing = anchors.add(500)
    for key in (first, second, growing):
        placed = anchors.get(key)
        assert placed is not None
        anchors.choose(placed)
    day = PlacedProfile(0, "20 Nov", (TimeRange(10, 20),), ProfileSettings())
    anchors.choose(day)
    composite = anchors.get(anchors.compose())
    assert composite is not None
    assert composite.stretches == ((10, 20), (100, 300), (500, None))
    assert (composite.name, composite.parts, composite.is_composite) == ("C4", ("R1", "R2", "A3", "20 Nov"), True)
    assert (anchors.chosen, anchors.selected) == ((), composite.key)
    anchors.delete(first)
    assert anchors.profiles[-1] == composite
    assert anchors.undo() and anchors.undo()
    assert names(anchors) == ["R1", "R2", "A3"]


def test_picking_twice_unpicks_and_one_makes_no_composite() -> None:
    anchors = ChartProfiles()
    key = anchors.add(100, 200)
    placed = anchors.get(key)
    assert placed is not None
    day = PlacedProfile(0, "20 Nov", (TimeRange(10, 20),), ProfileSettings())
    anchors.choose(day)
    anchors.choose(placed)
    anchors.choose(day)
    assert anchors.chosen == (placed,) and not anchors.is_chosen(day)
    with pytest.raises(BadInputError, match="found 1 profile selected"):
        anchors.compose()
    anchors.choose_none()
    assert anchors.chosen == ()


def test_a_picked_profile_follows_moves_and_deletion() -> None:
    anchors = ChartProfiles()
    key = anchors.add(100, 200)
    anchors.choose(anchors.profiles[0])
    anchors.move(key, 50, 200)
    assert anchors.chosen[0].start_ns == 50
    anchors.delete(key)
    assert anchors.chosen == ()


def test_cutting_a_profile_never_extends_it() -> None:
    anchors = ChartProfiles()
    key = anchors.add(100)
    anchors.cut(key, 300)
    anchors.cut(key, 500)
    assert anchors.profiles[0].stretches == ((100, 300),)


def test_visible_range_settings_are_an_undo_step() -> None:
    anchors = ChartProfiles(ProfileSettings(percent=68))
    assert (anchors.side.percent, anchors.side.placement) == (68, Placement.RIGHT)
    before = anchors.side
    anchors.set_side(ProfileSettings(volume=VolumeDisplay.TOTAL))
    assert anchors.undo()
    assert anchors.side == before


def test_selecting_and_picking_do_not_trigger_a_save() -> None:
    anchors = ChartProfiles()
    key = anchors.add(100)
    edition, revision = anchors.edition, anchors.revision
    anchors.select(None)
    anchors.select(key)
    anchors.choose(anchors.profiles[0])
    assert (anchors.edition, anchors.revision) == (edition, revision + 3)


def test_new_value_area_settings_are_not_undone() -> None:
    anchors = ChartProfiles()
    anchors.add(0)
    anchors.use_value_area(ValueAreaSettings(), ValueAreaSettings(percent=68))
    assert anchors.undo() and anchors.side.percent == 68
    assert anchors.redo() and anchors.side.percent == 68
    anchors.set_side(ProfileSettings(percent=50))
    anchors.use_value_area(ValueAreaSettings(percent=68), ValueAreaSettings())
    assert anchors.side.percent == 50  # a rule of its own


def test_restored_profiles_follow_new_value_area_settings() -> None:
    before, after = ChartProfiles(), ChartProfiles(ProfileSettings(percent=68))
    before.add(0)
    after.restore(before.history())
    assert (after.side.percent, after.inputs.percent, after.profiles[0].inputs.percent) == (68, 68, 70)
