"""A line at a price runs through the middle of its tick, whichever layer draws it."""

from __future__ import annotations

import numpy as np
import pytest

from app.analytics.level_detection import LevelKind
from app.analytics.profile import profile_of_bars
from app.analytics.row_layout import RowLayout, apply_layout
from app.analytics.value_area import value_area
from app.chart.chart import AlertLine
from app.market.session import Period
from app.market.trade import TradeBatch
from app.profiles.profile_settings import ProfileColours
from app.profiles.profile_values import ProfileValues
from rendering.hit_tests.profile_hits import profile_questions
from rendering.items.levels.alert_item import AlertItem, _drawn
from rendering.items.levels.developing_item import DevelopingItem
from rendering.items.levels.level_items import LevelItem, NakedLevelsItem
from rendering.items.profiles.profile_line import profile_lines
from rendering.items.profiles.visible_profile_item import VisibleProfileItem
from rendering.items.profiles.visible_profile_lines_item import VisibleProfileLinesItem
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.frame_coords import line_y, price_y
from tests.oracles import value_areas
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart

HEIGHTS = pytest.mark.parametrize("height", [1, 2, 3, 4, 5])
DAY_STARTS = -(-FIRST_MINUTE // 1440) * 1440
ROWS = [(4000, 2), (4001, 5), (4002, 9), (4003, 40), (4004, 12), (4005, 8), (4006, 3), (4007, 2)]
"""Ticks and lots of the last bar of a day; the next day is one bar at the same prices, but for the POC's."""


def chart_of(height: int, *, next_day: bool) -> StillChart:
    rows = [(DAY_STARTS - 1, ticks, lots) for ticks, lots in ROWS]
    rows += [(DAY_STARTS, 4020, 1)] if next_day else []
    minutes, ticks, lots = (np.array(column) for column in zip(*rows, strict=True))
    return StillChart(
        TradeBatch.of(minutes * MINUTE.length_ns + np.arange(len(rows)), ticks, lots, np.ones(len(rows)), np.arange(len(rows))), height
    )


def prices(height: int) -> dict[str, int]:
    """POC, VAH and VAL by the oracle."""
    first, end = ROWS[0][0] // height, ROWS[-1][0] // height + 1
    volumes = [sum(lots for ticks, lots in ROWS if ticks // height == row) for row in range(first, end)]
    low, high = value_areas.value_area(volumes, 70, "dalton")
    edges = ((first + row) * height for row in (low, high, value_areas.point_of_control(volumes)))
    return dict(zip(("POC", "VAH", "VAL"), value_areas.prices_of_area(*edges, height), strict=True))


def figures_of(chart: StillChart) -> ProfileValues:
    """The profile of the first bar."""
    rows = apply_layout(profile_of_bars(chart.series, 0, 1), chart.series.grid, RowLayout())
    assert rows is not None
    return ProfileValues(((DAY_STARTS - 1, DAY_STARTS),), rows, value_area(rows.profile))


@HEIGHTS
def test_profiles_levels_and_alerts_of_one_price_are_drawn_at_one_height(qapp, height: int):
    """T2: and the mouse finds them there."""
    chart = chart_of(height, next_day=True)
    scene = ChartScene(chart, load_theme("dark"), layers=[NakedLevelsItem, AlertItem])
    scene.show(NakedLevelsItem.name)
    chart.alert_lines = tuple(
        AlertLine(float(ticks), "", number, False) for number, ticks in enumerate(sorted(set(prices(height).values())))
    )
    scene.show_all()
    scene.refresh(1)
    scene.settle()
    scene.refresh(2)
    frame = scene.frame
    assert frame is not None and frame.viewport.tick_px > 8, "half a tick is several pixels"
    levels = next(item for item in scene.items_by_layer if isinstance(item, LevelItem))
    naked = {level.kind: level.top for level in levels._drawn(frame) if level.period is Period.DAY}
    figures = figures_of(chart)
    lines = {line.name: line for line in profile_lines(frame, figures, ProfileColours())}
    alerts = {alert.y for alert in _drawn(frame)}
    for name, ticks in prices(height).items():
        middle = (price_y(frame, ticks) + price_y(frame, ticks + 1)) / 2
        assert lines[name].ticks == ticks and lines[name].text == chart.series.grid.text(ticks)
        assert naked[LevelKind[name]] == line_y(frame, ticks) == pytest.approx(middle, abs=1)
        assert line_y(frame, ticks) in alerts
        hits = profile_questions(frame, "it", figures, frame.rules.value_area, middle + 0.5)
        assert f"{name} of it" in [hit.text for hit in hits]


@HEIGHTS
@pytest.mark.parametrize("layers", [[DevelopingItem], [VisibleProfileItem, VisibleProfileLinesItem]], ids=["developing", "visible range"])
def test_the_poc_line_is_painted_at_the_middle_of_its_tick(qapp, height: int, layers: list):
    """T2: in pixels."""
    theme = load_theme("dark")
    scene = ChartScene(chart_of(height, next_day=False), theme, layers=layers)
    for layer in layers:
        scene.show(layer.name)
    scene.show_all()
    scene.refresh(1)
    scene.settle()
    scene.refresh(2)
    frame = scene.frame
    assert frame is not None and frame.viewport.tick_px > 8
    image = scene.render_image()
    x = round(frame.viewport.x(DAY_STARTS - 1) + frame.viewport.bar_px / 2)
    painted = [y for y in range(round(frame.layout.price.height)) if image.pixelColor(x, y).getRgb()[:3] == theme.poc[:3]]
    middle = (price_y(frame, prices(height)["POC"]) + price_y(frame, prices(height)["POC"] + 1)) / 2
    assert painted and all(abs(y + 0.5 - middle) <= 1.5 for y in painted)
