"""A trace is recorded and saved from the menu, and by `--trace`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.errors import StoreError
from rendering.scene.frame_trace import FrameTrace
from tests.rendering.charts import trade
from tests.widgets.desks import Desk
from widgets.commands.trace import write_trace
from widgets.window.main_window import MainWindow


def frame(qtbot: QtBot, window: MainWindow, desk: Desk) -> None:
    """A frame with a trade, up to the end of its painting."""
    assert desk.chart is not None and window.view is not None
    desk.trade(trade(59, int(desk.chart.series.close[-1]) + 1))
    painted: list[int] = []
    before, window.view.on_painted = window.view.on_painted, lambda: painted.append(1)
    window.view.on_painted = lambda: (before(), painted.append(1))
    window.clock.wake("data")
    window.frame()
    qtbot.waitUntil(lambda: bool(painted))
    window.view.on_painted = before


def test_frames_are_recorded_from_the_menu_and_saved_in_the_journal(qtbot: QtBot, window: MainWindow, desk: Desk, tmp_path: Path) -> None:
    record, save = window.actions_by_name["record_trace"], window.actions_by_name["save_trace"]
    record.trigger()
    assert record.isChecked() and window.meter.trace.on
    frame(qtbot, window, desk)
    save.trigger()
    (path,) = (tmp_path / "traces").glob("*_trace.json")
    assert window._message == f"Saved {path}"
    found = json.loads(path.read_bytes())["traceEvents"]
    kinds = {event.get("cat") for event in found}
    assert {"frame", "refresh", "paint", "draw"} <= kinds
    assert any("data" in event["args"]["woken by"] for event in found if event.get("cat") == "frame")
    record.trigger()
    assert not record.isChecked() and not window.meter.trace.on
    assert window._message.startswith("Stopped recording a trace: ")


def test_without_a_recording_nothing_is_saved(window: MainWindow, tmp_path: Path) -> None:
    window.actions_by_name["save_trace"].trigger()
    assert window._message == "No trace to save (Help, Record trace)" and not (tmp_path / "traces").exists()


def test_a_folder_that_cannot_be_written_is_reported(qtbot: QtBot, window: MainWindow, desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "traces").write_text("a file in the way")
    window.actions_by_name["record_trace"].trigger()
    frame(qtbot, window, desk)
    window.actions_by_name["save_trace"].trigger()
    assert window._message.startswith(f"cannot write {tmp_path / 'traces'}")


def test_a_closed_window_records_no_longer(qtbot: QtBot, window: MainWindow, desk: Desk) -> None:
    window.actions_by_name["record_trace"].trigger()
    frame(qtbot, window, desk)
    window.close()
    assert not window.meter.trace.on and window.meter.trace.n


def test_a_trace_is_written_to_the_file_that_is_named(tmp_path: Path) -> None:
    write_trace(FrameTrace(), tmp_path / "new" / "slow.json")
    assert json.loads((tmp_path / "new" / "slow.json").read_bytes())["displayTimeUnit"] == "ms"
    with pytest.raises(StoreError, match="cannot write"):
        write_trace(FrameTrace(), tmp_path / "new")
