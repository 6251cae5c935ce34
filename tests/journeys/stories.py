"""Runs a user's actions as a coroutine on the loop that Qt and asyncio share."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import qasync
from PySide6.QtWidgets import QApplication

from app.entry.desktop import DesktopOptions, show_window
from widgets.window.main_window import MainWindow

_LOOP_THREADS = ("QThread", "Dummy", "asyncio", "ThreadPool")
"""Name prefixes of the threads of the loop's own pool, which end with the loop."""


def tell(story: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end; fail if it leaves tasks running or the loop reports an error."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    application.setQuitOnLastWindowClosed(False)
    complaints: list[dict[str, Any]] = []

    async def whole() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
        await story
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"still running: {left}"

    with qasync.QEventLoop(application) as loop:
        loop.run_until_complete(whole())
    assert not complaints


async def until(condition: Callable[[], object], timeout_s: float = 6.0) -> None:
    """Let the program run until `condition` returns true; raise TimeoutError after `timeout_s`."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def at_the_window(options: DesktopOptions) -> AsyncIterator[MainWindow]:
    """The program's window, opened as from the command line; at the end of the block it is closed and must exit with 0 within 2 s."""
    program = asyncio.ensure_future(show_window(options))
    threads = set(threading.enumerate())
    await until(lambda: _windows() or program.done())
    if program.done():
        program.result()
    (window,) = _windows()
    try:
        window.resize(1280, 760)
        window.activateWindow()
        await until(window.isActiveWindow)
        yield window
    finally:
        asked_s = time.monotonic()
        window.close()
        async with asyncio.timeout(10):
            assert await program == 0
        assert time.monotonic() - asked_s < 2, "the program took its time to end"
        await until(lambda: not _windows())
        left = [thread for thread in set(threading.enumerate()) - threads if not thread.name.startswith(_LOOP_THREADS)]
        assert not left, f"still running: {left}"


def _windows() -> list[MainWindow]:
    return [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow) and widget.isVisible()]
