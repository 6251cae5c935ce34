"""Everything that can go wrong, as one tree.

Each error carries two texts: `detail` for the log (exact values), `user_message` for the screen
or the terminal (one line: what, where, what was expected).

    TapeprintError
    ├── BadInputError              the caller's input is wrong: exit code 2
    │   ├── OffGridError           a price or quantity is not a whole number of steps
    │   ├── TradeFileError         a file's line cannot be a trade (file, line, value, expectation)
    │   ├── GridTooFineError       a bar would need more rows than memory should hold
    │   └── SettingsError          a setting cannot be read
    ├── EmptyProfileError          a figure was asked of a profile without volume
    ├── FeedError                  the venue's side
    │   ├── DecodeError            a message is not what the venue documents
    │   ├── VenueUnreachableError  no answer: retried with back-off
    │   ├── VenueBusyError         429 or 418: retried after `retry_after_s`
    │   ├── ChecksumError          a file that was fetched is not the one its publisher tells of
    │   └── VenueRefusedError      403, 451, bad certificate, unknown symbol: retrying cannot help
    ├── StoreError                 the store on disk cannot be used: charts go on, nothing is kept
    │   └── StoreBusyError         another process writes this market
    └── NoDisplayError             there is no screen to open a window on
"""

from __future__ import annotations


class TapeprintError(Exception):
    """The root of the tree; `str()` gives the text for the screen."""

    def __init__(self, user_message: str, *, detail: str = "") -> None:
        super().__init__(user_message)
        self.user_message = user_message
        self.detail = detail or user_message


class BadInputError(TapeprintError):
    """Input from a user that cannot be used; the command line exits with code 2."""


class OffGridError(BadInputError):
    """A value is not a positive whole number of steps.

    Attributes
    ----------
    index : int
        Position of the first offending value in the batch that was converted.
    value : str
        That value as it was written.
    """

    def __init__(self, user_message: str, *, index: int, value: str) -> None:
        super().__init__(user_message)
        self.index = index
        self.value = value


class TradeFileError(BadInputError):
    """A line of a file that cannot be a trade; where there are no lines, a row."""

    def __init__(self, path: object, line: int | None, found: str, expected: str, *, unit: str = "line") -> None:
        place = f"{path}" if line is None else f"{path}: {unit} {line}"
        super().__init__(f"{place}: found {found}, expected {expected}")
        self.path = path
        self.line = line


class GridTooFineError(BadInputError):
    """A single bar would span more price rows than are allowed."""


class SettingsError(BadInputError):
    """A setting that cannot be read, or has an impossible value."""


class EmptyProfileError(TapeprintError):
    """A point of control or value area was asked of a profile that holds no volume."""


class FeedError(TapeprintError):
    """Something on the venue's side."""


class DecodeError(FeedError):
    """A message that does not have the shape the venue documents."""


class VenueUnreachableError(FeedError):
    """The venue cannot be reached at the moment; trying again may help."""


class VenueBusyError(FeedError):
    """The venue asks us to wait.

    Attributes
    ----------
    retry_after_s : float
        Seconds to wait before the next request, as the venue said it.
    """

    def __init__(self, user_message: str, *, retry_after_s: float, detail: str = "") -> None:
        super().__init__(user_message, detail=detail)
        self.retry_after_s = retry_after_s


class ChecksumError(FeedError):
    """A file that was fetched does not fit the checksum that its publisher tells."""


class VenueRefusedError(FeedError):
    """The venue will not serve us, and trying again cannot help."""


class StoreError(TapeprintError):
    """The store on disk, or a part of it, cannot be read or written."""


class StoreBusyError(StoreError):
    """Another process writes this market; it may be read meanwhile."""


class NoDisplayError(TapeprintError):
    """There is no display to open a window on."""
