"""The tags of alerts on the price axis."""

from __future__ import annotations

import pytest

from app.chart.chart import AlertLine
from rendering.items.levels import alert_item
from rendering.items.levels.alert_item import AlertItem, _drawn
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import StillChart, random_trades
from tests.rendering.items.test_layer_cache import ROUNDED, difference


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


def alerts_scene(count: int, dpr: float = 1.0) -> ChartScene:
    chart = StillChart(random_trades(5, 60))
    close = float(chart.series.close[-1])
    chart.alert_lines = tuple(AlertLine(close + step - count // 2, f"VAH {step}", step, step % 3 == 0) for step in range(count))
    scene = ChartScene(chart, load_theme(), 900, 600, dpr, layers=[AlertItem])
    scene.refresh(1)
    scene.set_viewport(scene.viewport.fitted(close - count, close + count))
    scene.refresh(2)
    return scene


@pytest.mark.parametrize("dpr", [1.0, 1.5, 2.0])
def test_many_alerts_look_the_same_whether_copied_or_drawn(qapp, monkeypatch: pytest.MonkeyPatch, dpr: float):
    scene = alerts_scene(150, dpr)
    copied = scene.render_image()
    monkeypatch.setattr(alert_item, "_MANY", 1000)
    drawn = scene.render_image()
    assert difference(copied, drawn).max() <= ROUNDED


def test_a_pan_draws_no_alert_again_among_many(qapp, monkeypatch: pytest.MonkeyPatch):
    scene, tags = alerts_scene(150), 0

    def counted(*arguments: object) -> None:
        nonlocal tags
        tags += 1

    monkeypatch.setattr(alert_item, "draw_price_tag", counted)
    scene.render_image()
    first = tags
    scene.set_viewport(scene.viewport.panned(30, 0))
    scene.render_image()
    assert (first, tags) == (150, 150)
    scene.chart.alert_lines = scene.chart.alert_lines[1:]
    scene.render_image()
    assert tags == 150 + 149
