"""Escapes unprintable characters, so that text from venues and files is safe in a terminal, the window and a log."""

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
    """Log processor: make each text value of a log record printable, in place, and return the record."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = printable(value)
    return event
