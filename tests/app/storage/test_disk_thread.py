"""Writes in a thread that does not keep the process from ending."""

from __future__ import annotations

import asyncio
import threading

import pytest

from app.storage.disk_thread import DiskThread


def test_functions_run_in_order_in_one_thread_and_errors_are_raised() -> None:
    ran: list[tuple[int, str, bool]] = []

    def note(number: int) -> None:
        ran.append((number, threading.current_thread().name, threading.current_thread().daemon))
        if number == 1:
            raise OSError(28, "No space left on device")

    async def story() -> None:
        thread = DiskThread("disk")
        await thread.run(note, 0)
        with pytest.raises(OSError, match="No space left"):
            await thread.run(note, 1)
        await thread.run(note, number=2)
        thread.close()

    asyncio.run(story())
    assert ran == [(number, "disk", True) for number in range(3)]


def test_a_function_that_hangs_does_not_keep_the_loop_from_ending() -> None:
    goes_on, ended = threading.Event(), threading.Event()

    def hang() -> None:
        goes_on.wait(5)
        ended.set()

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await DiskThread("disk").run(hang)

    asyncio.run(story())
    goes_on.set()
    assert ended.wait(5)  # that its loop is closed hurts nothing
