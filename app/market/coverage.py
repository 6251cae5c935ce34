"""Covered time spans, of which all trades are loaded, and the source of these trades."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from app.market.span import Span


class Source(enum.Enum):
    """The possible sources of trades; the value is the word shown on screen and stored on disk."""

    LIVE = "live"
    BACKFILL = "backfill"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class CoveredSpan:
    """A time range of which all trades are loaded; without proof by ids, some may be missing (see `proven`).

    Attributes
    ----------
    span : Span
    source : Source
    first_id, last_id : int
        Ids of the first and the last trade; they prove nothing in a market that does not number its trades.
    proven : bool
        True if the ids prove that no trade is missing. False: values are shown as unverified.
    """

    span: Span
    source: Source
    first_id: int
    last_id: int
    proven: bool = True
