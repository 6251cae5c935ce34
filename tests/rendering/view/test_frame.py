"""What is computed once per frame, and when it is computed again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.chart.chart import AlertLine
from app.storage.trade_store import Gap
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.frame import Frame, once_a_frame
from tests.rendering.charts import StillChart, random_trades, trade


@pytest.fixture
def scene(qapp) -> ChartScene:
    scene = ChartScene(StillChart(random_trades(20, 20)), load_theme(), 900, 600)
    scene.refresh(1)
    return scene


def counted() -> tuple[Callable[[Frame], int], list[Frame]]:
    asked: list[Frame] = []

    @once_a_frame
    def number(frame: Frame) -> int:
        asked.append(frame)
        return len(asked)

    return number, asked


def test_a_function_is_computed_once_per_frame(scene: ChartScene):
    number, asked = counted()
    assert scene.frame is not None
    assert [number(scene.frame), number(scene.frame), number(scene.frame.with_legend(("text",)))] == [1, 1, 1]
    scene.refresh(2)
    assert (number(scene.frame), len(asked)) == (2, 2)


def test_functions_do_not_share_their_results(scene: ChartScene):
    one, other = counted()[0], once_a_frame(lambda frame: "other")
    assert scene.frame is not None
    assert (one(scene.frame), other(scene.frame), one(scene.frame)) == (1, "other", 1)


CHANGES: dict[str, Callable[[StillChart], object]] = {
    "trade": lambda chart: chart.apply(trade(19, 600_000)),
    "profile": lambda chart: chart.anchors.add(chart.series.start_ns(3)),
    "alert": lambda chart: setattr(chart, "alert_lines", (AlertLine(600_000.0, "", 1, False),)),
    "gap": lambda chart: setattr(chart, "holes", (Gap(1, 2, 3, 4),)),
    "coverage": lambda chart: setattr(chart, "covered", []),
    "late trade": lambda chart: chart.late.note(5),
    "candles": lambda chart: setattr(chart.candles.candle_store, "revision", 7),
    "settings": lambda chart: setattr(chart, "rules", type(chart.rules)()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_chart_has_it_computed_again(scene: ChartScene, change: str):
    number, _ = counted()
    assert scene.frame is not None
    assert number(scene.frame) == 1
    CHANGES[change](scene.chart)
    assert [number(scene.frame), number(scene.frame)] == [2, 2]
