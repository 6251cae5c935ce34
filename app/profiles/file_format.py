"""The file format of a market's profiles: JSON with a version number.

Each profile, each set of period profiles and each set of settings is written once, and undo steps refer to them by index: a hundred
steps that move one profile write a hundred profiles, not a hundred times all profiles.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Generic, TypeVar

import msgspec

from app.errors import BadInputError
from app.profiles.history import ProfileHistory, ProfileState
from app.profiles.period_profiles import PeriodProfiles
from app.profiles.placed_profile import PlacedProfile
from app.profiles.profile_settings import ProfileSettings
from app.settings.calculation import ValueAreaSettings

VERSION = 1
_FIRST_NS, _LAST_NS = -8_520_336_000 * 10**9, 9_151_488_000 * 10**9
"""The years 1700 to 2260: the range of calendars and 64-bit nanoseconds."""
_T = TypeVar("_T", bound=Hashable)


class _Step(msgspec.Struct, forbid_unknown_fields=True):
    """One undo step, whose profiles are indices into the lists of the file."""

    placed: list[int]
    side: int
    periods: int | None = None
    aside: list[int] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    """The content of a profile file."""

    version: int
    instrument: str
    next_key: int
    place: int
    inputs: ProfileSettings
    rule: ValueAreaSettings
    placed: list[PlacedProfile]
    periods: list[PeriodProfiles]
    sides: list[ProfileSettings]
    steps: list[_Step]


class _Version(msgspec.Struct):
    """The version number of a profile file, read first, as the other fields may have another meaning in another version."""

    version: int


def encode_profiles(history: ProfileHistory, instrument_id: str) -> bytes:
    """Encode a market's profile history as the content of a profile file."""
    placed, periods, sides = _Places[PlacedProfile](), _Places[PeriodProfiles](), _Places[ProfileSettings]()
    steps = [
        _Step(
            [placed.of(one) for one in step.placed],
            sides.of(step.side),
            None if step.periods is None else periods.of(step.periods),
            [periods.of(one) for one in step.aside],
        )
        for step in history.steps
    ]
    lists = (placed.things, periods.things, sides.things)
    file = _File(VERSION, instrument_id, history.next_key, history.place, history.inputs, history.rule, *lists, steps)
    return msgspec.json.format(msgspec.json.encode(file, order="deterministic"), indent=1)


def decode_profiles(content: bytes, instrument_id: str) -> ProfileHistory:
    """Decode the content of a market's profile file to the profile history.

    Raises
    ------
    BadInputError
        If it is not a valid profile file, or if its version or market is another.
    """
    try:
        version = msgspec.json.decode(content, type=_Version).version
        if version != VERSION:
            raise BadInputError(f"profiles: found version {version}, expected {VERSION}")
        file = msgspec.json.decode(content, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInputError(f"not a profile file ({' '.join(str(error).split())[:120]})") from None
    if file.instrument != instrument_id:
        raise BadInputError(f"profiles: found profiles of {file.instrument!r}, expected {instrument_id}")
    times = [time for placed in file.placed for time_range in placed.stretches for time in time_range if time is not None]
    times += [time for periods in file.periods for time in (*periods.cuts, *periods.joins)]
    if absurd := [time for time in times if not _FIRST_NS <= time <= _LAST_NS]:
        raise BadInputError(f"profiles: found the time {absurd[0]} ns, expected a year from 1700 to 2260")
    steps = tuple(
        ProfileState(
            tuple(_at(file.placed, place) for place in step.placed),
            None if step.periods is None else _at(file.periods, step.periods),
            tuple(_at(file.periods, place) for place in step.aside),
            _at(file.sides, step.side),
        )
        for step in file.steps
    )
    return ProfileHistory(steps, file.place, file.next_key, file.inputs, file.rule)


class _Places(Generic[_T]):
    """A list of distinct values that finds the index of each value."""

    def __init__(self) -> None:
        self.things: list[_T] = []
        self._place: dict[_T, int] = {}

    def of(self, thing: _T) -> int:
        """The index of a value in the list; a new value is appended."""
        place = self._place.setdefault(thing, len(self.things))
        if place == len(self.things):
            self.things.append(thing)
        return place


def _at(things: Sequence[_T], place: int) -> _T:
    if not 0 <= place < len(things):
        raise BadInputError(f"profiles: found index {place} in a list of {len(things)}")
    return things[place]
