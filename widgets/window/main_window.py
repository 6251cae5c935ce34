"""The main window, which shows the workspace and passes the user's actions to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import structlog
from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.market.bar_rule import BarRule
from app.market.clock_words import clock_words
from app.market.feed import FeedState, FeedStatus
from app.settings.settings import PALETTES
from app.workspace import Workspace
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme, theme_names
from rendering.view.frame_clock import FrameClock
from rendering.view.frame_turns import FrameTurns
from widgets.chart.chart_menu import open_chart_menu
from widgets.chart.chart_view import ChartView
from widgets.chart.history_requests import HistoryRequests
from widgets.commands.actions import build_actions, fill_menu_bar
from widgets.commands.alerts import AlertCommands
from widgets.commands.as_of import AsOfCommands
from widgets.commands.bars_and_rows import ChartCommands
from widgets.commands.calculation import RuleCommands
from widgets.commands.composites import CompositeCommands
from widgets.commands.copy_values import CopyCommands
from widgets.commands.explain import WhyCommands
from widgets.commands.families import Families
from widgets.commands.key_list import KeyList
from widgets.commands.navigation import ViewCommands
from widgets.commands.overlays import OverlayCommands
from widgets.commands.periods import PeriodCommands
from widgets.commands.profiles import AnchorCommands
from widgets.commands.trace import TraceCommands
from widgets.panels.levels import LevelPanel
from widgets.panels.playback import Playback
from widgets.panels.replay_bar import ReplayBar
from widgets.parts.qt_palette import palette_of
from widgets.window.error_banner import FaultBanner
from widgets.window.feed_state_style import FEED_STATE_STYLES, badge_of
from widgets.window.frame_meter import FrameMeter
from widgets.window.help_window import open_help
from widgets.window.image_saver import ImageSaver
from widgets.window.saved_choices import SavedChoices
from widgets.window.status_bar import StatusBar
from widgets.window.status_texts import detail_text
from widgets.window.toolbar import Toolbar
from widgets.window.waiting_page import WaitingPage
from widgets.window.window_options import WindowOptions

_log = structlog.get_logger(__name__)

_STATUS_EVERY = 12  # frames: the texts of the status bar change about five times a second
_STATUS_AT_REST = 2  # the same while the clock rests
_REPLAY_EVERY = 4  # frames: recorded time and progress, fifteen times a second
_MESSAGE_STAYS_S = 12.0


class MainWindow(QMainWindow):
    """The main window, which shows one market at a time.

    Parameters
    ----------
    workspace : Workspace
        The market and chart that are open; receives all user actions.
    looks : WindowOptions
        Theme, painter and folders.
    on_closed : callable
        Called once when the window has closed.
    playback : Playback or None
        The recording that can be opened, if there is one.
    """

    def __init__(self, workspace: Workspace, looks: WindowOptions, on_closed: Callable[[], None], playback: Playback | None = None) -> None:
        super().__init__()
        self.setWindowTitle("Tapeprint")
        self.resize(QSize(1600, 900).boundedTo(self.screen().availableSize() * 0.95))
        self._workspace, self._looks, self._on_closed = workspace, looks, on_closed
        self._theme = load_theme(looks.theme, looks.palette)
        self._painter = looks.painter
        self._message, self._message_until_s = "", 0.0
        self._frames = 0
        self._clock_told = False
        self._shown_choice: tuple[object, ...] = ()
        self._shown_id = ""
        self._remembered = SavedChoices(looks.remember, self.show_message)
        self.view: ChartView | None = None
        self.replay_bar = ReplayBar(
            playback,
            self._theme,
            bar_rule=lambda: workspace.choice.bar_rule,
            open_anew=lambda: workspace.open(workspace.instrument_id),
            on_error=self.show_message,
            on_done=self._focus_chart,
        )
        self.overlays = OverlayCommands(looks.shown, lambda: self._scene, looks.remember_shown, self.show_message)
        shown = lambda: self.view if self._scene else None  # noqa: E731
        self.anchors = AnchorCommands(shown, self.overlays, self.show_message, self._close_panel)
        self.alerts = AlertCommands(self, workspace, lambda: self._scene, self.show_message)
        copies = CopyCommands(lambda: self._scene, self.show_message)
        self.why = WhyCommands(shown, self.show_message, copies.copy_price)
        families = Families(
            window=self,
            explain=self.why,
            profiles=self.anchors,
            periods=PeriodCommands(lambda: self._scene, self.overlays, self.show_message),
            composites=CompositeCommands(shown, self.show_message),
            alerts=self.alerts,
            as_of=AsOfCommands(lambda: self._scene, self.show_message),
            navigation=ViewCommands(lambda: self._scene),
            bars=ChartCommands(workspace, self._choose_bar),
            calculation=RuleCommands(self, workspace, looks.remember_rules, self.show_message),
            overlays=self.overlays,
            replay=self.replay_bar,
            trace=TraceCommands(lambda: self.meter.trace, looks.journal / "traces", self.show_message),
        )
        self._menu_providers = (self.why, self.anchors, families.periods, families.composites, self.alerts, copies, families.as_of)
        self.actions_by_name = build_actions(self, families)
        self.replay_bar.take_actions(self.actions_by_name)
        self.overlays.take_actions(self.actions_by_name)
        families.trace.take_actions(self.actions_by_name)
        fill_menu_bar(self.menuBar(), self.actions_by_name)
        self.toolbar = Toolbar(
            self.actions_by_name,
            on_instrument=workspace.open,
            on_bar_rule=self._choose_bar,
            on_ticks_per_row=lambda ticks: workspace.change(ticks_per_row=ticks),
            on_error=self.show_message,
            on_done=self._focus_chart,
            parent=self,
        )
        self.toolbar.offer_instruments(looks.instruments)
        self.addToolBar(self.toolbar)
        self.waiting = WaitingPage(self.open_demo, self.try_now)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.waiting)
        self.faults = FaultBanner()
        self.pictures = ImageSaver(looks.journal, self.show_message, lambda error: self.faults.report("saving a picture", error))
        centre = QWidget(self)
        rows = QVBoxLayout(centre)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.faults)
        rows.addWidget(self.pages, 1)
        rows.addWidget(self.replay_bar)
        self.setCentralWidget(centre)
        self.status_bar = StatusBar(self._theme, looks.painter_reason, self)
        self.status_bar.try_now.clicked.connect(lambda: self.try_now())
        self.status_bar.lag.clicked.connect(lambda: self.show_help("performance.md"))
        self.setStatusBar(self.status_bar)
        self._dress()
        self._history = HistoryRequests()
        self.turns = FrameTurns()
        self.clock = FrameClock(self.frame, self)
        self.meter = FrameMeter(workspace, self.clock)
        workspace.on_change = partial(self.clock.wake, "data")
        for action in self.actions_by_name.values():
            action.triggered.connect(lambda: self.clock.wake("command"))
        self.clock.start()

    # -- every frame -----------------------------------------------------------------------------

    def frame(self) -> bool:
        """Update the window from the workspace, once per screen frame; return False if the chart had nothing to draw.

        An error is shown in the banner, and True is returned.
        """
        try:
            return self._show_frame()
        except Exception as error:
            self.faults.report("drawing a frame", error)
            return True

    def _show_frame(self) -> bool:
        workspace = self._workspace
        status = workspace.status
        self.status_bar.sample(status)
        self.alerts.announce()
        self._frames += 1
        chart, changed = workspace.chart, False
        self.replay_bar.show_for(workspace.instrument_id)
        if chart is None or not chart.series.n_bars:
            if not self._keeps_view:
                self.pages.setCurrentWidget(self.waiting)
                self.waiting.show_status(workspace.instrument_id, status)
        elif self.isMinimized():
            self.meter.skip()
        else:
            if self.view is None or self.view.chart_scene.chart is not chart:
                self._show_chart()
            assert self.view is not None
            scene = self.view.chart_scene
            scene.set_mode(
                FEED_STATE_STYLES[status.state].mode, badge_of(status.state), detail_text(status, time.time()) or workspace.filling
            )
            changed = self.turns.refresh()
            self.why.follow()
            if status.state is not FeedState.REPLAY:
                self._history.update(scene)
        if self._frames % _REPLAY_EVERY == 1 or self.clock.resting:
            self.replay_bar.refresh()
        if self._frames % (_STATUS_AT_REST if self.clock.resting else _STATUS_EVERY) == 1:
            self._tell_wrong_clock(status)
            notice = self._message if time.monotonic() < self._message_until_s else workspace.notice
            painter = "OpenGL" if self._painter == "gl" else "raster"
            self.status_bar.refresh(status, notice, workspace.recording, painter, workspace.lag)
            self._show_choice()
        return changed

    def _tell_wrong_clock(self, status: FeedStatus) -> None:
        """Show a message, only once, if our clock differs from the venue's by 2 s or more."""
        if not self._clock_told and (words := clock_words(status.clock_ahead_ns)):
            self._clock_told = True
            self.show_message(words[0].upper() + words[1:])

    def show_message(self, message: str) -> None:
        """Show a text in the status bar for 12 s, or until the next message or another chart replaces it."""
        self._message, self._message_until_s = message, time.monotonic() + _MESSAGE_STAYS_S

    def _show_chart(self) -> None:
        chart = self._workspace.chart
        assert chart is not None
        scene = ChartScene(chart, self._theme, dpr=self.devicePixelRatioF(), tiles=self._looks.tiles)
        scene.show_only(self.overlays.shown)
        if self.view is not None and self._keeps_view:
            scene.copy_view(self.view.chart_scene)
        self._shown_id = self._workspace.instrument_id
        self._install_painter(scene)
        if self.view is None:
            self.view = ChartView(scene, use_gl=self._painter == "gl")
            self.view.on_told = self.show_message
            self.view.on_edit = self.anchors.edit_profile
            self.view.alert_handle = self.alerts.handle
            self.view.on_click = self.why.click
            self.view.on_focus = partial(self.turns.focus, self.view)
            self.view.on_input = partial(self.clock.wake, "input")
            self.view.on_frame = self.meter.draw
            self.view.on_painted = self.meter.painted
            self.view.on_menu = lambda place, spot: open_chart_menu(self, place, spot, self._menu_providers)
            self.turns.add(self.view)
            self.pages.addWidget(self.view)
        else:
            before = self.view.chart_scene
            self.view.show_scene(scene)
            before.deleteLater()
        self.pages.setCurrentWidget(self.view)
        self._focus_chart()
        self._message = ""

    def _show_choice(self) -> None:
        chart = self._workspace.chart
        scene = self._scene
        if scene is not None:
            self.toolbar.show_style(following=scene.following, cells=scene.cell_style.cells, colouring=scene.cell_style.colouring)
            self.faults.report_layers([type(item).__name__ for item in scene.items_by_layer if scene.layers.is_out_of_use(item)])
        # includes the message, as a refused choice leaves a wrong value in the toolbar
        if chart is not None:
            self._remembered.bar_shown(chart.spec.bar_rule)
        choice = (self._workspace.instrument_id, chart.spec if chart else self._workspace.choice, self._workspace.message)
        if choice == self._shown_choice:
            return
        self._shown_choice = choice
        self.setWindowTitle(f"{self._workspace.instrument_id} — Tapeprint")
        if chart is None:
            wanted = self._workspace.choice
            self.toolbar.show_choice(self._workspace.instrument_id, wanted.bar_rule, wanted.ticks_per_row or 1, "")
        if chart is not None:
            spec = chart.spec
            size = format(spec.instrument.grid(spec.ticks_per_row).row_size.normalize(), "f")
            self.toolbar.show_choice(self._workspace.instrument_id, spec.bar_rule, spec.ticks_per_row, size)

    # -- commands, see widgets.commands.table -------------------------------------------------------------

    def choose_instrument(self) -> None:
        """Move the focus to the market field of the toolbar, and select its text."""
        self.toolbar.instrument.setFocus()
        edit = self.toolbar.instrument.lineEdit()
        assert edit is not None
        edit.selectAll()

    def open_demo(self) -> None:
        """Open the built-in simulated market."""
        self._workspace.open("demo:TAPE")

    def try_now(self) -> None:
        """Try at once to reach the venue, if the feed is disconnected or stopped."""
        self._workspace.try_now()

    def stop_filling(self) -> None:
        """Stop loading history; loaded trades stay, and scrolling back starts it again."""
        self._workspace.stop_filling()
        self.show_message("Stopped loading history. Scroll back to load more.")

    def save_picture(self) -> None:
        """Save the chart as a PNG image in the journal folder, and copy it to the clipboard."""
        self.pictures.save(self._scene, 1)

    def save_large_picture(self) -> None:
        """Save the chart as a PNG image at twice the resolution in the journal folder, and copy it to the clipboard."""
        self.pictures.save(self._scene, 2)

    def toggle_full_screen(self) -> None:
        """Enter or leave full screen."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def next_theme(self) -> None:
        """Change to the next theme, after the last to the first, and save the choice."""
        names = theme_names()
        place = names.index(self._looks.theme) if self._looks.theme in names else -1  # the user's own file comes before the first
        self._set_theme(names[(place + 1) % len(names)], self._looks.palette)
        self._remembered.save("display", "theme", self._looks.theme)

    def next_palette(self) -> None:
        """Change to the next palette, after the last to the first, and save the choice."""
        self._set_theme(self._looks.theme, PALETTES[(PALETTES.index(self._looks.palette) + 1) % len(PALETTES)])
        self._remembered.save("display", "palette", self._looks.palette)

    def next_painter(self) -> None:
        """Switch between the OpenGL and the raster painter."""
        self._use_painter("raster" if self._painter == "gl" else "gl")

    def show_levels(self) -> None:
        """Open the panel of active levels."""
        LevelPanel(lambda: self._scene, self, self.overlays.toggle_overlay).show()

    def show_keys(self) -> None:
        """Open the dialog that lists all keys and mouse gestures."""
        KeyList(self).show()

    def show_help(self, page: str) -> None:
        """Show a help page, e.g. `values.md`, or a section of it, e.g. `values.md#levels`."""
        open_help(page, self)

    # -- helpers of the commands -----------------------------------------------------------------

    @property
    def _scene(self) -> ChartScene | None:
        """The scene of the workspace's chart; None if that chart is not shown, even if the previous one still is."""
        return self.view.chart_scene if self.view is not None and self.view.chart_scene.chart is self._workspace.chart else None

    def _choose_bar(self, rule: BarRule) -> None:
        self._workspace.change(bar_rule=rule)
        self._remembered.request_bar(rule)

    def _set_theme(self, theme: str, palette: str) -> None:
        self._looks = replace(self._looks, theme=theme, palette=palette)
        self._theme = load_theme(theme, palette)
        if self.view is not None:
            self.view.chart_scene.set_theme(self._theme)
        self.status_bar.set_theme(self._theme)
        self.replay_bar.set_theme(self._theme)
        self._dress()

    def _dress(self) -> None:
        """Apply the theme's colours to the application."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.setPalette(palette_of(self._theme))

    def _use_painter(self, painter: str) -> None:
        self._painter = painter
        if self.view is not None:
            self.view.use_gl(painter == "gl")
            self._install_painter(self.view.chart_scene)
            self.activateWindow()  # Qt replaces the window for its first OpenGL surface, and the new one lacks the focus
            self.view.setFocus()

    def _install_painter(self, scene: ChartScene) -> None:
        if self._painter == "gl":
            scene.install_gl(self._gl_failed)
        scene.set_painter("gl" if self._painter == "gl" else "raster")

    def _gl_failed(self, reason: str) -> None:
        _log.warning("OpenGL failed, using the raster painter", reason=reason)
        self._use_painter("raster")
        self.show_message(f"OpenGL failed ({reason}). Switched to the raster painter; no data lost.")

    @property
    def _keeps_view(self) -> bool:
        """True if the open market is a recording, and was also the market shown last.

        A jump back opens the recording again; the view stays as it is.
        """
        return self._workspace.instrument_id == self._shown_id and self.replay_bar.shows(self._shown_id)

    def _close_panel(self) -> None:
        if self.why.close():
            return
        for panel in reversed(self.findChildren(QDialog)):
            if panel.isVisible():
                panel.close()
                return

    def _focus_chart(self) -> None:
        if self.view is not None:
            self.view.setFocus()

    # -- Qt's events -----------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let a digit from 1 to 9 start the typing of a bar type in the toolbar; other keys are in the command table."""
        if event.text() in tuple("123456789") and self._workspace.chart is not None:
            self.toolbar.type_bar(event.text())
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.WindowStateChange:  # a restored window shows the current chart at once
            self.clock.wake()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.clock.stop()
        self.meter.trace.stop()
        self._workspace.on_change = lambda: None
        self.alerts.sounds.close()
        if self.view is not None:
            self.view.use_gl(False)  # frees memory on the graphics card while its context exists
        super().closeEvent(event)
        self._on_closed()
