"""Texts that show the sources of a profile: trades, candle fill and missing time."""

from __future__ import annotations

import math

from app.analytics.coverage_share import CoverageShare, coverage_share, merged_coverage_share
from app.ingest.candle_loader import length_text
from app.market.span import Span
from app.profiles.profile_settings import VolumeDisplay
from app.profiles.profile_values import ProfileValues
from rendering.items.bars.visible_coverage import begins_ns
from rendering.view.frame import Frame


def source_text(frame: Frame, figures: ProfileValues) -> str:
    """The sources of a profile as text: trades, complete or not, or the shares of its time that trades and candles cover."""
    if figures.candles.shares:
        return _shares_text(frame, figures)
    found = _coverage(frame, figures)
    if found is None:
        return "trades"
    if found.whole:
        return "trades, complete" if found.proven else "trades, unverified"
    percent = math.floor(100 * found.share)
    return f"⚠ trades cover {'> 99' if percent == 100 else percent} % of its time"


def is_incomplete(frame: Frame, figures: ProfileValues) -> bool:
    """True if part of a profile's time is covered neither by trades nor by candles; False if the coverage is unknown."""
    if figures.candles.shares:
        return not figures.candles.whole
    found = _coverage(frame, figures)
    return found is not None and not found.whole


def volume_text(shown: VolumeDisplay, figures: ProfileValues) -> str:
    """The name of the volume that the rows of a profile show, e.g. total, with a note if candles have no aggressors.

    Such candles can only be split into up and down volume.
    """
    if figures.candles.aggressors or shown is VolumeDisplay.TOTAL:
        return shown.value
    return f"{shown.value} (candles: {'up/down' if shown is VolumeDisplay.SPLIT else 'up minus down'})"


def _shares_text(frame: Frame, figures: ProfileValues) -> str:
    candles, chart = figures.candles, frame.chart
    proven = all(covered.proven for covered in chart.covered)
    whole_ns = sum(span.length_ns for span in _spans(frame, figures))
    kinds = [("trades" if proven else "trades (unverified)", whole_ns - candles.lacking_ns)]
    kinds += [(f"{length_text(length_ns)} candles", time_ns) for length_ns, time_ns in candles.shares]
    missing_ns = whole_ns - sum(time_ns for _, time_ns in kinds)
    if not candles.whole:
        kinds.append(("missing", max(missing_ns, 1)))
    kinds = [kind for kind in kinds if kind[1] > 0]
    percents = _percents([time_ns for _, time_ns in kinds])
    text = ", ".join(f"{percent} {name}" for percent, (name, _) in zip(percents, kinds, strict=True))
    return text if candles.whole else f"⚠ {text}"


def _percents(parts: list[int]) -> list[str]:
    """The shares of the parts in their sum as texts, e.g. `97 %` and `3 %`; whole percentages that add up to 100.

    Of several parts, `< 1 %` is shown instead of 0 %, and `> 99 %` instead of 100 %.
    """
    total = sum(parts)
    found = [100 * part // total for part in parts]
    by_rest = sorted(range(len(parts)), key=lambda place: 100 * parts[place] % total, reverse=True)
    for place in by_rest[: 100 - sum(found)]:
        found[place] += 1
    few = [f"{percent} %" for percent in found]
    if len(parts) > 1:
        few = [{0: "< 1 %", 100: "> 99 %"}.get(percent, text) for percent, text in zip(found, few, strict=True)]
    return few


def _spans(frame: Frame, figures: ProfileValues) -> list[Span]:
    """The time spans of a profile's bars, cut just after the last trade."""
    start_ns, until_ns = frame.chart.series.times.start_ns, frame.chart.candles.until_ns
    return [Span(start_ns(first), min(start_ns(end), until_ns)) for first, end in figures.runs]


def _coverage(frame: Frame, figures: ProfileValues) -> CoverageShare | None:
    chart = frame.chart
    times = chart.series.times
    begin_ns = begins_ns(frame) if not figures.candles.lacking_ns else None
    gaps = [Span(gap.start_ns, gap.end_ns) for gap in chart.holes]
    spans = [Span(times.start_ns(first), times.start_ns(end)) for first, end in figures.runs]
    return merged_coverage_share(spans, [coverage_share(span, chart.covered, gaps, begin_ns=begin_ns) for span in spans])
