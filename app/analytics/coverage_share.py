"""How much of a stretch of time is held as trades: what a profile over many bars has to own up to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from app.market.coverage import CoveredSpan
from app.market.span import Span


class CoverageShare(NamedTuple):
    """The answer.

    Attributes
    ----------
    share : float
        Of its time up to the last trade, how much is held, 0 to 1; 1 where there is none.
    whole : bool
        Whether no trade is missing that we know of.
    proven : bool
        Whether ids show it.
    """

    share: float
    whole: bool
    proven: bool


def coverage_share(
    asked: Span, covered: Sequence[CoveredSpan], holes: Sequence[Span] = (), *, begin_ns: int | None = None
) -> CoverageShare | None:
    """How much of `asked` is held; None where nothing was ever said about it. The same as `bar_coverage` says of its bars.

    Without a word on what is covered, but with holes, all of it counts as covered but for the holes.

    Parameters
    ----------
    covered : sequence of Covered
        In any order; they may overlap.
    holes : sequence of Span
        From the trade before to the trade after: one of no length hides trades too.
    begin_ns : int, optional
        Where the tape begins, as far as anybody could have it: nothing is missing before.
    """
    if not covered and not holes:
        return None
    if covered:
        end_ns = max(stretch.span.end_ns for stretch in covered)
        start_ns = asked.start_ns if begin_ns is None else max(asked.start_ns, begin_ns)
        asked = Span(start_ns, max(start_ns, min(asked.end_ns, end_ns)))
    lacking = asked.minus([stretch.span for stretch in covered]) if covered else []
    inside = [hole for hole in holes if hole.start_ns < asked.end_ns and hole.end_ns >= asked.start_ns]
    held = sum(piece.length_ns for piece in asked.minus([*lacking, *inside]))
    whole = not lacking and not inside
    proven = whole and bool(covered) and not asked.minus([stretch.span for stretch in covered if stretch.proven])
    return CoverageShare(held / asked.length_ns if asked else 1.0, whole, proven)


def merged_coverage_share(asked: Sequence[Span], found: Sequence[CoverageShare | None]) -> CoverageShare | None:
    """What several stretches of time hold together, each counted by its length; None where nothing was ever said about one of them."""
    known = [share for share in found if share is not None]
    if not known or len(known) < len(found):
        return None
    weights = [max(span.length_ns, 1) for span in asked]
    share = sum(weight * one.share for weight, one in zip(weights, known, strict=True)) / sum(weights)
    return CoverageShare(min(share, 1.0), all(one.whole for one in known), all(one.proven for one in known))
