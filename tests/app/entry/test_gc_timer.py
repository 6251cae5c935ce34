"""Garbage is collected in the window's thread."""

import gc
import threading
import weakref

from pytestqt.qtbot import QtBot

from app.entry.gc_timer import collect_due, gc_on_this_thread


class Loop:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


def test_other_threads_collect_nothing_and_the_windows_does(qtbot: QtBot):
    gc.enable()
    try:
        with gc_on_this_thread():
            lost = weakref.ref(Loop())
            thread = threading.Thread(target=lambda: [Loop() for _ in range(5_000)])
            thread.start()
            thread.join()
            assert lost() is not None
            qtbot.waitUntil(lambda: lost() is None)
        assert gc.isenabled()
    finally:
        gc.disable()


def test_nothing_is_collected_before_it_is_due():
    gc.collect()
    lost = weakref.ref(Loop())
    collect_due()
    assert lost() is not None
    gc.collect()
