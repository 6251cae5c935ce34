"""The profiles that a user has put on a chart: placed ones, those of periods and that of the bars in sight, with undo.

Plain values and method calls; nothing here knows of bars, nor of a screen. The screen pulls by `revision`.
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
    """The profiles of one chart; one of the placed ones may be selected, and several chosen to make one of them.

    Every change is one step of undo, and what is changed while a gesture lasts is one step together.

    Attributes
    ----------
    revision : int
        Grows with every change, of the selection too.
    selected : int or None
        Key of the one that the keys act on.
    edition : int
        Grows with every change that is worth keeping.
    inputs : ProfileInputs
        Of the next one that is added.
    chosen : tuple of PlacedProfile
        What the next composite is made of, in the order in which it was chosen; may hold profiles of periods, with key 0.
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
        """All that a step may change, as one value."""
        return self._steps.now

    @property
    def profiles(self) -> tuple[PlacedProfile, ...]:
        """Those that were placed, in the order in which they were put there."""
        return self._steps.now.placed

    @property
    def periods(self) -> PeriodProfiles | None:
        """Profiles of all periods beside those."""
        return self._steps.now.periods

    @property
    def side(self) -> ProfileSettings:
        """Inputs of the profile of the bars in sight."""
        return self._steps.now.side

    def get(self, key: int | None) -> PlacedProfile | None:
        """The profile of a key; None if there is none."""
        return next((placed for placed in self.profiles if placed.key == key), None)

    @property
    def can_undo(self) -> bool:
        """Whether a step can be taken back."""
        return self._steps.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether a step that was taken back can be taken again."""
        return self._steps.can_redo

    # -- changing --------------------------------------------------------------------------------

    def add(self, start_ns: int, end_ns: int | None = None) -> int:
        """Put a profile on the chart and select it; its key. Without an end it grows with the market."""
        return self._add("A" if end_ns is None else "R", (TimeRange(start_ns, end_ns),))

    def compose(self) -> int:
        """Make one profile of those that are chosen, of all their time; its key. It stays as it is when they are changed.

        Raises
        ------
        BadInputError
            If fewer than two are chosen.
        """
        if len(self.chosen) < 2:
            raise BadInputError(
                f"composite: found {len(self.chosen)} profile{'' if len(self.chosen) == 1 else 's'} selected, expected two or more"
            )
        stretches = merge_ranges(stretch for placed in self.chosen for stretch in placed.stretches)
        key = self._add("C", stretches, tuple(placed.name for placed in self.chosen))
        self.choose_none()
        return key

    def move(self, key: int, start_ns: int, end_ns: int | None) -> None:
        """Begin, and end, at other times."""
        self._change(key, lambda placed: placed.moved(start_ns, end_ns))

    def cut(self, key: int, end_ns: int) -> None:
        """End at a time, if it would go on beyond it."""
        self._change(key, lambda placed: placed.ended_at(end_ns))

    def rename(self, key: int, name: str) -> None:
        """Give another name.

        Raises
        ------
        BadInputError
            If nothing is left of it, or it is too long to be shown.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= MAX_NAME:
            raise BadInputError(f"name: found {len(name)} characters, expected 1 to {MAX_NAME}")
        self._change(key, lambda placed: replace(placed, name=name))

    def set_inputs(self, key: int, inputs: ProfileSettings) -> None:
        """Make and draw it otherwise; the next one that is added too."""
        self._change(key, lambda placed: replace(placed, inputs=inputs))
        self.inputs = inputs

    def delete(self, key: int) -> None:
        """Take it off the chart."""
        self._keep(replace(self._steps.now, placed=tuple(placed for placed in self.profiles if placed.key != key)))

    def show_periods(self, periods: PeriodProfiles | None) -> None:
        """A profile for each period, or none."""
        self._keep(self._steps.now.with_periods(periods))

    def split_period(self, time_ns: int) -> None:
        """Let a profile of the periods begin at a time."""
        if self.periods is not None:
            self._keep(replace(self._steps.now, periods=self.periods.split(time_ns)))

    def merge_periods(self, time_ns: int) -> None:
        """Let none of them begin at a time: the two around it are one."""
        if self.periods is not None:
            self._keep(replace(self._steps.now, periods=self.periods.merged(time_ns)))

    def reset_periods(self) -> None:
        """Forget what was split and merged."""
        if self.periods is not None:
            self._keep(replace(self._steps.now, periods=self.periods.without_edits()))

    def set_side(self, inputs: ProfileSettings) -> None:
        """Make and draw the profile of the bars in sight otherwise."""
        self._keep(replace(self._steps.now, side=inputs))

    def use_value_area(self, old: ValueAreaSettings, new: ValueAreaSettings) -> None:
        """The chart's rule of value areas is another: so it is for the next profile, and for that of the bars in sight.

        No step of undo. Inputs that were given a rule of their own keep it.
        """
        self._rule = new
        self.inputs = _by_rule(self.inputs, old, new)
        self._steps.amend(lambda profiles: replace(profiles, side=_by_rule(profiles.side, old, new)))
        self.revision += 1
        self.edition += 1

    def select(self, key: int | None) -> None:
        """Choose which one the keys act on."""
        if key != self.selected:
            self.selected = key if self.get(key) is not None else None
            self.revision += 1

    def select_next(self) -> None:
        """The one that was put there after the one selected; after the last the first."""
        keys = [placed.key for placed in self.profiles]
        if keys:
            self.select(keys[(keys.index(self.selected) + 1) % len(keys) if self.selected in keys else 0])

    def choose(self, placed: PlacedProfile) -> None:
        """Choose a profile for the next composite, or no longer: a placed one, or one of a period, of key 0."""
        kept = tuple(one for one in self.chosen if not _is_same(one, placed))
        self.chosen = kept if len(kept) < len(self.chosen) else (*kept, placed)
        self.revision += 1

    def choose_none(self) -> None:
        """No longer choose any."""
        if self.chosen:
            self.chosen = ()
            self.revision += 1

    def is_chosen(self, placed: PlacedProfile) -> bool:
        """Whether one is chosen for the next composite."""
        return any(_is_same(one, placed) for one in self.chosen)

    def begin_gesture(self) -> None:
        """What is changed from now on is one step of undo, until `end_gesture`."""
        self._steps.begin_gesture()

    def end_gesture(self) -> None:
        """The next change is a step of its own again."""
        self._steps.end_gesture()

    def undo(self) -> bool:
        """Take the last step back; whether there was one."""
        return self._shown_if(self._steps.undo())

    def redo(self) -> bool:
        """Take a step again that was taken back; whether there was one."""
        return self._shown_if(self._steps.redo())

    # -- keeping ---------------------------------------------------------------------------------

    def history(self) -> ProfileHistory:
        """All that is worth keeping."""
        steps, place = self._steps.steps()
        return ProfileHistory(steps, place, self._next_key, self.inputs, self._rule)

    def restore(self, history: ProfileHistory) -> None:
        """Go on where a history ends; if the chart's rule of value areas has become another since, it is changed as ever."""
        rule = self._rule
        self._steps.restore(history.steps, history.place)
        self._next_key, self.inputs = history.next_key, history.inputs
        self.use_value_area(history.rule, rule)
        self._shown_if(True)

    def _add(self, letter: str, stretches: tuple[TimeRange, ...], parts: tuple[str, ...] = ()) -> int:
        key = self._next_key
        placed = PlacedProfile(key, f"{letter}{key}", stretches, self.inputs, parts)
        self._next_key += 1
        self._keep(replace(self._steps.now, placed=(*self.profiles, placed)))
        self.select(key)
        return key

    def _change(self, key: int, change: Callable[[PlacedProfile], PlacedProfile]) -> None:
        placed = tuple(change(placed) if placed.key == key else placed for placed in self.profiles)
        self._keep(replace(self._steps.now, placed=placed))

    def _keep(self, profiles: ProfileState) -> None:
        self._shown_if(self._steps.record(profiles))

    def _shown_if(self, changed: bool) -> bool:
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
