"""What is wrong with a row, before anybody knows on which line it stands."""

from __future__ import annotations

_LONGEST = 60  # of a value in a message


class RowError(Exception):
    """A row that cannot be a trade; inside this folder only, where it becomes a `TradeFileError`.

    Attributes
    ----------
    row : int
        Counted from 0 within the block that was looked at.
    found, expected : str
        For the message.
    """

    def __init__(self, row: int, found: str, expected: str) -> None:
        super().__init__(found, expected)
        self.row, self.found, self.expected = row, found, expected


def quoted(value: str) -> str:
    """A value as it may stand in a message: in quotes, control characters spelt out, and not too long."""
    return repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…")
