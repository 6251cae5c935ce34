"""A profile that a user has put on a chart: the time that it is of, its name and its inputs."""

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
    """A stretch of time `[start_ns, end_ns)`; without an end it grows with the market."""

    start_ns: int
    end_ns: int | None

    @property
    def reach_ns(self) -> int:
        """Its end, or a time that never comes."""
        return _END_OF_TIME if self.end_ns is None else self.end_ns


def merge_ranges(stretches: Iterable[TimeRange]) -> tuple[TimeRange, ...]:
    """The same time in as few stretches as it takes, in order; what several hold is there once."""
    found: list[TimeRange] = []
    for stretch in sorted(stretches, key=lambda stretch: (stretch.start_ns, stretch.reach_ns)):
        if found and stretch.start_ns <= found[-1].reach_ns:
            last = max(found[-1], stretch, key=lambda one: one.reach_ns)
            found[-1] = TimeRange(found[-1].start_ns, last.end_ns)
        else:
            found.append(stretch)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PlacedProfile:
    """One profile on the chart.

    Attributes
    ----------
    key : int
        Stays the same whatever is changed.
    name : str
        Given by the user, or made up.
    stretches : tuple of Stretch
        The time that it is of, in order, none touching another. An anchored profile has one without an end, a range one with an
        end, a composite one or more.
    inputs : ProfileInputs
    parts : tuple of str
        The names of what a composite was put together from; empty for all others. It keeps their time as it was then.

    Raises
    ------
    BadInputError
        If a stretch ends before it starts.
    """

    key: int
    name: str
    stretches: tuple[TimeRange, ...]
    inputs: ProfileSettings
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.stretches or any(stretch.reach_ns <= stretch.start_ns for stretch in self.stretches):
            raise BadInputError("range: the end must be after the start")
        if any(after.start_ns <= before.reach_ns for before, after in pairwise(self.stretches)):
            raise BadInputError("profile: time ranges must be in order and must not overlap or touch")

    @property
    def start_ns(self) -> int:
        """A time in its first bar."""
        return self.stretches[0].start_ns

    @property
    def end_ns(self) -> int | None:
        """Just behind its last bar; None: it grows with the market."""
        return self.stretches[-1].end_ns

    @property
    def is_composite(self) -> bool:
        """Whether it was put together from others."""
        return bool(self.parts)

    def contains(self, time_ns: int) -> bool:
        """Whether a time lies between its first bar and its last, also where a composite leaves some out."""
        return self.start_ns <= time_ns < self.stretches[-1].reach_ns

    def moved(self, start_ns: int, end_ns: int | None) -> PlacedProfile:
        """The same from another time on, or up to another.

        Of a composite the stretches at its ends are moved, and those beyond left out.
        """
        reach_ns = _END_OF_TIME if end_ns is None else end_ns
        if reach_ns <= start_ns:
            raise BadInputError("range: the end must be after the start")
        inside = [one for one in self.stretches if one.reach_ns > start_ns and one.start_ns < reach_ns] or [TimeRange(start_ns, end_ns)]
        inside[0] = inside[0]._replace(start_ns=start_ns)
        inside[-1] = inside[-1]._replace(end_ns=end_ns)
        return replace(self, stretches=tuple(inside))

    def ended_at(self, end_ns: int) -> PlacedProfile:
        """The same up to a time, no longer.

        Raises
        ------
        BadInputError
            If nothing of it is left.
        """
        inside = [one._replace(end_ns=min(one.reach_ns, end_ns)) for one in self.stretches if one.start_ns < end_ns]
        return replace(self, stretches=tuple(inside))
