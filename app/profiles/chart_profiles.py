"""The profiles on a chart: placed, period and visible range profiles, with undo.

Nothing here depends on bars or a screen. The screen reads the profiles again when `revision` has grown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from app.errors import BadInputError
from app.profiles.history import ProfileHistory, ProfileState
from app.profiles.period_profiles import PeriodProfiles
from app.profiles.placed_profile import MAX_NAME, PlacedProfile, TimeRange, merge_ranges
from app.profiles.profile_settings import SIDE_INPUTS, ProfileSettings
from app.profiles.undo import UndoStack
from app.settings.calculation import ValueAreaSettings


class ChartProfiles:
    """All profiles of one chart, with undo.

    One placed profile may be selected, and several may be picked for a composite. Every change of a profile is one undo step; all
    changes during a gesture are one step together. Methods that change a profile do nothing if there is none with the given key.

    Attributes
    ----------
    revision : int
        Grows with every change, also of the selection.
    selected : int or None
        Key of the profile that keyboard commands act on; None if none is selected.
    edition : int
        Grows with every change that is saved.
    inputs : ProfileSettings
        Settings of the next profile that is added.
    chosen : tuple of PlacedProfile
        Profiles for the next composite, in the order in which they were picked; period profiles have key 0.
    """

    def __init__(self, inputs: ProfileSettings | None = None) -> None:
        self.revision = self.edition = 0
        self.selected: int | None = None
        self.inputs = inputs or ProfileSettings()
        self.chosen: tuple[PlacedProfile, ...] = ()
        self._steps = UndoStack(ProfileState(side=replace(SIDE_INPUTS, percent=self.inputs.percent, method=self.inputs.method)))
        self._next_key = 1
        self._rule = ValueAreaSettings(self.inputs.method, self.inputs.percent)

    # -- reading ---------------------------------------------------------------------------------

    @property
    def all_profiles(self) -> ProfileState:
        """All profiles as one immutable value, which each change replaces."""
        return self._steps.now

    @property
    def profiles(self) -> tuple[PlacedProfile, ...]:
        """The placed profiles (anchored, range and composite), in the order in which they were added."""
        return self._steps.now.placed

    @property
    def periods(self) -> PeriodProfiles | None:
        """The period profiles; None if they are not shown."""
        return self._steps.now.periods

    @property
    def side(self) -> ProfileSettings:
        """Settings of the visible range profile."""
        return self._steps.now.side

    def get(self, key: int | None) -> PlacedProfile | None:
        """The placed profile with a key; None if there is no such profile, or the key is None."""
        return next((placed for placed in self.profiles if placed.key == key), None)

    @property
    def can_undo(self) -> bool:
        """True if there is a step to undo."""
        return self._steps.can_undo

    @property
    def can_redo(self) -> bool:
        """True if there is a step to redo."""
        return self._steps.can_redo

    # -- changing --------------------------------------------------------------------------------

    def add(self, start_ns: int, end_ns: int | None = None) -> int:
        """Add a range profile or, without an end, an anchored profile; select it and return its key.

        Raises
        ------
        BadInputError
            If the end is not after the start.
        """
        return self._add("A" if end_ns is None else "R", (TimeRange(start_ns, end_ns),))

    def compose(self) -> int:
        """Make a composite of the picked profiles, select it and return its key; afterwards no profile is picked.

        The composite covers the time of all of them, and does not change when they do.

        Raises
        ------
        BadInputError
            If fewer than two are picked.
        """
        if len(self.chosen) < 2:
            raise BadInputError(
                f"composite: found {len(self.chosen)} profile{'' if len(self.chosen) == 1 else 's'} selected, expected two or more"
            )
        stretches = merge_ranges(time_range for placed in self.chosen for time_range in placed.stretches)
        key = self._add("C", stretches, tuple(placed.name for placed in self.chosen))
        self.choose_none()
        return key

    def move(self, key: int, start_ns: int, end_ns: int | None) -> None:
        """Move the profile with this key to another start and end; raises `BadInputError` if the end is not after the start."""
        self._change(key, lambda placed: placed.moved(start_ns, end_ns))

    def cut(self, key: int, end_ns: int) -> None:
        """End the profile with this key at a time, unless it already ends earlier.

        Raises
        ------
        BadInputError
            If the profile starts at or after that time.
        """
        self._change(key, lambda placed: placed.ended_at(end_ns))

    def rename(self, key: int, name: str) -> None:
        """Rename the profile with this key; runs of spaces in the name become one.

        Raises
        ------
        BadInputError
            If the name is empty or too long.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= MAX_NAME:
            raise BadInputError(f"name: found {len(name)} characters, expected 1 to {MAX_NAME}")
        self._change(key, lambda placed: replace(placed, name=name))

    def set_inputs(self, key: int, inputs: ProfileSettings) -> None:
        """Change the settings of the profile with this key, if there is one, and of the next profile that is added."""
        self._change(key, lambda placed: replace(placed, inputs=inputs))
        self.inputs = inputs

    def delete(self, key: int) -> None:
        """Delete the placed profile with this key, if there is one."""
        self._record(replace(self._steps.now, placed=tuple(placed for placed in self.profiles if placed.key != key)))

    def show_periods(self, periods: PeriodProfiles | None) -> None:
        """Show these period profiles instead of any others, or with None hide them; their earlier splits and merges return.

        If the given ones are split or merged, their own splits and merges count.
        """
        self._record(self._steps.now.with_periods(periods))

    def split_period(self, time_ns: int) -> None:
        """Split a period profile at a time inside it; does nothing if no period profiles are shown."""
        if self.periods is not None:
            self._record(replace(self._steps.now, periods=self.periods.split(time_ns)))

    def merge_periods(self, time_ns: int) -> None:
        """Merge the two period profiles that meet at a time; does nothing if no period profiles are shown."""
        if self.periods is not None:
            self._record(replace(self._steps.now, periods=self.periods.merged(time_ns)))

    def reset_periods(self) -> None:
        """Remove all splits and merges of the shown period profiles, as one undo step."""
        if self.periods is not None:
            self._record(replace(self._steps.now, periods=self.periods.without_edits()))

    def set_side(self, inputs: ProfileSettings) -> None:
        """Change the settings of the visible range profile."""
        self._record(replace(self._steps.now, side=inputs))

    def use_value_area(self, old: ValueAreaSettings, new: ValueAreaSettings) -> None:
        """Apply the chart's new value area settings to the visible range profile and to the next profile that is added.

        Value area settings that differ from the chart's `old` ones are kept. The change is not an undo step.
        """
        self._rule = new
        self.inputs = _by_rule(self.inputs, old, new)
        self._steps.amend(lambda profiles: replace(profiles, side=_by_rule(profiles.side, old, new)))
        self.revision += 1
        self.edition += 1

    def select(self, key: int | None) -> None:
        """Select the placed profile with a key, for keyboard commands; without such a profile, or with None, select none."""
        if key != self.selected:
            self.selected = key if self.get(key) is not None else None
            self.revision += 1

    def select_next(self) -> None:
        """Select the placed profile added after the selected one; if the last one or none is selected, select the first."""
        keys = [placed.key for placed in self.profiles]
        if keys:
            self.select(keys[(keys.index(self.selected) + 1) % len(keys) if self.selected in keys else 0])

    def choose(self, placed: PlacedProfile) -> None:
        """Pick a profile for the next composite or, if it is picked already, unpick it; a period profile has key 0."""
        others = tuple(one for one in self.chosen if not _is_same(one, placed))
        self.chosen = others if len(others) < len(self.chosen) else (*others, placed)
        self.revision += 1

    def choose_none(self) -> None:
        """Unpick all profiles that were picked for the next composite."""
        if self.chosen:
            self.chosen = ()
            self.revision += 1

    def is_chosen(self, placed: PlacedProfile) -> bool:
        """True if a profile is picked for the next composite."""
        return any(_is_same(one, placed) for one in self.chosen)

    def begin_gesture(self) -> None:
        """Record all changes until `end_gesture` as one undo step."""
        self._steps.begin_gesture()

    def end_gesture(self) -> None:
        """End a gesture: each later change is an undo step of its own again."""
        self._steps.end_gesture()

    def undo(self) -> bool:
        """Undo the last step and return True; return False if there is no step, or during a gesture."""
        return self._note_change(self._steps.undo())

    def redo(self) -> bool:
        """Redo the last undone step and return True; return False if there is no step, or during a gesture."""
        return self._note_change(self._steps.redo())

    # -- saving ----------------------------------------------------------------------------------

    def history(self) -> ProfileHistory:
        """The data to save: all undo and redo steps, the settings and key of the next profile, and the value area settings."""
        steps, place = self._steps.steps()
        return ProfileHistory(steps, place, self._next_key, self.inputs, self._rule)

    def restore(self, history: ProfileHistory) -> None:
        """Replace all profiles and undo steps by a saved history, then apply the chart's current value area settings."""
        rule = self._rule
        self._steps.restore(history.steps, history.place)
        self._next_key, self.inputs = history.next_key, history.inputs
        self.use_value_area(history.rule, rule)
        self._note_change(True)

    def _add(self, letter: str, stretches: tuple[TimeRange, ...], parts: tuple[str, ...] = ()) -> int:
        key = self._next_key
        placed = PlacedProfile(key, f"{letter}{key}", stretches, self.inputs, parts)
        self._next_key += 1
        self._record(replace(self._steps.now, placed=(*self.profiles, placed)))
        self.select(key)
        return key

    def _change(self, key: int, change: Callable[[PlacedProfile], PlacedProfile]) -> None:
        placed = tuple(change(placed) if placed.key == key else placed for placed in self.profiles)
        self._record(replace(self._steps.now, placed=placed))

    def _record(self, profiles: ProfileState) -> None:
        self._note_change(self._steps.record(profiles))

    def _note_change(self, changed: bool) -> bool:
        if not changed:
            return False
        if self.get(self.selected) is None:
            self.selected = None
        there = {placed.key: placed for placed in self.profiles}
        self.chosen = tuple(there.get(one.key, one) for one in self.chosen if not one.key or one.key in there)
        self.revision += 1
        self.edition += 1
        return True


def _is_same(one: PlacedProfile, other: PlacedProfile) -> bool:
    return one.key == other.key if one.key or other.key else one.stretches == other.stretches


def _by_rule(inputs: ProfileSettings, old: ValueAreaSettings, new: ValueAreaSettings) -> ProfileSettings:
    if (inputs.percent, inputs.method) != (old.percent, old.method):
        return inputs
    return replace(inputs, percent=new.percent, method=new.method)
