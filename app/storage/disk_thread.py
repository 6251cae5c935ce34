"""A thread for writes to a disk that may never answer, such as a network drive that is gone.

It does not keep the process from ending, unlike the threads of an executor.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import ParamSpec

_P = ParamSpec("_P")


class DiskThread:
    """Runs functions one after the other in a single thread.

    With several threads, the memory that each has used would not be released.
    """

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, function: Callable[_P, None], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Run a function in the thread, wait until it ends, and raise the exception that it raises."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def job() -> None:
            error: Exception | None = None
            try:
                function(*args, **kwargs)
            except Exception as raised:
                error = raised
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_end, ended, error)

        self._jobs.put(job)
        await ended

    def close(self) -> None:
        """Let the thread end after the functions that were passed to `run` so far; does not wait."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            del job  # its trades must not stay in memory until the next one


def _end(ended: asyncio.Future[None], error: Exception | None) -> None:
    if ended.done():  # cancelled
        return
    if error is None:
        ended.set_result(None)
    else:
        ended.set_exception(error)
