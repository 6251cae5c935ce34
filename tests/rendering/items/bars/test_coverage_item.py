"""The coverage ribbon: a mark per bar on the bar's own pixels, by shape and colour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.analytics.bar_coverage import BarCoverage, BarState
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from rendering.items.bars.coverage_item import RIBBON_PX, CoverageItem, marks_of
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades, trade
from tests.rendering.items.guides.test_legend_item import frame_of

OUTSIDE, ALL, UNVERIFIED, CANDLES, MISSING = BarState
THEME = load_theme()


def covered(start: float, end: float, *, proven: bool = True) -> CoveredSpan:
    span = Span(*(round((FIRST_MINUTE + minute) * MINUTE.length_ns) for minute in (start, end)))
    return CoveredSpan(span, Source.LIVE, 0, 0, proven)


def marks(*states: BarState, bar_px: float) -> list[tuple[int, int, BarState]]:
    frame = frame_of(StillChart(random_trades(3, 20)))
    frame = replace(frame, viewport=replace(frame.viewport, bar_px=bar_px))
    found = marks_of(frame, BarCoverage(FIRST_MINUTE, np.array(states, np.int8), 1.0, True))
    return [(left, right, BarState(state)) for left, right, state in zip(*(column.tolist() for column in found), strict=True)]


def test_wide_bars_have_separate_marks():
    assert marks(ALL, ALL, MISSING, OUTSIDE, bar_px=100) == [(0, 99, ALL), (100, 199, ALL), (200, 299, MISSING)]


def test_narrow_bars_of_one_state_share_a_mark():
    assert marks(ALL, ALL, MISSING, MISSING, ALL, OUTSIDE, bar_px=2) == [(0, 4, ALL), (4, 8, MISSING), (8, 10, ALL)]


def test_worst_state_is_shown_when_bars_share_a_pixel():
    assert marks(*[ALL] * 8, *[ALL, ALL, MISSING, UNVERIFIED], *[ALL] * 4, bar_px=0.25) == [(0, 2, ALL), (2, 3, MISSING), (3, 4, ALL)]


@pytest.mark.parametrize("dpr", [1.0, 1.5, 2.0])
def test_marks_start_at_the_pixels_of_their_bars(dpr: float):
    frame = replace(frame_of(StillChart(random_trades(3, 20))), dpr=dpr)
    found = marks_of(frame, BarCoverage(FIRST_MINUTE, np.full(5, ALL, np.int8), 1.0, True))
    assert found.left.tolist() == [frame.pixels.screen_x(FIRST_MINUTE + bar) for bar in range(5)]


def scene_of(chart: StillChart, dpr: float = 1.0) -> ChartScene:
    scene = ChartScene(chart, THEME, 800, 600, dpr)
    scene.refresh()
    return scene


def ribbon_colours(chart: StillChart) -> list[set[str]]:
    """The colours in the middle of each bar's mark, oldest first."""
    scene = scene_of(chart)
    image, frame = scene.render_image(), scene.frame
    assert frame is not None
    top = frame.layout.time_axis.top + 1
    colours = []
    for number in chart.series.number.tolist():
        left = frame.pixels.screen_x(number)
        if left >= 0 and left + 100 < frame.layout.price.width:
            places = [(x, y) for x in range(left + 20, left + 60) for y in range(top, top + int(RIBBON_PX))]
            colours.append({image.pixelColor(x, y).name() for x, y in places})
    return colours


def test_each_state_looks_different(qapp):
    chart = StillChart(random_trades(5, 20), 10)
    chart.covered = (covered(0, 1), covered(1, 2), covered(2, 3, proven=False), covered(4.5, 5))
    looks = ribbon_colours(chart)
    assert len(looks) == 5
    plain = {scene_of(StillChart(random_trades(5, 20), 10)).theme.background.hex}
    assert looks[0] == looks[1]
    assert len({frozenset(look) for look in looks[1:4]}) == 3
    assert looks[3] == looks[4], "missing in part is missing"
    assert plain not in looks
    assert THEME.hole.hex in looks[3]


def test_there_is_no_ribbon_when_coverage_is_unknown(qapp):
    chart = StillChart(random_trades(5, 20), 10)
    assert set.union(*ribbon_colours(chart)) == {THEME.background.hex}


def test_new_bar_repaints_the_ribbon_and_a_live_trade_does_not(qapp):
    item, chart = CoverageItem(), StillChart(random_trades(5, 20), 10)
    chart.covered = (covered(0, 4.5),)
    item.refresh(frame_of(chart))
    item.refresh(frame_of(chart, now_ns=10**9))
    chart.apply(trade(4, 600_000))
    chart.covered = (covered(0, 4.9),)
    assert not item.refresh(frame_of(chart, now_ns=2 * 10**9))
    chart.apply(trade(5, 600_000))
    chart.covered = (covered(0, 5.5),)
    assert item.refresh(frame_of(chart, now_ns=3 * 10**9))
