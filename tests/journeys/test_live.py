"""A live market: the window opens, goes live, loses the venue, gets it back, and closes."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot
from structlog.testing import LogCapture

from rendering.items.guides.last_price_item import last_price
from rendering.scene.screenshot import read_state
from rendering.view.frame import Frame
from tests.journeys.desks import live
from tests.journeys.stories import at_the_window, tell, until
from tests.venue_emulator import GeneratedTape, Refusal, VenueEmulator
from widgets.window.main_window import MainWindow


def tape(rate: float = 200) -> GeneratedTape:
    return GeneratedTape(4, rate, history_s=3.0, history_rate=200)


def frame_of(window: MainWindow) -> Frame:
    assert window.view is not None and window.view.chart_scene.frame is not None
    return window.view.chart_scene.frame


def said(window: MainWindow) -> tuple[str, str]:
    """The state as the status bar and as the chart tell it."""
    return window.status_bar.state.text(), frame_of(window).badge


async def until_live(window: MainWindow) -> None:
    await until(lambda: window.view is not None and window.status_bar.state.text() == "● LIVE")


def test_the_window_goes_live_and_its_figures_are_the_venues(qtbot: QtBot, tmp_path: Path):
    async def story() -> None:
        async with VenueEmulator(tape()) as venue, at_the_window(live(tmp_path, venue)) as window:
            await until_live(window)
            assert said(window) == ("● LIVE", "")
            assert window.windowTitle() == "binance:BTCUSDT — Tapeprint"
            assert "msg/s" in window.status_bar.figures.text()
            chart = frame_of(window).chart
            await until(lambda: chart.series.n_trades > 100 and not chart.holes)
            totals = venue.totals(first_id=chart.covered[0].first_id, last_id=chart.covered[-1].last_id)
            assert (chart.series.n_trades, int(chart.series.volume.sum())) == (totals.count, totals.lots)

    tell(story())


def test_a_venue_that_goes_away_is_told_on_bar_and_chart_and_comes_back(qtbot: QtBot, tmp_path: Path, logged: LogCapture):
    async def story() -> None:
        async with VenueEmulator(tape()) as venue, at_the_window(live(tmp_path, venue)) as window:
            await until_live(window)
            venue.faults.handshake = Refusal(503)
            venue.inject("drop")
            await until(lambda: said(window) == ("✕ DISCONNECTED", "✕ DISCONNECTED"))
            frame = frame_of(window)
            shown = last_price(frame)
            assert shown is not None
            assert shown.colour == frame.theme.stale
            assert "retrying in" in window.status_bar.detail.text()
            assert "retrying in" in frame.notice
            venue.faults.clear()
            await until(lambda: said(window) == ("● LIVE", ""))
            await until(lambda: not frame_of(window).chart.holes)
            await until(lambda: frame_of(window).notice == "")  # the next frame says it

    tell(story())


def test_a_tape_that_falls_silent_turns_stale_though_the_line_is_open(qtbot: QtBot, tmp_path: Path, logged: LogCapture):
    async def story() -> None:
        async with VenueEmulator(tape()) as venue, at_the_window(live(tmp_path, venue, stale_after_s=0.4)) as window:
            await until_live(window)
            venue.faults.stall = True
            await until(lambda: said(window)[0] not in ("● LIVE", "◔ SYNCING"))
            assert said(window)[1] != ""
            assert frame_of(window).mode in ("stale", "offline")
            venue.faults.clear()
            await until(lambda: said(window) == ("● LIVE", ""))

    tell(story())


def test_a_picture_is_saved_by_its_key(qtbot: QtBot, tmp_path: Path):
    async def story() -> None:
        async with VenueEmulator(tape()) as venue, at_the_window(live(tmp_path, venue)) as window:
            await until_live(window)
            qtbot.keyClick(window.view, Qt.Key.Key_S, Qt.KeyboardModifier.AltModifier)
            await window.pictures.saved()
            (path,) = (tmp_path / "journal").rglob("*.png")
            assert read_state(path)["instrument"] == "binance:BTCUSDT"
            assert not QImage(str(path)).isNull()
            await until(lambda: str(path) in window.status_bar.notice.text())

    tell(story())


@pytest.mark.parametrize("when", ["while opening", "in a flood"])
def test_closing_ends_at_once_whatever_goes_on(qtbot: QtBot, tmp_path: Path, when: str):
    async def story() -> None:
        async with VenueEmulator(tape(3000 if when == "in a flood" else 100)) as venue:
            if when == "while opening":
                venue.faults.rest_delay_s = 3.0
            async with at_the_window(live(tmp_path, venue)) as window:
                if when == "in a flood":
                    await until_live(window)
                else:
                    await until(lambda: venue.stats()["rest_requests"])
                    assert window.waiting.isVisible()

    tell(story())
