"""All profiles of a chart as one value, and the values that it had: what is taken back, and what is kept in a file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from app.errors import BadInputError
from app.profiles.period_profiles import PeriodProfiles
from app.profiles.placed_profile import PlacedProfile
from app.profiles.profile_settings import SIDE_INPUTS, ProfileSettings
from app.settings.calculation import ValueAreaSettings


@dataclass(frozen=True, slots=True)
class ProfileState:
    """All profiles of a chart as they are between two steps.

    Attributes
    ----------
    placed : tuple of PlacedProfile
        In the order in which they were put there.
    periods : PeriodProfiles or None
        Those of the periods, if they are drawn.
    aside : tuple of PeriodProfiles
        Periods that are not drawn, but were split or merged: they are as they were when they are drawn again.
    side : ProfileInputs
        Of the profile of the bars in sight, beside them; its width is a share of the strip.
    """

    placed: tuple[PlacedProfile, ...] = ()
    periods: PeriodProfiles | None = None
    aside: tuple[PeriodProfiles, ...] = ()
    side: ProfileSettings = field(default=SIDE_INPUTS)

    def with_periods(self, periods: PeriodProfiles | None) -> ProfileState:
        """Others for the periods; what was split or merged of them before is so again."""
        aside = self.aside if self.periods is None or not self.periods.is_edited else (*self.aside, self.periods)
        if periods is None:
            return replace(self, periods=None, aside=aside)
        known = next((one for one in aside if one.has_same_periods(periods)), None)
        if known is not None and not periods.is_edited:
            periods = replace(periods, cuts=known.cuts, joins=known.joins)
        return replace(self, periods=periods, aside=tuple(one for one in aside if not one.has_same_periods(periods)))


@dataclass(frozen=True, slots=True)
class ProfileHistory:
    """What a chart's profiles are, and were at each step.

    Attributes
    ----------
    steps : tuple of Profiles
        Oldest first.
    place : int
        Which of them there is now; those behind it were taken back.
    next_key : int
        Of the next profile that is added; larger than all before.
    inputs : ProfileInputs
        Of the next profile that is added.
    rule : ValueAreaRules
        The chart's, which inputs follow as long as they have no rule of their own.

    Raises
    ------
    BadInputError
        If the place is none of the steps, or a key is there twice, or was not given yet.
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
