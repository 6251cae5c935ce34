"""The window: toolbar, chart, status bar; looks at the workspace once a frame and hands the user's wishes to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QCloseEvent, QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget

from app.errors import TapeprintError
from app.market.bar_rule import BarRule, parse_bar_rule
from app.market.feed import FeedState
from app.market.span import Span
from app.workspace import Workspace
from rendering.frame import Mode
from rendering.frame_clock import FrameClock
from rendering.scene import ChartScene
from rendering.theme import Theme, load_theme, theme_names
from widgets.actions import build_actions, fill_menu_bar
from widgets.chart_view import ChartView
from widgets.key_list import KeyList
from widgets.pictures import save_picture
from widgets.status_bar import StatusBar
from widgets.toolbar import BAR_CHOICES, Toolbar
from widgets.waiting_page import WaitingPage

_log = structlog.get_logger(__name__)

_STATUS_EVERY = 12  # frames: the status bar's texts change about five times a second
_FURTHEST_BACK_NS = 48 * 3_600_000_000_000  # what futures deliver, and what memory should hold
PALETTES = ("blue-orange", "green-red")

MODES: dict[FeedState, Mode] = {
    FeedState.LIVE: "live",
    FeedState.SYNCING: "live",
    FeedState.CONNECTING: "offline",
    FeedState.LAGGING: "stale",
    FeedState.STALE: "stale",
    FeedState.DISCONNECTED: "offline",
    FeedState.STOPPED: "offline",
    FeedState.SIMULATED: "simulated",
    FeedState.REPLAY: "replay",
}
"""How a feed's state looks on the chart; only trades that arrive on time look live."""


@dataclass(frozen=True, slots=True)
class Looks:
    """What the window starts with.

    Attributes
    ----------
    theme, palette : str
    painter : "raster" or "gl"
        As chosen for this machine.
    painter_reason : str
        Why, for the status bar's tool tip.
    journal : Path
        Where pictures go.
    instruments : sequence of str
        Offered in the toolbar.
    """

    theme: str
    palette: str
    painter: str
    painter_reason: str
    journal: Path
    instruments: Sequence[str] = ()


class MainWindow(QMainWindow):
    """One market on the screen.

    Parameters
    ----------
    workspace : Workspace
        What is open; all intents go there.
    looks : Looks
        Theme, painter and folders.
    on_closed : callable
        Called once when the window has closed.
    """

    def __init__(self, workspace: Workspace, looks: Looks, on_closed: Callable[[], None]) -> None:
        super().__init__()
        self.setWindowTitle("Tapeprint")
        self.resize(QSize(1600, 900).boundedTo(self.screen().availableSize() * 0.95))
        self._workspace, self._looks, self._on_closed = workspace, looks, on_closed
        self._theme = load_theme(looks.theme, looks.palette)
        self._painter = looks.painter
        self._saving: set[asyncio.Task[None]] = set()
        self._message = ""
        self._frames = 0
        self._shown_choice: tuple[object, ...] = ()
        self.view: ChartView | None = None
        self.actions_by_name = build_actions(self)
        fill_menu_bar(self.menuBar(), self.actions_by_name)
        self.toolbar = Toolbar(
            self.actions_by_name,
            on_instrument=workspace.open,
            on_bar_rule=lambda rule: workspace.change(bar_rule=rule),
            on_ticks_per_row=lambda ticks: workspace.change(ticks_per_row=ticks),
            on_error=self.say,
            parent=self,
        )
        self.toolbar.offer_instruments(looks.instruments)
        self.addToolBar(self.toolbar)
        self.waiting = WaitingPage(self.open_demo)
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.waiting)
        self.setCentralWidget(self.pages)
        self.status_bar = StatusBar(self._theme, self)
        self.setStatusBar(self.status_bar)
        self._dress()
        self.clock = FrameClock(self.frame, self)
        self.clock.start()

    # -- once a frame ----------------------------------------------------------------------------

    def frame(self) -> None:
        """Look at the workspace and let the chart draw what changed."""
        workspace = self._workspace
        status = workspace.status
        self.status_bar.look(status)
        self._frames += 1
        chart = workspace.chart
        if chart is None:
            self.pages.setCurrentWidget(self.waiting)
            self.waiting.show_status(workspace.instrument_id, status)
        else:
            if self.view is None or self.view.chart_scene.chart is not chart:
                self._show_chart()
            assert self.view is not None
            scene = self.view.chart_scene
            mode = MODES[status.state]
            badge = "" if mode == "live" else ("STALE" if mode == "stale" else status.state.value)
            scene.set_mode(mode, badge, status.reason)
            scene.refresh()
            _ask_for_what_is_in_sight(scene)
        if self._frames % _STATUS_EVERY == 1:
            notice = self._message or workspace.notice
            self.status_bar.refresh(status, notice, "OpenGL" if self._painter == "gl" else "raster")
            self._show_choice()

    def say(self, message: str) -> None:
        """Put one line into the status bar; it stays until the next."""
        self._message = message

    def _show_chart(self) -> None:
        chart = self._workspace.chart
        assert chart is not None
        style = self.view.chart_scene.style if self.view is not None else None
        scene = ChartScene(chart, self._theme, dpr=self.devicePixelRatioF())
        if style is not None:
            scene.set_style(style)
        self._install_painter(scene)
        if self.view is None:
            self.view = ChartView(scene, use_gl=self._painter == "gl")
            self.pages.addWidget(self.view)
        else:
            before = self.view.chart_scene
            self.view.show_scene(scene)
            before.deleteLater()
        self.pages.setCurrentWidget(self.view)
        self.view.setFocus()
        self._message = ""

    def _show_choice(self) -> None:
        chart = self._workspace.chart
        choice = (self._workspace.instrument_id, chart.spec if chart else self._workspace.choice)
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

    # -- commands, see widgets.actions -----------------------------------------------------------

    def choose_instrument(self) -> None:
        """Put the cursor where a market is typed."""
        self.toolbar.instrument.setFocus()
        edit = self.toolbar.instrument.lineEdit()
        assert edit is not None
        edit.selectAll()

    def open_demo(self) -> None:
        """Show the built-in market."""
        self._workspace.open("demo:TAPE")

    def save_picture(self) -> None:
        """Save the chart as it is."""
        self._save(1)

    def save_large_picture(self) -> None:
        """Save the chart with twice the pixels."""
        self._save(2)

    def zoom_time_in(self) -> None:
        """Wider bars."""
        self._zoom_time(1.25)

    def zoom_time_out(self) -> None:
        """Narrower bars."""
        self._zoom_time(0.8)

    def zoom_price_in(self) -> None:
        """Taller rows."""
        self._zoom_price(1.25)

    def zoom_price_out(self) -> None:
        """Flatter rows."""
        self._zoom_price(0.8)

    def pan_left(self) -> None:
        """Towards older bars."""
        self._pan(120, 0)

    def pan_right(self) -> None:
        """Towards newer bars."""
        self._pan(-120, 0)

    def pan_up(self) -> None:
        """Towards higher prices."""
        self._pan(0, 80)

    def pan_down(self) -> None:
        """Towards lower prices."""
        self._pan(0, -80)

    def go_to_oldest(self) -> None:
        """The first bar at the left edge."""
        scene = self._scene
        if scene is not None and scene.chart.series.n_bars:
            scene.set_viewport(scene.viewport.with_bar_at(int(scene.chart.series.number[0]), 0.0))
            scene.fit_price()

    def go_to_newest(self) -> None:
        """The last bar, and follow it."""
        scene = self._scene
        if scene is not None:
            scene.go_to_newest()

    def reset_view(self) -> None:
        """Legible cells around the last bar."""
        if self._scene is not None:
            self._scene.show_last()

    def toggle_full_screen(self) -> None:
        """Fill the screen, and back."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def next_bar_rule(self) -> None:
        """The next longer bar."""
        self._step_bar_rule(1)

    def previous_bar_rule(self) -> None:
        """The next shorter bar."""
        self._step_bar_rule(-1)

    def coarser_rows(self) -> None:
        """About twice as many ticks in a row."""
        self._step_rows(1)

    def finer_rows(self) -> None:
        """About half as many ticks in a row."""
        self._step_rows(-1)

    def toggle_colouring(self) -> None:
        """Cells by volume rank, or by delta."""
        scene = self._scene
        if scene is not None:
            scene.set_style(replace(scene.style, colouring="delta" if scene.style.colouring == "volume" else "volume"))

    def next_theme(self) -> None:
        """The next theme."""
        names = theme_names()
        self._set_theme(names[(names.index(self._looks.theme) + 1) % len(names)], self._looks.palette)

    def next_palette(self) -> None:
        """The next palette."""
        self._set_theme(self._looks.theme, PALETTES[(PALETTES.index(self._looks.palette) + 1) % len(PALETTES)])

    def next_painter(self) -> None:
        """The other painter."""
        self._use_painter("raster" if self._painter == "gl" else "gl")

    def show_keys(self) -> None:
        """List every key."""
        KeyList(self).show()

    # -- helpers of the commands -----------------------------------------------------------------

    @property
    def _scene(self) -> ChartScene | None:
        return self.view.chart_scene if self.view is not None and self._workspace.chart is not None else None

    def _zoom_time(self, factor: float) -> None:
        scene = self._scene
        if scene is not None:  # the newest bar stays where it is while it is followed, else the middle
            vp = scene.viewport
            x = vp.x(int(scene.chart.series.number[-1]) + 1) if scene.following and scene.chart.series.n_bars else vp.width_px / 2
            scene.set_viewport(vp.zoomed_time(x, factor))

    def _zoom_price(self, factor: float) -> None:
        scene = self._scene
        if scene is not None:
            scene.set_viewport(scene.viewport.zoomed_price(scene.viewport.height_px / 2, factor))

    def _pan(self, dx: float, dy: float) -> None:
        scene = self._scene
        if scene is not None:
            scene.set_viewport(scene.viewport.panned(dx, dy))

    def _step_bar_rule(self, step: int) -> None:
        chart = self._workspace.chart
        if chart is None:
            return
        rules = [parse_bar_rule(text) for text in BAR_CHOICES]
        wider = [rule for rule in rules if (rule.length_ns - chart.spec.bar_rule.length_ns) * step > 0]
        if wider:
            chosen: BarRule = min(wider, key=lambda rule: abs(rule.length_ns - chart.spec.bar_rule.length_ns))
            self._workspace.change(bar_rule=chosen)

    def _step_rows(self, step: int) -> None:
        chart = self._workspace.chart
        if chart is None:
            return
        sizes = [m * 10**e for e in range(6) for m in (1, 2, 5)]
        wanted = [size for size in sizes if (size - chart.spec.ticks_per_row) * step > 0]
        if wanted:
            self._workspace.change(ticks_per_row=min(wanted, key=lambda size: abs(size - chart.spec.ticks_per_row)))

    def _set_theme(self, theme: str, palette: str) -> None:
        self._looks = replace(self._looks, theme=theme, palette=palette)
        self._theme = load_theme(theme, palette)
        if self.view is not None:
            self.view.chart_scene.set_theme(self._theme)
        self.status_bar.set_theme(self._theme)
        self._dress()

    def _dress(self) -> None:
        """The theme's colours for toolbar, menus and status bar."""
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.setPalette(palette_of(self._theme))

    def _use_painter(self, painter: str) -> None:
        self._painter = painter
        if self.view is not None:
            self.view.use_gl(painter == "gl")
            self._install_painter(self.view.chart_scene)

    def _install_painter(self, scene: ChartScene) -> None:
        if self._painter == "gl":
            scene.install_gl(self._gl_failed)
        scene.set_painter("gl" if self._painter == "gl" else "raster")

    def _gl_failed(self, reason: str) -> None:
        _log.warning("OpenGL failed, raster takes over", reason=reason)
        self._use_painter("raster")
        self.say(f"OpenGL failed ({reason}): drawing by raster, nothing is lost")

    def _save(self, scale: int) -> None:
        scene = self._scene
        if scene is None:
            self.say("There is no chart to save yet")
            return
        task = asyncio.ensure_future(self._save_and_say(scene, scale))
        self._saving.add(task)
        task.add_done_callback(self._saving.discard)

    async def _save_and_say(self, scene: ChartScene, scale: int) -> None:
        try:
            path = await save_picture(scene, scale, self._looks.journal, QGuiApplication.clipboard())
        except TapeprintError as error:
            self.say(error.user_message)
        else:
            self.say(f"Saved {path} and copied to the clipboard")

    def closeEvent(self, event: QCloseEvent) -> None:
        self.clock.stop()
        if self.view is not None:
            self.view.use_gl(False)  # what lies on the graphics card is given back while its context is there
        super().closeEvent(event)
        self._on_closed()


def _ask_for_what_is_in_sight(scene: ChartScene) -> None:
    """Tell the chart which time the user looks at: what of it is missing will be fetched."""
    series, now_ns = scene.chart.series, time.time_ns()
    if series.n_bars:
        start_ns = max(series.rule.start_ns(scene.viewport.visible_bars()[0]), now_ns - _FURTHEST_BACK_NS)
        scene.chart.wanted = Span(min(start_ns, now_ns), now_ns)


def palette_of(theme: Theme) -> QPalette:
    """The theme's colours as Qt knows them."""
    palette = QPalette()
    role = QPalette.ColorRole
    pairs = {
        role.Window: theme.background,
        role.Base: theme.panel,
        role.AlternateBase: theme.background,
        role.Button: theme.panel,
        role.WindowText: theme.text,
        role.Text: theme.text,
        role.ButtonText: theme.text,
        role.PlaceholderText: theme.text_muted,
        role.ToolTipBase: theme.panel,
        role.ToolTipText: theme.text,
        role.Highlight: theme.buy,
        role.HighlightedText: theme.ink_on(theme.buy),
    }
    for colour_role, colour in pairs.items():
        palette.setColor(colour_role, QColor(*colour[:3]))
    for colour_role in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, colour_role, QColor(*theme.text_muted[:3]))
    return palette
