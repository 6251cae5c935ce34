"""Progress of a fetch of trades or candles."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """Progress of the current fetch.

    Attributes
    ----------
    what : str
        Text such as `"4 h of history"` or `"37 missing trades"`.
    share : float
        Share done, 0 to 1.
    """

    what: str
    share: float

    @property
    def text(self) -> str:
        """The progress as text for the status bar."""
        return f"loading {self.what}, {100 * self.share:.0f} %"
