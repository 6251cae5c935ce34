"""The pane of CVD and the marks of divergences."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF

from app.analytics.delta import bar_delta
from app.settings.calculation import CalculationSettings, CvdSettings
from app.storage.trade_store import Gap
from rendering.items.panes.cvd_item import CvdItem, DivergenceItem
from rendering.items.panes.cvd_series import heights
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.layout import Rect
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades, trade


@pytest.fixture
def scene(qapp) -> ChartScene:
    scene = ChartScene(StillChart(random_trades(60, 60)), load_theme(), 1200, 700)
    scene.show("cvd")
    scene.show_last(40)
    scene.refresh()
    return scene


def item_of(scene: ChartScene, kind: type) -> CvdItem:
    return next(item for item in scene.items_by_layer if isinstance(item, kind))


def test_line_runs_through_cvd_at_the_middles_of_the_bars(scene):
    frame, pane = scene.frame, scene.layout.strip_of("cvd")
    line = item_of(scene, CvdItem)._figures.line(frame, pane)
    series = scene.chart.series
    first = series.index_of(scene.viewport.visible_bars()[0])
    low, high = item_of(scene, CvdItem)._figures.scale(frame)
    sums = np.cumsum(bar_delta(series))
    assert (low, high) == (sums[first:].min(), sums[first:].max())
    assert line.y[-1] == pytest.approx(pane.top + 8 + (high - sums[-1]) * (pane.height - 16) / (high - low))
    assert line.x[-1] == pytest.approx(scene.viewport.x(FIRST_MINUTE + 59.5), abs=1.5)
    assert line.joined.tolist() == [False] + [True] * (len(line.x) - 1)


def test_line_is_broken_at_a_gap(scene):
    at = (FIRST_MINUTE + 50) * MINUTE.length_ns
    scene.chart.holes = (Gap(1, 5, at - 10, at + 10),)
    scene.refresh()
    line = item_of(scene, CvdItem)._figures.line(scene.frame, scene.layout.strip_of("cvd"))
    broken = np.flatnonzero(~line.joined)[1:]
    assert [round(float(scene.viewport.bar_at(line.x[at]))) for at in broken] in ([FIRST_MINUTE + 50], [FIRST_MINUTE + 51])


def test_bars_narrower_than_a_pixel_keep_their_extremes(qapp):
    chart = StillChart(random_trades(6000, 2))
    scene = ChartScene(chart, load_theme(), 700, 500)
    scene.show("cvd")
    scene.show_all()
    scene.refresh()
    pane = scene.layout.strip_of("cvd")
    line = item_of(scene, CvdItem)._figures.line(scene.frame, pane)
    assert len(line.x) <= 2 * scene.layout.price.width + 4
    assert line.y.min() == pytest.approx(pane.top + 8) and line.y.max() == pytest.approx(pane.bottom - 8)
    assert np.all(np.diff(line.x) >= 0)


def test_live_trade_repaints_only_the_end_of_the_line(scene):
    item = item_of(scene, CvdItem)
    before = scene.frame
    item.changed(before, before)
    scene.chart.apply(trade(59, int(scene.chart.series.close[-1]), lots=1))
    scene.refresh(now_ns=before.now_ns + 1)  # the item itself rests, so it has not seen this frame yet
    region = item.changed(before, scene.frame)
    assert region is not None and region.left() >= scene.viewport.x(FIRST_MINUTE + 58) - 1


def test_divergence_marks_run_from_swing_to_swing_in_both_panes(scene):
    scene.chart.apply(random_trades(300, 30)[60 * 30 :])
    scene.show_last(240)
    scene.refresh()
    marks = item_of(scene, CvdItem)._figures.marks(scene.frame, scene.layout.strip_of("cvd"))
    assert marks
    for mark in marks:
        assert mark.left < mark.right
        higher = mark.price[1] < mark.price[0]
        cvd_higher = mark.cvd[1] < mark.cvd[0]
        assert (higher, cvd_higher) == ((True, False) if mark.side < 0 else (False, True))


def test_both_panes_are_drawn_in_their_colours(scene):
    image, theme = scene.render_image(), scene.theme
    pane = scene.layout.strip_of("cvd")
    colours = {image.pixelColor(x, y).name() for x in range(pane.left, pane.right) for y in range(pane.top, pane.bottom)}
    assert theme.cvd.hex in colours
    assert isinstance(item_of(scene, DivergenceItem).pane(scene.frame), QRectF)


def test_equal_values_lie_in_the_middle_of_the_pane():
    assert heights(np.array([5, 5]), (5, 5), Rect(0, 100, 10, 50)).tolist() == [125, 125]


def test_legend_shows_start_of_data_and_number_of_gaps(scene):
    item, start = item_of(scene, CvdItem), scene.chart.series.start_ns(0)
    assert item.legend(scene.frame).startswith("CVD by day, data from ")
    scene.chart.holes = (Gap(1, 5, start + 10, start + 20),)
    assert item.legend(scene.frame).endswith(", ⚠ 1 gap")
    scene.chart.set_rules(CalculationSettings(cvd=CvdSettings(reset="never")))
    scene.refresh()
    assert item.legend(scene.frame) == "CVD"


def test_legend_shows_no_start_when_the_session_is_complete(qapp):
    midnight = trade(-FIRST_MINUTE % 1440, 600_000, second=0)
    scene = ChartScene(StillChart(midnight), load_theme(), 1200, 700)
    scene.show("cvd")
    scene.refresh()
    assert item_of(scene, CvdItem).legend(scene.frame) == "CVD by day"
