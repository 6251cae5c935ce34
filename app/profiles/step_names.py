"""Names of undo steps, found by comparing the profiles before and after a step."""

from __future__ import annotations

from collections.abc import Iterator

from app.profiles.history import ProfileState
from app.profiles.period_profiles import PeriodProfiles
from app.profiles.placed_profile import PlacedProfile


def step_text(before: ProfileState, after: ProfileState) -> str:
    """The changes from one state to the next as text, e.g. `delete A1`, separated by commas; empty if no shown profile has changed."""
    return ", ".join(_changes(before, after))


def _changes(before: ProfileState, after: ProfileState) -> Iterator[str]:
    old, new = ({placed.key: placed for placed in profiles.placed} for profiles in (before, after))
    yield from (f"add {placed.name}" for key, placed in new.items() if key not in old)
    yield from (f"delete {placed.name}" for key, placed in old.items() if key not in new)
    for key, placed in new.items():
        if key in old:
            yield from _changes_of(old[key], placed)
    if before.periods != after.periods:
        yield _change_of_periods(before.periods, after.periods)
    if before.side != after.side:
        yield "settings of the visible range profile"


def _changes_of(before: PlacedProfile, after: PlacedProfile) -> Iterator[str]:
    if before.name != after.name:
        yield f"rename {before.name} to {after.name}"
    if before.stretches != after.stretches:
        yield f"move {after.name}"
    if before.inputs != after.inputs:
        yield f"settings of {after.name}"


def _change_of_periods(before: PeriodProfiles | None, after: PeriodProfiles | None) -> str:
    if after is None:
        return "hide period profiles"
    if before is None or not before.has_same_periods(after):
        return f"show {after.text} profiles"
    if before.inputs != after.inputs:
        return f"settings of {after.text} profiles"
    return f"split or merge of {after.text} profiles"
