"""The program's errors, as one tree.

Each error carries two texts: `detail` for the log (exact values), `user_message` for the screen
or the terminal (one line: what, where, what was expected).

    TapeprintError
    ├── BadInputError              the caller's input is wrong: exit code 2
    │   ├── OffGridError           a price or quantity is invalid, or not a multiple of the tick or lot size
    │   ├── TradeFileError         a file of trades or candles is invalid or unusable (file, line, found, expected)
    │   │   └── OtherStepsError    its prices or quantities do not fit the market's current tick or lot size
    │   ├── GridTooFineError       a bar or a profile would have too many rows
    │   └── SettingsError          a setting cannot be read
    ├── EmptyProfileError          without trades or volume there is no POC, value area, TPO profile or VWAP
    ├── FeedError                  the venue's side
    │   ├── StepsChangedError      the market's tick or lot size changed during a fetch: the fetch is repeated
    │   ├── DecodeError            a message is not what the venue documents
    │   ├── VenueUnreachableError  no answer: retried with back-off
    │   ├── VenuePausedError       refused for now (403, maintenance): retried after long pauses
    │   ├── VenueBusyError         429 or 418: retried after `retry_after_s`
    │   │   └── WeightSpentError   our own share of the venue's request weight is used up until the next minute
    │   ├── ChecksumError          a download does not match its published checksum
    │   └── VenueRefusedError      451, bad certificate, unknown symbol: retrying cannot help
    │       └── BadRequestError    400: a publisher calls the request itself wrong, e.g. out of range
    ├── StoreError                 the store on disk cannot be used: charts continue, nothing is recorded
    │   └── StoreBusyError         another process writes this market
    └── NoDisplayError             there is no screen to open a window on
"""

from __future__ import annotations

from app.printable import printable

_MOST_SHOWN = 500


class TapeprintError(Exception):
    """The base class of the program's errors; `str()` returns the message for the user.

    The message is one printable line. If it quotes a long text, e.g. of a venue or a file, it is cut to 500 characters before
    unprintable ones are escaped; see `one_line`.
    """

    def __init__(self, user_message: str, *, detail: str = "") -> None:
        self.user_message = one_line(user_message)
        super().__init__(self.user_message)
        self.detail = printable(detail or user_message)


class BadInputError(TapeprintError):
    """Raised for unusable user input; the command line exits with code 2."""


class OffGridError(BadInputError):
    """Raised for a price or quantity that is invalid, too large, or not a multiple of the tick or lot size.

    Attributes
    ----------
    index : int
        Index of the first such value in the converted batch.
    value : str
        The value as it was written.
    between_steps : bool
        True if the value is a positive number, but not a multiple of the tick or lot size.
    """

    def __init__(self, user_message: str, *, index: int, value: str, between_steps: bool = False) -> None:
        super().__init__(user_message)
        self.index = index
        self.value = value
        self.between_steps = between_steps


class TradeFileError(BadInputError):
    """Raised for a file of trades or candles that cannot be read or written, or that has an invalid line or row."""

    def __init__(self, path: object, line: int | None, found: str, expected: str, *, unit: str = "line") -> None:
        place = f"{path}" if line is None else f"{path}: {unit} {line}"
        super().__init__(f"{place}: found {found}, expected {expected}")
        self.path = path
        self.line = line


class OtherStepsError(TradeFileError):
    """Raised for a file whose prices or quantities do not fit the market's current tick or lot size."""


class GridTooFineError(BadInputError):
    """Raised when a bar or a profile would have more price rows than allowed."""


class SettingsError(BadInputError):
    """Raised for a settings file that cannot be read or written, or a setting with an invalid value."""


class EmptyProfileError(TapeprintError):
    """Raised when a POC, value area, TPO profile or VWAP is requested, but there are no trades or no volume."""


class FeedError(TapeprintError):
    """The base class of errors of a venue: in the connection, in its answers or in its data."""


class DecodeError(FeedError):
    """Raised for a message from a venue that does not have the documented format."""


class StepsChangedError(FeedError):
    """Raised when a market's tick or lot size changed while trades were fetched; the fetch is repeated."""


class VenueUnreachableError(FeedError):
    """Raised when the venue cannot be reached or does not answer; trying again may help."""


class VenuePausedError(FeedError):
    """Raised when the venue refuses requests for now, or the market is not trading; requests are retried after long pauses."""


class VenueBusyError(FeedError):
    """Raised when a request or connection exceeds a limit of the venue, e.g. its request rate (HTTP 429 or 418).

    Attributes
    ----------
    retry_after_s : float
        Seconds to wait before the next attempt; from the venue, if it sent them.
    """

    def __init__(self, user_message: str, *, retry_after_s: float, detail: str = "") -> None:
        super().__init__(user_message, detail=detail)
        self.retry_after_s = retry_after_s


class WeightSpentError(VenueBusyError):
    """Raised for an urgent request when our own share of the venue's request weight is used up in this minute; the venue was not asked."""


class ChecksumError(FeedError):
    """Raised when a download does not match its published checksum."""


class VenueRefusedError(FeedError):
    """Raised when the venue refuses permanently, e.g. an unknown symbol, so that trying again cannot help."""


class BadRequestError(VenueRefusedError):
    """Raised when the venue answers with HTTP 400: the request itself is wrong, e.g. a time out of range."""


class StoreError(TapeprintError):
    """Raised when the store on disk, or a part of it, cannot be read or written."""


class StoreBusyError(StoreError):
    """Raised when another process already writes the same market to the store; reading is still possible."""


class NoDisplayError(TapeprintError):
    """Raised when there is no screen to open a window on."""


def one_line(text: str, most: int = _MOST_SHOWN) -> str:
    """Put a text on one line: cut out its middle if it is longer than `most`, then escape each character that is not printable."""
    if len(text) > most:
        text = f"{text[: most - most // 3 - 1]}…{text[-(most // 3) :]}"
    return printable(text)
