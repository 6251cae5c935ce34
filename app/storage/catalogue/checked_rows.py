"""Checks rows of the catalogue when they are read: SQLite has no checksums, so a damaged value looks like any other."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from app.errors import BadInputError, StoreError
from app.market.coverage import Source
from app.market.decimals import parse_step
from app.market.instrument import Instrument, parse_instrument_id
from app.market.span import Span
from app.storage.catalogue.owed import Owed, OwedReason, OwedState
from app.storage.tape_ranges import TapeRange

_FARTHEST = 1 << 62  # keys and times beyond it would overflow when they are compared or added
_LARGEST = 1 << 53
_LARGEST_STEP = 10**18
SOUND_TRADE = (
    f"(side BETWEEN -1 AND 1 AND quantity_lots BETWEEN 1 AND {_LARGEST} AND price_ticks BETWEEN 1 AND {_LARGEST}"
    f" AND time_ns BETWEEN 0 AND {_FARTHEST})"
)
"""Condition in SQL: a row of the tail can be a trade."""


class BadRowError(StoreError):
    """Raised for a damaged row of the catalogue or damaged metadata of a day file: one of the values is impossible."""


def instrument_of_row(row: tuple[Any, ...]) -> Instrument:
    """The instrument in a row of the catalogue (name, tick size, lot size, multiplier, numbered).

    Raises
    ------
    BadRowError
        If the name is not an instrument id, or another value is invalid.
    """
    name, tick_size, lot_size, multiplier, numbered = row
    return checked_instrument(name, tick_size, lot_size, multiplier, numbered)


def checked_instrument(name: str, tick_size: str, lot_size: str, multiplier: str, numbered: object) -> Instrument:
    """Make an instrument from values that were read from a file or a row, and check them.

    Raises
    ------
    BadRowError
        If the name is not an instrument id, or another value is invalid.
    """
    try:
        venue, symbol = parse_instrument_id(name)
        for text, what in ((tick_size, "tick size"), (lot_size, "lot size"), (multiplier, "multiplier")):
            parse_step(text, what)
    except BadInputError as error:
        raise BadRowError(_printable(error.user_message)) from None
    steps = Decimal(tick_size), Decimal(lot_size), Decimal(multiplier)
    if max(steps) > _LARGEST_STEP:
        raise BadRowError(f"found a step of {max(steps):.3g}, expected at most {_LARGEST_STEP:.0e}")
    if numbered not in (0, 1):
        raise BadRowError(f"numbered: found {numbered}, expected 0 or 1")
    return Instrument(venue, symbol, *steps, bool(numbered))


def range_of_row(row: tuple[Any, ...]) -> TapeRange:
    """The tape range in a row of the catalogue (keys, ids, times, source).

    Raises
    ------
    BadRowError
        If the source is unknown, or the numbers are out of range or contradict each other.
    """
    *numbers, source = row
    found = TapeRange(*numbers, source=_member(Source, source, "source"))
    if not (-_FARTHEST <= found.first_key <= found.last_key <= _FARTHEST):
        raise BadRowError(f"found keys {found.first_key} to {found.last_key}, expected ascending ones")
    if not (-_FARTHEST <= found.start_ns < found.end_ns <= _FARTHEST):
        raise BadRowError(f"found times {found.start_ns} to {found.end_ns}, expected ascending ones")
    if (found.first_id, found.last_id) not in ((found.first_key, found.last_key), (-1, -1)):
        raise BadRowError(f"found ids {found.first_id} to {found.last_id} for keys {found.first_key} to {found.last_key}")
    return found


def owed_of_row(row: tuple[Any, ...]) -> Owed:
    """The entry of owed trades in a row of the catalogue (number, ids, times, reason, state, attempts, detail).

    Raises
    ------
    BadRowError
        If the reason or the state is unknown, or a number is out of range.
    """
    number, first_id, last_id, start_ns, end_ns, reason, state, tries, next_try_ns, changed_ns, detail = row
    if max(abs(value) for value in (first_id, last_id, start_ns, end_ns, next_try_ns, changed_ns)) > _FARTHEST:
        raise BadRowError("found a number out of range")
    if not start_ns < end_ns or tries < 0:
        raise BadRowError(f"found times {start_ns} to {end_ns}, expected ascending ones")
    words = _member(OwedReason, reason, "reason"), _member(OwedState, state, "state")
    return Owed(number, first_id, last_id, Span(start_ns, end_ns), *words, tries, next_try_ns, changed_ns, _printable(detail))


def disjoint(ranges: Iterable[TapeRange]) -> list[TapeRange]:
    """Sort tape ranges, and leave out those that overlap an earlier one, as their rows are damaged."""
    found: list[TapeRange] = []
    for one in sorted(ranges, key=lambda one: one[:6]):
        if not found or one.first_key > found[-1].last_key:
            found.append(one)
    return found


def _member(kind: Any, value: str, what: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        words = ", ".join(member.value for member in kind)
        raise BadRowError(f"{what}: found {_printable(value)!r}, expected one of {words}") from None


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()[:200]
