"""Commands that record a trace of the window's frames, and save it as a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtGui import QAction

from app.errors import StoreError
from app.market.times import file_time_text
from app.storage.atomic import replacing
from rendering.scene.frame_trace import FrameTrace


class TraceCommands:
    """Commands that record and save a trace of the last frames.

    `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    trace : callable
        Returns the window's trace.
    folder : Path
        Folder of the saved files; created if missing.
    say : callable
        Called with the result as text.
    """

    def __init__(self, trace: Callable[[], FrameTrace], folder: Path, say: Callable[[str], None]) -> None:
        self._trace, self._folder, self._say = trace, folder, say
        self._action: QAction | None = None

    def take_actions(self, actions: Mapping[str, QAction]) -> None:
        """Use the menu entry that shows whether a trace is recorded."""
        self._action = actions["record_trace"]

    def record_trace(self) -> None:
        """Start to record the window's frames, or stop if they are recorded."""
        trace = self._trace()
        if trace.on:
            trace.stop()
            self._say(f"Stopped recording a trace: {trace.n:,} frames (Help, Save trace)")
        else:
            trace.start()
            self._say("Recording a trace (Help, Save trace)")
        if self._action is not None:
            self._action.setChecked(trace.on)

    def save_trace(self) -> None:
        """Save the recorded frames as a file for a browser's trace viewer."""
        trace = self._trace()
        if not trace.n:
            self._say("No trace to save (Help, Record trace)")
            return
        path = self._folder / f"{file_time_text(time.time_ns())}_trace.json"
        try:
            write_trace(trace, path)
        except StoreError as error:
            self._say(error.user_message)
        else:
            self._say(f"Saved {path}")


def write_trace(trace: FrameTrace, path: Path) -> None:
    """Write a trace to a file, and create its folder.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as file:
            file.write(trace.json())
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from None
