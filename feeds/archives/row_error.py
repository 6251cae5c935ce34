"""The error for an invalid row, raised before the line number is known."""

from __future__ import annotations

_LONGEST = 60  # of a value in a message, in characters


class RowError(Exception):
    """Raised for a row that is not a valid trade or candle.

    Callers turn the error into a `TradeFileError` before it leaves this folder.

    Attributes
    ----------
    row : int
        Counted from 0 within the block.
    found, expected : str
        For the message.
    off_grid : bool
        True if the row would be a trade, but its price or quantity is not a multiple of the market's tick or lot size.
    """

    def __init__(self, row: int, found: str, expected: str, *, off_grid: bool = False) -> None:
        super().__init__(found, expected)
        self.row, self.found, self.expected, self.off_grid = row, found, expected, off_grid

    def at(self, row: int) -> RowError:
        """The same error with another row number."""
        return RowError(row, self.found, self.expected, off_grid=self.off_grid)


def quoted(value: str) -> str:
    """A value for a message: in quotes, with control characters escaped, cut after 60 characters."""
    return repr(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…")
