"""The status bar tells each state by word, shape and colour, and how old the tape is."""

from __future__ import annotations

import time

import pytest
from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.market.feed import FeedState, FeedStatus
from app.storage.recording_status import OFF, RECORDING, RecordingState, RecordingStatus
from rendering.items.guides.badge_item import mode_colour
from rendering.style.theme import load_theme, theme_names
from widgets.window.feed_state_style import FEED_STATE_STYLES
from widgets.window.status_bar import StatusBar

SECOND_NS = 1_000_000_000


@pytest.fixture
def bar(qtbot: QtBot) -> StatusBar:
    bar = StatusBar(load_theme())
    qtbot.addWidget(bar)
    bar.resize(1280, 28)
    bar.show()
    return bar


@pytest.mark.parametrize(
    ("status", "word", "detail"),
    [
        (FeedStatus(FeedState.CONNECTING, reason="opening X"), "◌ CONNECTING", "opening X"),
        (FeedStatus(FeedState.SYNCING), "◔ SYNCING", ""),
        (FeedStatus(FeedState.LIVE), "● LIVE", ""),
        (FeedStatus(FeedState.LAGGING, reason="2.3 s behind the stream"), "▲ LAGGING", "2.3 s behind the stream"),
        (FeedStatus(FeedState.STALE, reason="no trade for 14 s"), "■ STALE", "no trade for 14 s"),
        (FeedStatus(FeedState.DISCONNECTED, reason="refused", retry_at_s=1.0), "✕ DISCONNECTED", "refused, retrying in 0 s"),
        (FeedStatus(FeedState.STOPPED, reason="HTTP 451", retry_at_s=1.0), "⊗ STOPPED", "HTTP 451"),
        (FeedStatus(FeedState.SIMULATED), "◆ SIMULATED", ""),
        (FeedStatus(FeedState.REPLAY, reason="paused"), "▶ REPLAY", "paused"),
    ],
)
def test_each_state_has_its_text(bar: StatusBar, status: FeedStatus, word: str, detail: str):
    bar.refresh(status, "", OFF, "raster")
    assert (bar.state.text(), bar.detail.text()) == (word, detail)
    assert bar.detail.isVisible() == bool(detail)


def ground(bar: StatusBar, state: FeedState) -> QColor:
    bar.refresh(FeedStatus(state), "", OFF, "raster")
    return bar.state.grab().toImage().pixelColor(2, 2)


@pytest.mark.parametrize("theme", theme_names())
def test_only_live_is_green_and_colours_match_the_badge(bar: StatusBar, theme: str):
    bar.set_theme(load_theme(theme))
    colours = {state: ground(bar, state).name() for state in FeedState}
    assert [state for state, colour in colours.items() if colour == load_theme(theme).live.hex] == [FeedState.LIVE]
    assert colours == {state: mode_colour(load_theme(theme), FEED_STATE_STYLES[state].mode).hex for state in FeedState}


def test_age_of_the_tape_grows_without_trades(bar: StatusBar):
    status = FeedStatus(FeedState.LIVE, received_at_ns=time.time_ns() - 75 * SECOND_NS, last_trade_ns=1, messages=10)
    bar.sample(status)
    bar.refresh(status, "", OFF, "raster")
    assert bar.figures.text().startswith("last trade 1 min 15 s ago ")


def test_replay_shows_recorded_time_without_age_and_lag(bar: StatusBar):
    status = FeedStatus(FeedState.REPLAY, received_at_ns=time.time_ns(), last_trade_ns=1_723_161_240_123_000_000)
    bar.sample(status)
    bar.refresh(status, "", OFF, "raster")
    assert bar.figures.text() == "last trade 2024-08-08 23:54:00.123 UTC   0 trades/s"


def test_each_state_of_recording_shows_by_word_shape_and_colour(bar: StatusBar):
    status = FeedStatus(FeedState.LIVE)
    told = []
    for recording in (
        RECORDING,
        RecordingStatus(RecordingState.RETRYING, "database or disk is full", 12),
        RecordingStatus(RecordingState.NOT_RECORDING, "database or disk is full", 1200),
        RecordingStatus(RecordingState.LOW_DISK, "only 12 MB free on disk"),
        RecordingStatus(RecordingState.ELSEWHERE, "X is being recorded by another program"),
        OFF,
    ):
        bar.refresh(status, "", recording, "raster")
        told.append((bar.recording.text(), bar.recording.styleSheet().partition(";")[0]))
    theme = load_theme("dark")
    amber, red = f"background: {theme.stale.hex}", f"background: {theme.offline.hex}"
    assert amber != red
    assert told == [
        ("● recording", ""),
        ("◐ retrying: database or disk is full, 12 trades waiting", amber),
        ("■ not recording: database or disk is full, 1,200 trades waiting", red),
        ("▲ only 12 MB free on disk", amber),
        ("◇ X is being recorded by another program", ""),
        ("", ""),
    ]


@pytest.mark.parametrize("state", FeedState)
def test_try_now_is_offered_while_the_venue_is_not_reached(bar: StatusBar, state: FeedState):
    """D13: in any other state there is nothing to try."""
    bar.refresh(FeedStatus(state), "", OFF, "raster")
    assert bar.try_now.isVisible() is (state in (FeedState.DISCONNECTED, FeedState.STOPPED))
