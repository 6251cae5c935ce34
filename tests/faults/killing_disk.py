"""Commands of the program as processes that are killed at one of their operations on disk.

Kills by the clock rarely hit the moment between two operations; here each of them can be hit, and hit again.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from pathlib import Path

from tests.faults.failing_disk import FailingDisk

_COMMANDS = ("collect", "import_", "backfill", "verify", "export")
_PRELOADED = ["tests.faults.killing_disk", *(f"app.entry.commands.{name}" for name in _COMMANDS)]


class KillingDisk(FailingDisk):
    """Kills this process just before operation `fails_at`, counted from 0; with None, never."""

    def _fails(self, name: str) -> bool:
        if super()._fails(name):
            os.kill(os.getpid(), signal.SIGKILL)
        return False


class KillableCommand:
    """A command of the program as a process of its own, forked from one that has the program loaded, so that it starts at once.

    Parameters
    ----------
    arguments : list of str
        As on the command line.
    environment : dict
        Variables in addition to those of this process.
    said : Path
        The file that gets what it prints.
    kill_at : int or None
        Number of the operation on disk at which it is killed.
    largest : int or None
        Bytes beyond which no file may grow.
    """

    def __init__(
        self, arguments: list[str], environment: dict[str, str], said: Path, kill_at: int | None = None, largest: int | None = None
    ) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(_PRELOADED)
        self.arguments, self._said = arguments, said
        self._process = context.Process(target=_run, args=(arguments, environment, said, kill_at, largest), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The exit code, below 0 after a signal; None while it runs."""
        return self._process.exitcode

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return self._said.read_text() if self._said.exists() else ""

    def kill(self) -> None:
        """Kill it at once, without a chance to clean up."""
        self._process.kill()
        self._process.join()

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()


def _run(arguments: list[str], environment: dict[str, str], said: Path, kill_at: int | None, largest: int | None) -> None:
    os.environ.update(environment)
    with said.open("w", buffering=1) as out:
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if largest is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    from app.entry.cli import main

    disk = KillingDisk(kill_at)
    with disk.broken():
        try:
            main(arguments)
        finally:
            print(f"operations on disk: {disk.count}", file=sys.stderr, flush=True)
