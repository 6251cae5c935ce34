"""The profiles that a user has put on a chart: where each begins and ends, its name and its inputs, with undo.

Plain values and method calls; nothing here knows of bars, nor of a screen. The screen pulls by `revision`.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from app.analytics.row_layout import RowLayout
from app.analytics.value_area import ValueAreaMethod
from app.errors import BadInputError
from app.market.session import PeriodRule

MAX_STEPS = 200
"""How many steps can be taken back."""
_MAX_NAME = 60


class VolumeShown(enum.Enum):
    """What the rows of a profile show; the value is the name shown."""

    TOTAL = "total"
    SPLIT = "buy/sell"
    DELTA = "delta"


class Placement(enum.Enum):
    """At which end of its time a profile's rows begin."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class ProfileInputs:
    """How one profile is made and drawn.

    Attributes
    ----------
    rows : RowLayout
    volume : VolumeShown
    percent, method : int, ValueAreaMethod
        Share and rule of the value area.
    placement : Placement
    width_percent : int, 5 to 100
        Share of the profile's width on the screen that its longest row takes.
    extend_poc, extend_vah, extend_val : bool
        Whether the line goes on to the right edge of the chart.
    """

    rows: RowLayout = field(default_factory=RowLayout)
    volume: VolumeShown = VolumeShown.SPLIT
    percent: int = 70
    method: ValueAreaMethod = ValueAreaMethod.DALTON
    placement: Placement = Placement.LEFT
    width_percent: int = 30
    extend_poc: bool = False
    extend_vah: bool = False
    extend_val: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.percent <= 100:
            raise BadInputError(f"value area: found {self.percent} %, expected 1 to 100")
        if not 5 <= self.width_percent <= 100:
            raise BadInputError(f"width: found {self.width_percent} %, expected 5 to 100")


@dataclass(frozen=True, slots=True)
class PlacedProfile:
    """One profile on the chart.

    Attributes
    ----------
    key : int
        Stays the same whatever is changed.
    name : str
        Given by the user, or made up.
    start_ns : int
        A time in its first bar.
    end_ns : int or None
        Just behind its last bar; None: it grows with the market.
    inputs : ProfileInputs
    """

    key: int
    name: str
    start_ns: int
    end_ns: int | None
    inputs: ProfileInputs

    def __post_init__(self) -> None:
        if self.end_ns is not None and self.end_ns <= self.start_ns:
            raise BadInputError("range: expected its end to come after its start")


@dataclass(frozen=True, slots=True)
class PeriodProfiles:
    """A profile for each period: of the calendar, or of so many bars.

    Attributes
    ----------
    calendar : PeriodRule or None
        Days, weeks or months; None for bars.
    bars : int
        How many bars make a period, counted from bar number 0 on, so that a period does not depend on where the chart begins;
        of no meaning with a calendar.
    inputs : ProfileInputs
        Of all of them.
    """

    calendar: PeriodRule | None
    bars: int = 1
    inputs: ProfileInputs = field(default_factory=ProfileInputs)

    def __post_init__(self) -> None:
        if self.bars < 1:
            raise BadInputError(f"bars of a profile: found {self.bars}, expected 1 or more")

    @property
    def text(self) -> str:
        """What one of them is a profile of."""
        if self.calendar is not None:
            return f"each {self.calendar.period.value}" + ("" if self.calendar.timezone == "UTC" else f" ({self.calendar.timezone})")
        return "each bar" if self.bars == 1 else f"each {self.bars} bars"


class Anchors:
    """Anchored profiles and fixed ranges of one chart, the latest last; one of them may be selected.

    Every change is one step of undo, and what is changed while a gesture lasts is one step together.

    Attributes
    ----------
    revision : int
        Grows with every change, of the selection too.
    selected : int or None
        Key of the one that the keys act on.
    inputs : ProfileInputs
        Of the next one that is added.
    periods : PeriodProfiles or None
        Profiles of all periods beside those; no step of undo.
    """

    def __init__(self, inputs: ProfileInputs | None = None) -> None:
        self.revision = 0
        self.selected: int | None = None
        self.inputs = inputs or ProfileInputs()
        self.periods: PeriodProfiles | None = None
        self._profiles: tuple[PlacedProfile, ...] = ()
        self._undo: list[tuple[PlacedProfile, ...]] = []
        self._redo: list[tuple[PlacedProfile, ...]] = []
        self._next_key = 1
        self._in_gesture = self._gesture_kept = False

    # -- reading ---------------------------------------------------------------------------------

    @property
    def profiles(self) -> tuple[PlacedProfile, ...]:
        """All of them, in the order in which they were put there."""
        return self._profiles

    def get(self, key: int | None) -> PlacedProfile | None:
        """The profile of a key; None if there is none."""
        return next((placed for placed in self._profiles if placed.key == key), None)

    @property
    def can_undo(self) -> bool:
        """Whether a step can be taken back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether a step that was taken back can be taken again."""
        return bool(self._redo)

    # -- changing --------------------------------------------------------------------------------

    def add(self, start_ns: int, end_ns: int | None = None) -> int:
        """Put a profile on the chart and select it; its key. Without an end it grows with the market."""
        key = self._next_key
        placed = PlacedProfile(key, f"{'A' if end_ns is None else 'R'}{key}", start_ns, end_ns, self.inputs)
        self._next_key += 1
        self._keep((*self._profiles, placed))
        self.select(key)
        return key

    def move(self, key: int, start_ns: int, end_ns: int | None) -> None:
        """Begin, and end, at other times."""
        self._change(key, lambda placed: replace(placed, start_ns=start_ns, end_ns=end_ns))

    def rename(self, key: int, name: str) -> None:
        """Give another name.

        Raises
        ------
        BadInputError
            If nothing is left of it, or it is too long to be shown.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= _MAX_NAME:
            raise BadInputError(f"name: found {len(name)} characters, expected 1 to {_MAX_NAME}")
        self._change(key, lambda placed: replace(placed, name=name))

    def set_inputs(self, key: int, inputs: ProfileInputs) -> None:
        """Make and draw it otherwise; the next one that is added too."""
        self._change(key, lambda placed: replace(placed, inputs=inputs))
        self.inputs = inputs

    def delete(self, key: int) -> None:
        """Take it off the chart."""
        self._keep(tuple(placed for placed in self._profiles if placed.key != key))

    def show_periods(self, periods: PeriodProfiles | None) -> None:
        """A profile for each period, or none."""
        if periods != self.periods:
            self.periods = periods
            self.revision += 1

    def select(self, key: int | None) -> None:
        """Choose which one the keys act on."""
        if key != self.selected:
            self.selected = key if self.get(key) is not None else None
            self.revision += 1

    def select_next(self) -> None:
        """The one that was put there after the one selected; after the last the first."""
        keys = [placed.key for placed in self._profiles]
        if keys:
            self.select(keys[(keys.index(self.selected) + 1) % len(keys) if self.selected in keys else 0])

    def begin_gesture(self) -> None:
        """What is changed from now on is one step of undo, until `end_gesture`."""
        self._in_gesture, self._gesture_kept = True, False

    def end_gesture(self) -> None:
        """The next change is a step of its own again."""
        self._in_gesture = False

    def undo(self) -> bool:
        """Take the last step back; whether there was one."""
        return self._step(self._undo, self._redo)

    def redo(self) -> bool:
        """Take a step again that was taken back; whether there was one."""
        return self._step(self._redo, self._undo)

    def _change(self, key: int, change: Callable[[PlacedProfile], PlacedProfile]) -> None:
        self._keep(tuple(change(placed) if placed.key == key else placed for placed in self._profiles))

    def _keep(self, profiles: tuple[PlacedProfile, ...]) -> None:
        if profiles == self._profiles:
            return
        if not (self._in_gesture and self._gesture_kept):
            self._undo.append(self._profiles)
            del self._undo[:-MAX_STEPS]
        self._gesture_kept = True
        self._redo.clear()
        self._show(profiles)

    def _step(self, back: list[tuple[PlacedProfile, ...]], forth: list[tuple[PlacedProfile, ...]]) -> bool:
        if not back or self._in_gesture:
            return False
        forth.append(self._profiles)
        self._show(back.pop())
        return True

    def _show(self, profiles: tuple[PlacedProfile, ...]) -> None:
        self._profiles = profiles
        if self.get(self.selected) is None:
            self.selected = None
        self.revision += 1
