"""Garbage is collected in the GUI thread."""

import gc
import threading
import weakref

from pytestqt.qtbot import QtBot

from app.entry.gc_timer import collect_due, gc_on_this_thread


class Loop:
    """Garbage that only the collector finds."""

    def __init__(self) -> None:
        self.itself = self


def test_garbage_is_collected_only_in_the_gui_thread(qtbot: QtBot):
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


def test_garbage_is_not_collected_below_the_threshold():
    gc.collect()
    lost = weakref.ref(Loop())
    collect_due()
    assert lost() is not None
    gc.collect()
