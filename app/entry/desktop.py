"""The window's program: Qt and asyncio on one loop, wired up, run, and stopped in order."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import qasync
import structlog
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.entry.display import require_display
from app.entry.markets import market_opener, offered_instruments
from app.settings import Settings
from app.workspace import ChartChoice, Workspace
from rendering.painter_choice import choose_painter
from rendering.text import install_fonts
from widgets.main_window import Looks, MainWindow

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DesktopOptions:
    """What the command line asks of the window.

    Attributes
    ----------
    instrument_id : str
    settings : Settings
        Already overridden by environment and flags.
    choice : ChartChoice
        Bar rule and row size to begin with.
    seconds : float or None
        Close by itself after so long.
    """

    instrument_id: str
    settings: Settings
    choice: ChartChoice
    seconds: float | None = None


def run_desktop(options: DesktopOptions) -> int:
    """Open the window and return when it has closed; the exit code."""
    require_display()
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName("Tapeprint")
    application.setStyle("Fusion")
    application.setQuitOnLastWindowClosed(False)  # we stop in order: the feed first, then the loop
    install_fonts()
    with qasync.QEventLoop(application) as loop:
        return loop.run_until_complete(_run(options))


async def _run(options: DesktopOptions) -> int:
    closed = asyncio.Event()
    settings = options.settings
    workspace = Workspace(market_opener(settings), options.choice, settings.chart_spec, memory_trades=settings.data.memory_trades)
    choice = choose_painter(settings.display.painter)
    looks = Looks(
        theme=settings.display.theme,
        palette=settings.display.palette,
        painter=choice.painter,
        painter_reason=choice.reason,
        journal=settings.journal_folder(),
        instruments=offered_instruments(),
    )
    window = MainWindow(workspace, looks, closed.set)
    window.show()
    workspace.open(options.instrument_id)
    if options.seconds is not None:
        QTimer.singleShot(round(options.seconds * 1000), window.close)
    try:
        await closed.wait()
    finally:
        await _stopped(workspace.aclose)
        window.deleteLater()
    return 0


async def _stopped(aclose: Callable[[], Awaitable[None]]) -> None:
    """Give the feed two seconds to let go; nothing it holds is worth a window that will not close."""
    try:
        async with asyncio.timeout(2.0):
            await aclose()
    except TimeoutError:
        _log.warning("the feed did not stop in two seconds")
