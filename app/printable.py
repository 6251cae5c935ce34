"""Text from outside, made safe to print: no control characters reach a terminal, the window or a log."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any


def printable(text: str) -> str:
    """The text with an escape in place of each character that is not printable, e.g. `\\x1b` or `\\u202e`.

    That is: control characters such as ESC and line ends, overrides of the writing direction, invisible characters, unusual spaces
    and halves of surrogate pairs.
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)


def printable_values(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Make all text values of a log record printable and return the record; a processor for structlog."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = printable(value)
    return event
