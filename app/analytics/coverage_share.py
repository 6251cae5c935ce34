"""The share of a time range that is covered by loaded trades.

Profiles over many bars show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.market.coverage import CoveredSpan
from app.market.span import Span


class CoverageShare(NamedTuple):
    """The covered share of a time range, with flags: no trade is known to be missing, and trade ids prove that none is.

    Attributes
    ----------
    share : float
        Covered share of the time range up to the last trade, 0 to 1; 1 if that time is empty.
    whole : bool
        True if no trade is known to be missing.
    proven : bool
        True if trade ids prove that no trade is missing.
    """

    share: float
    whole: bool
    proven: bool


def coverage_share(
    asked: Span, covered: Sequence[CoveredSpan], holes: Sequence[Span] = (), *, begin_ns: int | None = None
) -> CoverageShare | None:
    """The share of the time range `asked` for which all trades are loaded; None if there are neither covered spans nor gaps.

    `share` and `whole` equal those that `bar_coverage` returns for the bars of this time range.

    With gaps but without covered spans, all time outside the gaps counts as covered.

    Parameters
    ----------
    covered : sequence of CoveredSpan
        In any order; they may overlap.
    holes : sequence of Span
        Gaps, from the trade before to the trade after: trades may be missing even in one of length 0.
    begin_ns : int, optional
        Earliest time for which any source has trades: nothing is missing before.
    """
    if not covered and not holes:
        return None
    if covered:
        end_ns = max(one.span.end_ns for one in covered)
        start_ns = asked.start_ns if begin_ns is None else max(asked.start_ns, begin_ns)
        asked = Span(start_ns, max(start_ns, min(asked.end_ns, end_ns)))
    missing = asked.minus([one.span for one in covered]) if covered else []
    inside = [gap for gap in holes if gap.start_ns < asked.end_ns and gap.end_ns >= asked.start_ns]
    loaded = sum(part.length_ns for part in asked.minus([*missing, *inside]))
    whole = not missing and not inside
    proven = whole and bool(covered) and not asked.minus([one.span for one in covered if one.proven])
    return CoverageShare(loaded / asked.length_ns if asked else 1.0, whole, proven)


def merged_coverage_share(asked: Sequence[Span], found: Sequence[CoverageShare | None]) -> CoverageShare | None:
    """The covered share of several time ranges together, weighted by length; None if that of any range is unknown.

    None also for no ranges. `found` has the share of each range in `asked`.
    """
    known = [share for share in found if share is not None]
    if not known or len(known) < len(found):
        return None
    weights = [max(span.length_ns, 1) for span in asked]
    share = sum(weight * one.share for weight, one in zip(weights, known, strict=True)) / sum(weights)
    return CoverageShare(min(share, 1.0), all(one.whole for one in known), all(one.proven for one in known))
