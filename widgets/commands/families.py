"""All commands of one window, grouped into families, e.g. alerts; the command table assigns their methods to menu entries and keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from widgets.commands.alerts import AlertCommands
from widgets.commands.as_of import AsOfCommands
from widgets.commands.bars_and_rows import ChartCommands
from widgets.commands.calculation import RuleCommands
from widgets.commands.composites import CompositeCommands
from widgets.commands.explain import WhyCommands
from widgets.commands.navigation import ViewCommands
from widgets.commands.overlays import OverlayCommands
from widgets.commands.periods import PeriodCommands
from widgets.commands.profiles import AnchorCommands
from widgets.commands.trace import TraceCommands
from widgets.panels.replay_bar import ReplayBar


class WindowCommands(Protocol):
    """The commands that the main window executes itself."""

    def choose_instrument(self) -> object: ...
    def open_demo(self) -> object: ...
    def stop_filling(self) -> object: ...
    def try_now(self) -> object: ...
    def save_picture(self) -> object: ...
    def save_large_picture(self) -> object: ...
    def close(self) -> object: ...
    def toggle_full_screen(self) -> object: ...
    def next_theme(self) -> object: ...
    def next_palette(self) -> object: ...
    def next_painter(self) -> object: ...
    def show_levels(self) -> object: ...
    def show_help(self, page: str) -> object: ...
    def show_keys(self) -> object: ...


@dataclass(frozen=True, slots=True)
class Families:
    """All commands of one window: one object for each family of commands, e.g. alerts or profiles."""

    window: WindowCommands
    explain: WhyCommands
    profiles: AnchorCommands
    periods: PeriodCommands
    composites: CompositeCommands
    alerts: AlertCommands
    as_of: AsOfCommands
    navigation: ViewCommands
    bars: ChartCommands
    calculation: RuleCommands
    overlays: OverlayCommands
    replay: ReplayBar
    trace: TraceCommands
