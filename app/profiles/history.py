"""All profiles of a chart as one value, and its history for undo and the file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from app.errors import BadInputError
from app.profiles.period_profiles import PeriodProfiles
from app.profiles.placed_profile import PlacedProfile
from app.profiles.profile_settings import SIDE_INPUTS, ProfileSettings
from app.settings.calculation import ValueAreaSettings


@dataclass(frozen=True, slots=True)
class ProfileState:
    """All profiles of a chart at one undo step.

    Attributes
    ----------
    placed : tuple of PlacedProfile
        In the order in which they were added.
    periods : PeriodProfiles or None
        The period profiles, if they are drawn.
    aside : tuple of PeriodProfiles
        Period profiles that are not drawn, but were split or merged; if drawn again, they have the same edges.
    side : ProfileSettings
        Settings of the visible range profile; its width is a share of the strip beside the bars.
    """

    placed: tuple[PlacedProfile, ...] = ()
    periods: PeriodProfiles | None = None
    aside: tuple[PeriodProfiles, ...] = ()
    side: ProfileSettings = field(default=SIDE_INPUTS)

    def with_periods(self, periods: PeriodProfiles | None) -> ProfileState:
        """The state with other period profiles, or with None; their earlier splits and merges return, unless new ones are given."""
        aside = self.aside if self.periods is None or not self.periods.is_edited else (*self.aside, self.periods)
        if periods is None:
            return replace(self, periods=None, aside=aside)
        known = next((one for one in aside if one.has_same_periods(periods)), None)
        if known is not None and not periods.is_edited:
            periods = replace(periods, cuts=known.cuts, joins=known.joins)
        return replace(self, periods=periods, aside=tuple(one for one in aside if not one.has_same_periods(periods)))


@dataclass(frozen=True, slots=True)
class ProfileHistory:
    """The profiles of a chart at each undo and redo step, with the settings for new profiles.

    Attributes
    ----------
    steps : tuple of ProfileState
        Oldest first.
    place : int
        Index of the current step; the steps after it were undone.
    next_key : int
        Key of the next profile that is added; larger than all keys in the steps.
    inputs : ProfileSettings
        Settings of the next profile that is added.
    rule : ValueAreaSettings
        The chart's value area settings, which the visible range profile and new profiles follow unless they have their own.

    Raises
    ------
    BadInputError
        If there is no step at that index, or a key is not unique or not below `next_key`.
    """

    steps: tuple[ProfileState, ...]
    place: int
    next_key: int
    inputs: ProfileSettings
    rule: ValueAreaSettings

    def __post_init__(self) -> None:
        if not 0 <= self.place < len(self.steps):
            raise BadInputError(f"profiles: found step {self.place} of {len(self.steps)}")
        for profiles in self.steps:
            keys = [placed.key for placed in profiles.placed]
            if len({*keys}) < len(keys) or not all(0 < key < self.next_key for key in keys):
                raise BadInputError(f"profiles: found keys {keys[:5]}, expected unique keys from 1 to {self.next_key - 1}")
