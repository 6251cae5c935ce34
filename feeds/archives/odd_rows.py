"""Rows of a published file that are not valid trades: up to 100 are left out, and the other rows are used."""

from __future__ import annotations

from dataclasses import dataclass, field

from feeds.archives.row_error import RowError

MOST = 100  # of a file; more of them show that the file is not what it should be
_LISTED = 10


class TooManyOddRowsError(RowError):
    """Raised for the first invalid row beyond the limit of 100."""


@dataclass(slots=True)
class OddRows:
    """The rows left out of a file so far.

    Attributes
    ----------
    errors : list of RowError
        The errors of the other rows; their row numbers count from the file's first trade, without the lines of `torn`.
    torn : int
        Lines with too few or too many columns.
    places : list of str
        Place and error of each row in words, known after the last row.
    """

    errors: list[RowError] = field(default_factory=list[RowError])
    torn: int = 0
    places: list[str] = field(default_factory=list[str])

    def __len__(self) -> int:
        return len(self.errors) + self.torn

    def add(self, error: RowError) -> None:
        """Record a row that is left out, with its error.

        Raises
        ------
        TooManyOddRowsError
            If 100 rows are left out already.
        """
        if len(self) >= MOST:
            raise TooManyOddRowsError(error.row, error.found, f"{error.expected} (more than {MOST} rows are not valid trades)")
        self.errors.append(error)

    def add_torn(self) -> bool:
        """Count a line with too few or too many columns as left out; return False, without counting, if 100 rows are left out already."""
        if len(self) >= MOST:
            return False
        self.torn += 1
        return True

    def lines(self) -> list[str]:
        """Lines for the user: a count, the first ten rows, and the number of further ones; empty if no row is left out."""
        if not len(self):
            return []
        rows = "1 row that is not a valid trade" if len(self) == 1 else f"{len(self):,} rows that are not valid trades"
        more = [f"and {len(self.places) - _LISTED:,} more"] if len(self.places) > _LISTED else []
        return [f"left out {rows}", *self.places[:_LISTED], *more]
