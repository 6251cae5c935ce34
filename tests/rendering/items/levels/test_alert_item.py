"""The tags of alerts on the price axis."""

from __future__ import annotations

import pytest

from app.chart.chart import AlertLine
from rendering.items.levels.alert_item import _drawn
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import StillChart, random_trades


@pytest.mark.parametrize("off", [0.5, 1.5, 0.6])
def test_alert_tag_rounds_half_ticks_down_like_profile_lines(qapp, off: float):
    """The POC of a row of five ticks lies between two ticks: its tag and that of an alert on it must agree."""
    chart = StillChart(random_trades(5, 60))
    base = int(chart.series.close[-1])
    chart.alert_lines = (AlertLine(base + off, "POC of the day", 1, True),)
    scene = ChartScene(chart, load_theme(), 1200, 800)
    scene.refresh()
    (drawn,) = _drawn(scene.frame)
    assert drawn.price == chart.series.grid.text(base + (int(off) if off % 1 == 0.5 else 1))
