"""Python's garbage collection, moved to the GUI thread.

The collector runs in whatever thread happens to allocate. In a thread that writes to the disk or builds a chart it would
destroy windows and timers there, and Qt aborts the process when that happens.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

from PySide6.QtCore import QTimer

_EVERY_MS = 500


@contextmanager
def gc_on_this_thread() -> Generator[None]:
    """Within the block, collect garbage only by a timer of this thread.

    Python's own thresholds decide which generations are collected.
    """
    was_on = gc.isenabled()
    gc.disable()
    timer = QTimer()
    timer.timeout.connect(collect_due)
    timer.start(_EVERY_MS)
    try:
        yield
    finally:
        timer.stop()
        if was_on:
            gc.enable()


def collect_due() -> None:
    """Collect the oldest garbage generation above its threshold and all younger ones; do nothing if none is above."""
    due = [number for number, (count, threshold) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)) if count > threshold]
    if due:
        gc.collect(max(due))
