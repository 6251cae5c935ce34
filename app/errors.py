"""All errors of the program, as one tree.

Each error carries two texts: `detail` for the log (exact values), `user_message` for the screen
or the terminal (one line: what, where, what was expected).

    TapeprintError
    ├── BadInputError              the caller's input is wrong: exit code 2
    │   ├── OffGridError           a price or quantity is not a whole number of steps
    │   ├── TradeFileError         a file of trades or candles is invalid or unusable (file, line, found, expected)
    │   ├── GridTooFineError       a bar would need too many rows
    │   └── SettingsError          a setting cannot be read
    ├── EmptyProfileError          a profile without volume has no POC or value area
    ├── FeedError                  the venue's side
    │   ├── DecodeError            a message is not what the venue documents
    │   ├── VenueUnreachableError  no answer: retried with back-off
    │   ├── VenueBusyError         429 or 418: retried after `retry_after_s`
    │   ├── ChecksumError          a download does not match its published checksum
    │   └── VenueRefusedError      403, 451, bad certificate, unknown symbol: retrying cannot help
    ├── StoreError                 the store on disk cannot be used: charts continue, nothing is recorded
    │   └── StoreBusyError         another process writes this market
    └── NoDisplayError             there is no screen to open a window on
"""

from __future__ import annotations


class TapeprintError(Exception):
    """The base class of all errors; `str()` returns the text for the screen."""

    def __init__(self, user_message: str, *, detail: str = "") -> None:
        super().__init__(user_message)
        self.user_message = user_message
        self.detail = detail or user_message


class BadInputError(TapeprintError):
    """Raised for unusable user input; the command line exits with code 2."""


class OffGridError(BadInputError):
    """Raised when a value is not a positive whole number of steps.

    Attributes
    ----------
    index : int
        Index of the first such value in the converted batch.
    value : str
        The value as it was written.
    """

    def __init__(self, user_message: str, *, index: int, value: str) -> None:
        super().__init__(user_message)
        self.index = index
        self.value = value


class TradeFileError(BadInputError):
    """Raised for a file of trades or candles that cannot be read or written, or that has an invalid line or row."""

    def __init__(self, path: object, line: int | None, found: str, expected: str, *, unit: str = "line") -> None:
        place = f"{path}" if line is None else f"{path}: {unit} {line}"
        super().__init__(f"{place}: found {found}, expected {expected}")
        self.path = path
        self.line = line


class GridTooFineError(BadInputError):
    """Raised when a single bar would have more price rows than allowed."""


class SettingsError(BadInputError):
    """Raised for a settings file that cannot be read or written, or a setting with an invalid value."""


class EmptyProfileError(TapeprintError):
    """Raised when the POC or value area of a profile without volume is requested."""


class FeedError(TapeprintError):
    """The base class of errors on the venue's side."""


class DecodeError(FeedError):
    """Raised for a message of a venue that does not have the documented format."""


class VenueUnreachableError(FeedError):
    """Raised when the venue cannot be reached for now; trying again may help."""


class VenueBusyError(FeedError):
    """Raised when the venue asks for a pause between requests.

    Attributes
    ----------
    retry_after_s : float
        Seconds to wait before the next request, as sent by the venue.
    """

    def __init__(self, user_message: str, *, retry_after_s: float, detail: str = "") -> None:
        super().__init__(user_message, detail=detail)
        self.retry_after_s = retry_after_s


class ChecksumError(FeedError):
    """Raised when a download does not match its published checksum."""


class VenueRefusedError(FeedError):
    """Raised when the venue refuses permanently, so that trying again cannot help."""


class StoreError(TapeprintError):
    """Raised when the store on disk, or a part of it, cannot be read or written."""


class StoreBusyError(StoreError):
    """Raised when another process already writes the same market to the store; reading is still possible."""


class NoDisplayError(TapeprintError):
    """Raised when there is no display to open a window on."""
