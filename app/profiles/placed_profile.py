"""A placed profile (anchored, range or composite): its time, name and settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from app.errors import BadInputError
from app.profiles.profile_settings import ProfileSettings

MAX_NAME = 60
_END_OF_TIME = 1 << 63


class TimeRange(NamedTuple):
    """A time range `[start_ns, end_ns)`; with an `end_ns` of None it grows with the market."""

    start_ns: int
    end_ns: int | None

    @property
    def reach_ns(self) -> int:
        """The end of the range; if it grows with the market, a time later than any end."""
        return _END_OF_TIME if self.end_ns is None else self.end_ns


def merge_ranges(stretches: Iterable[TimeRange]) -> tuple[TimeRange, ...]:
    """Merge time ranges that overlap or touch; return the merged ranges in order of time."""
    found: list[TimeRange] = []
    for time_range in sorted(stretches, key=lambda time_range: (time_range.start_ns, time_range.reach_ns)):
        if found and time_range.start_ns <= found[-1].reach_ns:
            last = max(found[-1], time_range, key=lambda one: one.reach_ns)
            found[-1] = TimeRange(found[-1].start_ns, last.end_ns)
        else:
            found.append(time_range)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PlacedProfile:
    """A profile that the user has placed on the chart: anchored, range or composite.

    Attributes
    ----------
    key : int
        Identifies the profile; no change of the profile changes it. 0 for a period profile picked for a composite.
    name : str
        Typed by the user, or generated.
    stretches : tuple of TimeRange
        The profile's time, in order, not touching. An anchored profile has one range without an end, a range profile one with an
        end, a composite one or more.
    inputs : ProfileSettings
    parts : tuple of str
        Names of the profiles that a composite was made of; else empty. A composite's time does not change when theirs does.

    Raises
    ------
    BadInputError
        If there is no time range, one does not end after its start, or two overlap or touch.
    """

    key: int
    name: str
    stretches: tuple[TimeRange, ...]
    inputs: ProfileSettings
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.stretches or any(time_range.reach_ns <= time_range.start_ns for time_range in self.stretches):
            raise BadInputError("range: the end must be after the start")
        if any(after.start_ns <= before.reach_ns for before, after in pairwise(self.stretches)):
            raise BadInputError("profile: time ranges must be in order and must not overlap or touch")

    @property
    def start_ns(self) -> int:
        """The time at which the profile starts: the start of its first bar, or a time inside it."""
        return self.stretches[0].start_ns

    @property
    def end_ns(self) -> int | None:
        """The time at which the profile ends (exclusive), maybe inside its last bar; None if it grows with the market."""
        return self.stretches[-1].end_ns

    @property
    def is_composite(self) -> bool:
        """True if the profile was made of other profiles."""
        return bool(self.parts)

    def contains(self, time_ns: int) -> bool:
        """True if a time is between the profile's start and end, even if between two ranges of a composite."""
        return self.start_ns <= time_ns < self.stretches[-1].reach_ns

    def moved(self, start_ns: int, end_ns: int | None) -> PlacedProfile:
        """The profile with another start and end; with an end of None it grows with the market.

        Of a composite's time ranges those outside the new time are left out; the first one left gets the start, the last one the end.

        Raises
        ------
        BadInputError
            If the end is not after the start.
        """
        reach_ns = _END_OF_TIME if end_ns is None else end_ns
        if reach_ns <= start_ns:
            raise BadInputError("range: the end must be after the start")
        inside = [one for one in self.stretches if one.reach_ns > start_ns and one.start_ns < reach_ns] or [TimeRange(start_ns, end_ns)]
        inside[0] = inside[0]._replace(start_ns=start_ns)
        inside[-1] = inside[-1]._replace(end_ns=end_ns)
        return replace(self, stretches=tuple(inside))

    def ended_at(self, end_ns: int) -> PlacedProfile:
        """The profile with its end moved to a time, unless it already ends earlier.

        Raises
        ------
        BadInputError
            If the profile starts at or after that time.
        """
        inside = [one._replace(end_ns=min(one.reach_ns, end_ns)) for one in self.stretches if one.start_ns < end_ns]
        return replace(self, stretches=tuple(inside))
