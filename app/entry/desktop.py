"""The desktop program: Qt and asyncio on one event loop."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import qasync
import structlog
from PySide6.QtCore import QMessageLogContext, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from app.alerts.alert_store import AlertStore
from app.entry.display import require_display
from app.entry.exit import report_unrecorded
from app.entry.gc_timer import gc_on_this_thread
from app.entry.markets import market_opener, offered_instruments
from app.entry.player import Player
from app.errors import BadInputError
from app.profiles.profile_store import ProfileStore
from app.settings.settings import Settings, save_rules, save_setting
from app.storage.shared_store import SharedStore
from app.workspace import ChartChoice, Workspace
from rendering.items.overlays import parse_shown, shown_at_first
from rendering.paint.painter_choice import choose_painter
from rendering.scene.all_layers import LAYERS
from rendering.style.text import install_fonts
from widgets.window.main_window import MainWindow
from widgets.window.window_options import WindowOptions

_log = structlog.get_logger(__name__)

_STOP_S = 1.5
_QT_LEVELS = {QtMsgType.QtDebugMsg: "debug", QtMsgType.QtInfoMsg: "info", QtMsgType.QtWarningMsg: "warning"}


@dataclass(frozen=True, slots=True)
class DesktopOptions:
    """Options of the window, from the command line.

    Attributes
    ----------
    instrument_id : str
    settings : Settings
        With the overrides of environment variables and flags applied.
    choice : ChartChoice
        Bar type and row size at the start.
    seconds : float or None
        Close the window after this many seconds.
    player : Player or None
        The replay that can be opened, if there is one.
    settings_file : Path or None
        The settings file, which also saves what the user selects; None for the default path.
    """

    instrument_id: str
    settings: Settings
    choice: ChartChoice
    seconds: float | None = None
    player: Player | None = None
    settings_file: Path | None = None


def run_desktop(options: DesktopOptions) -> int:
    """Open the window, wait until it has closed and return the exit code; raises `NoDisplayError` if there is no display."""
    require_display()
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName("Tapeprint")
    application.setStyle("Fusion")
    application.setQuitOnLastWindowClosed(False)  # we stop the feed first, then the loop
    install_fonts()
    with _qt_messages_logged(), gc_on_this_thread(), qasync.QEventLoop(application) as loop:
        return loop.run_until_complete(show_window(options))


async def show_window(options: DesktopOptions) -> int:
    """Show the window until it closes, then close the market and the store; return the exit code."""
    closed = asyncio.Event()
    settings = options.settings
    opener = market_opener(settings, player=options.player)
    shared_store = SharedStore(settings.store_folder(), record=settings.store.record, retention=settings.retention())
    workspace = Workspace(
        opener,
        options.choice,
        settings.rules,
        keep=shared_store.of,
        stored=shared_store.stored,
        alerts=AlertStore(settings.alerts_file()),
        profiles=ProfileStore(settings.profiles_folder()),
        memory_trades=settings.data.memory_trades,
    )
    choice = choose_painter(settings.display.painter)
    window_options = WindowOptions(
        theme=settings.display.theme,
        palette=settings.display.palette,
        painter=choice.painter,
        painter_reason=choice.reason,
        journal=settings.journal_folder(),
        instruments=[*([options.player.instrument_id] if options.player else []), *offered_instruments()],
        shown=_overlays(settings.display.overlays),
        remember_shown=lambda shown: save_setting("display", "overlays", shown, options.settings_file),
        remember=lambda section, name, value: save_setting(section, name, value, options.settings_file),
        remember_rules=lambda before, after: save_rules(before, after, options.settings_file),
    )
    window = MainWindow(workspace, window_options, closed.set, options.player)
    with _faults_shown(window), _closed_by_signals(window):
        window.show()
        workspace.open(options.instrument_id)
        if options.seconds is not None:
            QTimer.singleShot(round(options.seconds * 1000), window.close)
        try:
            await closed.wait()
        finally:
            await _stopped(workspace, window)
            code = report_unrecorded(workspace.unrecorded, disk_hangs=workspace.disk_hangs)
            shared_store.close()
            window.deleteLater()
    return code


def _overlays(text: str) -> frozenset[str]:
    """The overlays that the settings show; the defaults if one is unknown.

    Settings written by another version of the program may have overlays that this version does not know.
    """
    try:
        return parse_shown(text, LAYERS)
    except BadInputError as error:
        _log.warning("settings display.overlays ignored", reason=error.user_message)
        return shown_at_first(LAYERS)


async def _stopped(workspace: Workspace, window: MainWindow) -> None:
    """Close the market and finish saving images, but stop waiting after `_STOP_S` seconds."""
    try:
        async with asyncio.timeout(_STOP_S):
            await asyncio.gather(workspace.aclose(), window.pictures.saved())
    except TimeoutError:
        _log.warning("shutdown timed out", seconds=_STOP_S)


@contextmanager
def _closed_by_signals(window: MainWindow) -> Generator[None]:
    """Within the block, close the window on Ctrl+C, SIGTERM and SIGHUP.

    A second signal ends the program at once. Python runs the handler when the window's frame clock next fires.
    """
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        before.clear()

    def close(_number: int, _frame: object) -> None:
        restore()
        loop.call_soon_threadsafe(window.close)  # not from the handler: Qt may be in the middle of a call

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if number := getattr(signal, name, None):
            before[number] = signal.signal(number, close)
    try:
        yield
    finally:
        restore()


@contextmanager
def _faults_shown(window: MainWindow) -> Generator[None]:
    """Within the block, log uncaught exceptions of Qt slots and tasks, and show them above the chart."""
    loop = asyncio.get_running_loop()
    hook = sys.excepthook

    def in_slot(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, Exception):
            window.faults.report("handling an event", error)
        else:
            hook(kind, error, trace)

    def in_task(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception):
            window.faults.report("running a background task", error)
        else:
            _log.error("event loop error", message=str(context.get("message", "")))

    sys.excepthook = in_slot
    loop.set_exception_handler(in_task)
    try:
        yield
    finally:
        sys.excepthook = hook
        loop.set_exception_handler(None)


@contextmanager
def _qt_messages_logged() -> Generator[None]:
    """Within the block, send Qt's messages to our log instead of the terminal."""

    def take(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        level = _QT_LEVELS.get(kind, "error")
        getattr(_log, level)("qt", message=message, category=context.category)

    before = qInstallMessageHandler(take)
    try:
        yield
    finally:
        qInstallMessageHandler(before)
