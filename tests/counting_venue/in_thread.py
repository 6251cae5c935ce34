"""An event loop in a thread, for commands that run a loop of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def in_thread(server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Run an asynchronous context in a thread for the time of the block."""
    ready, leave = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    entered: list[T] = []

    async def serve() -> None:
        async with server as there:
            entered.append(there)
            ready.set()
            await leave.wait()

    def work() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(serve())
            loop.run_until_complete(asyncio.gather(*asyncio.all_tasks(loop), return_exceptions=True))
        finally:
            ready.set()
            loop.close()

    thread = threading.Thread(target=work, name="venue")
    thread.start()
    ready.wait(10)
    try:
        yield entered[0]
    finally:
        loop.call_soon_threadsafe(leave.set)
        thread.join(10)
