"""The coverage of the visible bars is computed only when something has changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.analytics.bar_coverage import BarState
from app.market.candle import CandleBatch
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.storage.trade_store import Gap
from rendering.items.bars.visible_coverage import VisibleCoverage, share_text
from rendering.view.frame import Frame, Mode
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades, trade
from tests.rendering.items.guides.test_legend_item import frame_of

ALL, MISSING, OUTSIDE = BarState.ALL, BarState.MISSING, BarState.OUTSIDE


def minutes(start: float, end: float) -> Span:
    return Span(*(round((FIRST_MINUTE + minute) * MINUTE.length_ns) for minute in (start, end)))


def covered(start: float, end: float) -> CoveredSpan:
    return CoveredSpan(minutes(start, end), Source.LIVE, 0, 0)


def hole(start: float, end: float) -> Gap:
    span = minutes(start, end)
    return Gap(7, 9, span.start_ns, span.end_ns)


@pytest.fixture
def chart() -> StillChart:
    return StillChart(random_trades(8, 20), 10)


def frame(chart: StillChart) -> Frame:
    """A frame with fourteen bars in view, of which eight have started."""
    return frame_of(chart)


def test_coverage_is_unknown_without_covered_spans_and_gaps(chart: StillChart):
    assert VisibleCoverage().of(frame(chart)) is None


def test_coverage_is_computed_again_only_after_a_change(chart: StillChart):
    visible = VisibleCoverage()
    chart.covered = (covered(0, 8),)
    first = visible.of(frame(chart))
    chart.apply(trade(7, 600_000))
    assert visible.of(frame(chart)) is first
    assert visible.counted == 1
    chart.holes = (hole(2, 3),)
    visible.of(frame(chart))
    chart.covered = (covered(0, 8.5),)
    visible.of(frame(chart))
    moved = frame(chart)
    visible.of(replace(moved, viewport=moved.viewport.panned(300, 0)))
    assert visible.counted == 4


def test_gaps_without_covered_spans_count_against_existing_bars(chart: StillChart):
    chart.holes = (hole(2.5, 4.5),)
    found = VisibleCoverage().of(frame(chart))
    assert found is not None
    assert found.state.tolist() == [ALL, ALL, MISSING, MISSING, MISSING, ALL, ALL, ALL]
    assert found.share == 0.75
    assert share_text(found) == "⚠ 75 % of visible time covered"


def test_coverage_is_unknown_when_only_gaps_and_no_bars_are_in_view(chart: StillChart):
    chart.holes = (hole(2.5, 4.5),)
    there = frame(chart)
    assert VisibleCoverage().of(replace(there, viewport=there.viewport.with_bar_at(FIRST_MINUTE + 100, 0))) is None


@pytest.mark.parametrize(("mode", "share"), [("live", 0.625), ("stale", 0.625), ("replay", 1.0), ("simulated", 1.0)])
def test_recording_is_complete_before_its_first_trade(chart: StillChart, mode: Mode, share: float):
    chart.covered = (covered(3, 8),)
    found = VisibleCoverage().of(replace(frame(chart), mode=mode))
    assert found is not None
    assert found.share == share


def test_share_is_rounded_down_and_below_100_while_trades_are_missing(chart: StillChart):
    chart.covered = (covered(0, 7.999), covered(8, 9))
    assert share_text(VisibleCoverage().of(frame(chart))) == "⚠ 99 % of visible time covered"
    chart.covered, chart.holes = (covered(0, 8),), (hole(3.5, 3.5),)
    assert share_text(VisibleCoverage().of(frame(chart))) == "⚠ > 99 % of visible time covered"
    chart.covered, chart.holes = (covered(0, 8),), ()
    assert share_text(VisibleCoverage().of(frame(chart))) == ""
    assert share_text(None) == ""


def _candles(start: int) -> CandleBatch:
    """Two one-minute candles."""
    start_ns = minutes(start, start).start_ns + np.arange(2) * MINUTE.length_ns
    return CandleBatch(MINUTE.length_ns, start_ns, *(np.full(2, 5, np.int64) for _ in range(6)), closed=np.ones(2, bool))


def test_bars_with_candles_but_no_trades_are_candles_only(chart: StillChart):
    chart.covered = (covered(3.5, 8),)
    visible = VisibleCoverage()
    before = visible.of(frame(chart))
    assert before is not None and before.state.tolist()[:4] == [MISSING] * 4
    chart.candles.candle_store.take(MINUTE.length_ns, minutes(2, 4), [_candles(2)])
    after = visible.of(frame(chart))
    assert after is not None
    assert after.state.tolist()[:5] == [MISSING, MISSING, BarState.CANDLES, BarState.CANDLES, ALL]
    assert (after.share, after.whole) == (before.share, False)


def test_simulation_starts_with_its_first_candle(chart: StillChart):
    chart.covered = (covered(4, 8),)
    chart.candles.candle_store.take(MINUTE.length_ns, minutes(2, 4), [_candles(2)])
    found = VisibleCoverage().of(replace(frame(chart), mode="simulated"))
    assert found is not None
    assert found.state.tolist()[:5] == [OUTSIDE, OUTSIDE, BarState.CANDLES, BarState.CANDLES, ALL]
