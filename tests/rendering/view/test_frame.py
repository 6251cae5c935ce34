"""What is computed once per frame, and when it is computed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.chart.chart import AlertLine, Chart, build_series
from app.storage.trade_store import Gap
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.frame import Frame, once_a_frame, once_a_view
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


def replaced(chart: Chart) -> None:
    chart.replace_series(chart.spec, build_series([random_trades(20, 20)], chart.spec), 0)


BY_THE_USER: dict[str, Callable[[Any], object]] = {
    "profile": lambda chart: chart.anchors.add(chart.series.start_ns(3)),
    "alert": lambda chart: setattr(chart, "alert_lines", (AlertLine(600_000.0, "", 1, False),)),
    "settings": lambda chart: setattr(chart, "rules", type(chart.rules)()),
    "replaced bars": replaced,
}
BY_THE_MARKET: dict[str, Callable[[Any], object]] = {
    "trade": lambda chart: chart.apply(trade(19, 600_000)),
    "gap": lambda chart: setattr(chart, "holes", (Gap(1, 2, 3, 4),)),
    "coverage": lambda chart: setattr(chart, "covered", []),
    "late trade": lambda chart: chart.late.note(5),
    "candles": lambda chart: setattr(chart.candles.candle_store, "revision", 7),
}


@pytest.mark.parametrize("change", BY_THE_USER)
def test_a_change_by_the_user_has_it_computed_again(scene: ChartScene, change: str):
    number, _ = counted()
    assert scene.frame is not None
    assert number(scene.frame) == 1
    BY_THE_USER[change](scene.chart)
    assert [number(scene.frame), number(scene.frame)] == [2, 2]


@pytest.mark.parametrize("change", BY_THE_MARKET)
def test_results_of_a_frame_stay_until_the_next_frame_while_trades_arrive(scene: ChartScene, change: str):
    number, _ = counted()
    assert scene.frame is not None
    assert number(scene.frame) == 1
    BY_THE_MARKET[change](scene.chart)
    assert number(scene.frame) == 1
    scene.refresh(2)
    assert [number(scene.frame), number(scene.frame)] == [2, 2]


def view_counted() -> tuple[Callable[[Frame], int], list[Frame]]:
    asked: list[Frame] = []

    @once_a_view
    def number(frame: Frame) -> int:
        asked.append(frame)
        return len(asked)

    return number, asked


def test_results_of_a_view_are_shared_until_the_view_changes(scene: ChartScene):
    number, _ = view_counted()
    assert scene.frame is not None
    assert number(scene.frame) == 1
    BY_THE_MARKET["trade"](scene.chart)
    scene.refresh(2)
    assert number(scene.frame) == 1
    scene.set_viewport(scene.viewport.panned(3, 0))
    scene.refresh(3)
    assert number(scene.frame) == 2
    replaced(scene.chart)
    scene.refresh(4)
    assert number(scene.frame) == 3


def test_copies_with_another_mouse_position_share_all_results(scene: ChartScene):
    (number, _), (of_view, _) = counted(), view_counted()
    frame = scene.frame
    assert frame is not None
    moved = frame.with_cursor((3.0, 4.0), 77)
    assert (frame.cursor, moved.cursor, moved.now_ns, moved.viewport) == (None, (3.0, 4.0), 77, frame.viewport)
    assert [number(frame), number(moved), of_view(frame), of_view(moved)] == [1, 1, 1, 1]
