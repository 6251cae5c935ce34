"""Python's cyclic garbage, collected in the thread of the window.

The collector runs in whatever thread happens to allocate. Were that one that writes to the disk, or builds a chart, it
would destroy windows and timers there, which Qt answers by ending the process.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QTimer

_EVERY_MS = 500


@contextmanager
def gc_on_this_thread() -> Iterator[None]:
    """While this lasts garbage is collected by a timer of this thread alone, by the thresholds that Python has."""
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
    """Collect the oldest generation whose count has passed its threshold, with the younger ones."""
    due = [number for number, (count, threshold) in enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True)) if count > threshold]
    if due:
        gc.collect(max(due))
