"""What is asked of the past."""

from __future__ import annotations

from rendering.scene import ChartScene
from rendering.theme import load_theme
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades
from widgets.wanted import ask_for_what_is_in_sight


def test_an_old_anchor_widens_what_is_asked_for(qapp) -> None:
    chart = StillChart(random_trades(30, 50))
    chart.oldest_ns = 0
    scene = ChartScene(chart, load_theme(), 1600, 900)
    scene.refresh()
    ask_for_what_is_in_sight(scene)
    assert chart.wanted.start_ns == chart.series.times.start_ns(scene.viewport.visible_bars()[0])
    anchor_ns = (FIRST_MINUTE - 500) * MINUTE.length_ns
    chart.anchors.add(anchor_ns)
    ask_for_what_is_in_sight(scene)
    assert chart.wanted.start_ns == anchor_ns
    chart.anchors.undo()
    ask_for_what_is_in_sight(scene)
    assert chart.wanted.start_ns > anchor_ns
