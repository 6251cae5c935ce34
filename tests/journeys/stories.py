"""A story of the user's day, told on Qt's and asyncio's one loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import qasync
from PySide6.QtWidgets import QApplication


def tell(story: Coroutine[Any, Any, None]) -> None:
    """Run a story to its end; tasks that it leaves behind are its mistake, and fail it."""
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
    """Let the program run until something holds."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.005)
