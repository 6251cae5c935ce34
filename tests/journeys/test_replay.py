"""A recording: opened from a file, paused, stepped, jumped in, played to its end; the figures are those of the file."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.chart.chart import Chart, build_series
from app.entry.commands.common import Reading, parse_span
from app.entry.commands.replay import load_trades
from app.entry.player import Player, ReplayStart
from app.market.feed import FeedState
from rendering.scene.screenshot import read_state
from rendering.view.frame import Frame
from tests.app.chart.test_chart import columns
from tests.builders import random_trades
from tests.journeys.desks import replayed
from tests.journeys.stories import at_the_window, tell, until
from widgets.window.main_window import MainWindow

NONE, ALT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.AltModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
START_MS = 1_700_000_040_000
"""Tuesday 14 November 2023, 22:14:00 UTC."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Half an hour of 3,000 trades."""
    trades = random_trades(9, 3000, start_ns=START_MS * 1_000_000, seconds=1800)
    sides = {1: "buy", -1: "sell", 0: "unknown"}
    rows = [
        f"{time // 1_000_000},{price / 10:.1f},{lots / 100:.2f},{sides[side]},{number}"
        for time, price, lots, side, number in zip(*(column.tolist() for column in trades.columns), strict=True)
    ]
    path = tmp_path / "tape.csv"
    path.write_text("\n".join(["time,price,quantity,side,trade_id", *rows]))
    return path


def player_of(file: Path, **start: object) -> Player:
    recording = load_trades(str(file), parse_span(None, None), Reading(Decimal("0.1"), Decimal("0.01"), quiet=True), Path())
    return Player(recording, ReplayStart(**start))  # type: ignore[arg-type]


def frame_of(window: MainWindow) -> Frame:
    assert window.view is not None and window.view.chart_scene.frame is not None
    return window.view.chart_scene.frame


def chart_of(window: MainWindow) -> Chart:
    return frame_of(window).chart


def up_to(player: Player, time_ns: int, chart: Chart) -> dict[str, list[int]]:
    trades = player._recording.trades
    return columns(build_series([trades[trades.time_ns <= time_ns]], chart.spec))


async def gone_to(qtbot: QtBot, window: MainWindow, typed: str) -> None:
    qtbot.keyClick(window.view, Qt.Key.Key_G, ALT)
    qtbot.keyClicks(window.replay_bar.time, typed)
    qtbot.keyClick(window.replay_bar.time, Qt.Key.Key_Return)


def test_a_file_is_paused_stepped_jumped_in_and_played_to_its_end(qtbot: QtBot, tmp_path: Path, file: Path):
    async def story() -> None:
        player = player_of(file, paused=True)
        async with at_the_window(replayed(tmp_path, player)) as window:
            await until(lambda: window.view is not None and chart_of(window).series.n_trades >= 1)
            assert window.replay_bar.isVisible()
            assert frame_of(window).badge == "▶ REPLAY"
            assert (chart_of(window).series.n_bars, window.replay_bar.time.text()[:16]) == (1, "2023-11-14 22:14")

            begun = chart_of(window).series.n_trades
            for _ in range(5):
                qtbot.keyClick(window.view, Qt.Key.Key_Right, SHIFT)
            await until(lambda: chart_of(window).series.n_trades == begun + 5)

            qtbot.keyClick(window.view, Qt.Key.Key_Right, CTRL)
            await until(lambda: columns(chart_of(window).series) == up_to(player, player.now_ns, chart_of(window)))
            assert window.replay_bar.time.text() == "2023-11-14 22:14:59.999"

            await gone_to(qtbot, window, "22:30")
            await until(lambda: chart_of(window).series.n_bars == 16)
            ahead = columns(chart_of(window).series)
            assert ahead == up_to(player, (START_MS + 960_000) * 1_000_000, chart_of(window))

            before = chart_of(window)
            await gone_to(qtbot, window, "22:20:30")
            await until(lambda: chart_of(window) is not before and chart_of(window).series.n_bars == 7)
            assert columns(chart_of(window).series) == up_to(player, (START_MS + 390_000) * 1_000_000, chart_of(window))
            assert player.paused

            player.speed = math.inf
            qtbot.keyClick(window.view, Qt.Key.Key_Space)
            await until(lambda: player.ended)
            await until(lambda: window.replay_bar.state.text() == "■ REPLAY ENDED")
            chart = chart_of(window)
            assert columns(chart.series) == columns(build_series([player._recording.trades], chart.spec))
            await until(lambda: window.status_bar.state.text() == "▶ REPLAY" and window.status_bar.detail.text() == "end of recording")
            assert (frame_of(window).mode, frame_of(window).notice) == ("replay", "end of recording")

    tell(story())


def test_a_picture_of_a_replay_says_that_it_is_one(qtbot: QtBot, tmp_path: Path, file: Path):
    async def story() -> None:
        async with at_the_window(replayed(tmp_path, player_of(file, speed=math.inf))) as window:
            await until(lambda: window.view is not None and chart_of(window).series.n_trades == 3000)
            qtbot.keyClick(window.view, Qt.Key.Key_S, ALT)
            await window.pictures.saved()
            (path,) = (tmp_path / "journal").rglob("*.png")
            assert read_state(path)["instrument"] == "file:tape"
            assert "replay" in (tmp_path / "journal" / "index.csv").read_text().splitlines()[1]

    tell(story())


def test_from_a_replay_to_the_built_in_market_and_back_it_begins_again(qtbot: QtBot, tmp_path: Path, file: Path):
    async def story() -> None:
        player = player_of(file, speed=math.inf)
        async with at_the_window(replayed(tmp_path, player)) as window:
            await until(lambda: player.ended and window.view is not None)
            qtbot.keyClick(window.view, Qt.Key.Key_D, CTRL)
            await until(lambda: window.status_bar.state.text() == "◆ SIMULATED")
            assert not window.replay_bar.isVisible()
            assert not window.actions_by_name["play_or_pause"].isEnabled()
            window._workspace.open(player.instrument_id)
            await until(lambda: window.replay_bar.isVisible() and window._workspace.status.state is FeedState.REPLAY)
            await until(lambda: chart_of(window).series.n_trades == 3000)

    tell(story())


def test_after_the_end_other_bars_can_be_chosen_and_space_plays_it_again_with_them(qtbot: QtBot, tmp_path: Path, file: Path):
    async def story() -> None:
        player = player_of(file, speed=math.inf)
        async with at_the_window(replayed(tmp_path, player)) as window:
            await until(lambda: player.ended and window.view is not None and chart_of(window).series.n_trades == 3000)
            first = chart_of(window)
            qtbot.keyClick(window.view, Qt.Key.Key_PageUp)
            await until(lambda: first.series.rule.text == "3m")
            assert columns(first.series) == columns(build_series([player._recording.trades], first.spec))
            qtbot.keyClick(window.view, Qt.Key.Key_Space)
            await until(lambda: chart_of(window) is not first and chart_of(window).series.n_trades == 3000)
            assert columns(chart_of(window).series) == columns(first.series)

    tell(story())
