"""The name of a step with profiles: what was changed, told from what there was before and after."""

from __future__ import annotations

from collections.abc import Iterator

from app.period_profiles import PeriodProfiles
from app.placed_profile import PlacedProfile
from app.profile_history import Profiles


def step_text(before: Profiles, after: Profiles) -> str:
    """What a step did, in a few words, as in `A1 taken off` and `inputs of A1`; all that it did if it was a gesture."""
    return ", ".join(_changes(before, after))


def _changes(before: Profiles, after: Profiles) -> Iterator[str]:
    old, new = ({placed.key: placed for placed in profiles.placed} for profiles in (before, after))
    yield from (f"{placed.name} put there" for key, placed in new.items() if key not in old)
    yield from (f"{placed.name} taken off" for key, placed in old.items() if key not in new)
    for key, placed in new.items():
        if key in old:
            yield from _changes_of(old[key], placed)
    if before.periods != after.periods:
        yield _change_of_periods(before.periods, after.periods)
    if before.side != after.side:
        yield "inputs of the side profile"


def _changes_of(before: PlacedProfile, after: PlacedProfile) -> Iterator[str]:
    if before.name != after.name:
        yield f"{before.name} named {after.name}"
    if before.stretches != after.stretches:
        yield f"time of {after.name}"
    if before.inputs != after.inputs:
        yield f"inputs of {after.name}"


def _change_of_periods(before: PeriodProfiles | None, after: PeriodProfiles | None) -> str:
    if after is None:
        return "no profiles of periods"
    if before is None or not before.divides_like(after):
        return f"profiles of {after.text}"
    if before.inputs != after.inputs:
        return f"inputs of profiles of {after.text}"
    return f"split or merge in profiles of {after.text}"
