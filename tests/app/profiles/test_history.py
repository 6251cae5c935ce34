"""Profiles as one value: splits and merges return with their periods, and keys are unique."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.errors import BadInputError
from app.profiles.history import ProfileHistory, ProfileState
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.profiles.placed_profile import PlacedProfile, TimeRange
from app.profiles.profile_settings import SIDE_INPUTS, ProfileSettings
from app.settings.calculation import ValueAreaSettings

DAYS, WEEKS = PeriodProfiles(PeriodKind.DAY), PeriodProfiles(PeriodKind.WEEK)
SPLIT_DAYS = DAYS.split(5)


def test_a_new_state_has_no_profiles_and_the_usual_side() -> None:
    state = ProfileState()
    assert (state.placed, state.periods, state.aside, state.side) == ((), None, (), SIDE_INPUTS)


def test_period_profiles_are_drawn_and_removed() -> None:
    shown = ProfileState().with_periods(DAYS)
    assert (shown.periods, shown.aside) == (DAYS, ())
    assert shown.with_periods(None) == ProfileState()


def test_edited_periods_return_with_their_splits_and_merges() -> None:
    edited = SPLIT_DAYS.merged(9)
    weeks = ProfileState().with_periods(edited).with_periods(WEEKS)
    assert (weeks.periods, weeks.aside) == (WEEKS, (edited,))
    again = weeks.with_periods(DAYS)
    assert (again.periods, again.aside) == (edited, ())


def test_edits_also_return_after_periods_were_removed() -> None:
    hidden = ProfileState().with_periods(SPLIT_DAYS).with_periods(None)
    assert (hidden.periods, hidden.aside) == (None, (SPLIT_DAYS,))
    assert hidden.with_periods(DAYS).periods == SPLIT_DAYS


def test_returning_periods_take_edges_and_not_settings_from_before() -> None:
    hidden = ProfileState().with_periods(SPLIT_DAYS).with_periods(None)
    wide = replace(DAYS, inputs=ProfileSettings(width_percent=80))
    assert hidden.with_periods(wide).periods == replace(wide, cuts=frozenset({5}))


def test_edited_periods_replace_the_edits_from_before() -> None:
    hidden = ProfileState().with_periods(SPLIT_DAYS).with_periods(None)
    other = DAYS.split(7)
    shown = hidden.with_periods(other)
    assert (shown.periods, shown.aside) == (other, ())


def test_periods_without_edits_are_not_remembered() -> None:
    assert ProfileState().with_periods(DAYS).with_periods(WEEKS).aside == ()


def test_edits_of_several_kinds_are_remembered() -> None:
    of_five = PeriodProfiles(PeriodKind.BARS, 5).split(3)
    state = ProfileState().with_periods(SPLIT_DAYS).with_periods(of_five).with_periods(PeriodProfiles(PeriodKind.BARS, 6))
    assert state.aside == (SPLIT_DAYS, of_five)
    assert state.with_periods(PeriodProfiles(PeriodKind.BARS, 5)).periods == of_five


def test_changing_periods_keeps_placed_profiles_and_the_side() -> None:
    state = ProfileState((placed(1),), None, (), ProfileSettings(percent=60))
    shown = state.with_periods(DAYS)
    assert (shown.placed, shown.side) == (state.placed, state.side)


# -- the history ---------------------------------------------------------------------------------


def placed(key: int) -> PlacedProfile:
    return PlacedProfile(key, f"A{key}", (TimeRange(key, None),), ProfileSettings())


def history(*steps: ProfileState, place: int = 0, next_key: int = 9) -> ProfileHistory:
    return ProfileHistory(steps, place, next_key, ProfileSettings(), ValueAreaSettings())


def test_a_history_has_a_current_step_and_unique_keys() -> None:
    steps = ProfileState(), ProfileState((placed(1),)), ProfileState((placed(1), placed(8)))
    assert history(*steps, place=2).steps == steps
    assert history(*steps, place=0).place == 0


@pytest.mark.parametrize(("n_steps", "place"), [(0, 0), (2, 2), (2, -1)])
def test_a_history_without_its_current_step_is_refused(n_steps: int, place: int) -> None:
    with pytest.raises(BadInputError) as caught:
        history(*[ProfileState()] * n_steps, place=place)
    assert caught.value.user_message == f"profiles: found step {place} of {n_steps}"


@pytest.mark.parametrize("keys", [(1, 1), (9,), (0,), (-3, 4)])
def test_keys_that_are_not_unique_or_too_large_are_refused(keys: tuple[int, ...]) -> None:
    with pytest.raises(BadInputError) as caught:
        history(ProfileState(), ProfileState(tuple(placed(key) for key in keys)))
    assert caught.value.user_message == f"profiles: found keys {list(keys)}, expected unique keys from 1 to 8"
