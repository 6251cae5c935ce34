"""Which times a market's trades are known of, and where they came from."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from app.market.span import Span


class Source(enum.Enum):
    """How trades came to us; the value is the word shown and stored."""

    LIVE = "live"
    BACKFILL = "backfill"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class CoveredSpan:
    """A stretch of time of which every trade is held.

    Attributes
    ----------
    span : Span
    source : Source
    first_id, last_id : int
        The trades at its ends; of a market that does not number its trades they prove nothing.
    proven : bool
        The ids show that none is missing. False: nobody can tell, and figures are to be called unverified.
    """

    span: Span
    source: Source
    first_id: int
    last_id: int
    proven: bool = True
