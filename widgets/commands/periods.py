"""Commands for period profiles (kind, splits, merges, settings) and for the settings of the visible range profile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtWidgets import QWidget

from app.profiles.chart_profiles import ChartProfiles
from app.profiles.period_profiles import PeriodKind, PeriodProfiles, PeriodSegment
from app.profiles.profile_settings import ProfileSettings
from rendering.items.profiles.anchored_profile_item import AnchoredProfileItem
from rendering.items.profiles.placed_profile_views import segment_at, time_text
from rendering.scene.chart_point import ChartPoint, chart_point_at
from rendering.scene.scene import ChartScene
from widgets.chart.chart_menu import MenuEntry
from widgets.commands.overlays import OverlayCommands
from widgets.dialogs.periods import PeriodDialog, SideDialog

PERIOD_BARS = 30
"""Default number of bars per period: of one-minute bars, as long as a TPO bracket."""
PERIOD_WIDTH_PERCENT = 70
"""Width of the longest row, in percent of the period's width."""
_POINT = "Point at a period profile (P shows them)"


class PeriodCommands:
    """Commands to show, edit, split and merge period profiles; without a chart they change nothing.

    `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    scene : callable
        Returns the chart in view, None if there is none.
    overlays : OverlayCommands
        Used to show the overlay of profiles if it is hidden.
    say : callable
        Shows a text in the status bar.
    """

    def __init__(self, scene: Callable[[], ChartScene | None], overlays: OverlayCommands, say: Callable[[str], None]) -> None:
        self._scene, self._overlays, self._say = scene, overlays, say

    def next_period_profiles(self) -> None:
        """Show the next kind of period profiles: session (if hours are set), day, week, month, N bars, none, then the first again."""
        scene = self._scene()
        if scene is None:
            return
        anchors = scene.chart.anchors
        shown, inputs = anchors.periods, _inputs_of(anchors)
        has_sessions = scene.chart.rules.hours.rule is not None
        periods = [each for each in PeriodKind if has_sessions or each is not PeriodKind.SESSION]
        order = [None, *(PeriodProfiles(each, _bars_of(anchors), inputs) for each in periods)]
        place = next((n for n, one in enumerate(order) if one is not None and shown is not None and one.has_same_periods(shown)), 0)
        chosen = order[(place + 1) % len(order)]
        anchors.show_periods(chosen)
        self._show_overlay()
        self._say("Period profiles off" if chosen is None else f"Showing {chosen.text} profiles")

    def edit_periods(self) -> None:
        """Open the dialog of the period profiles; if the overlay of profiles is hidden, show it."""
        if (scene := self._scene()) is not None:
            anchors = scene.chart.anchors
            self._show_overlay()
            PeriodDialog(anchors, _inputs_of(anchors), _bars_of(anchors), _window(scene)).show()

    def edit_side(self) -> None:
        """Open the dialog for the settings of the visible range profile."""
        if (scene := self._scene()) is not None:
            SideDialog(scene.chart.anchors, _window(scene)).show()

    # -- split and merge, at the mouse -----------------------------------------------------------

    def split_period(self) -> None:
        """Split the period profile under the mouse: a new one starts at the bar under the mouse, unless that is the first bar."""
        self._at_the_mouse(lambda found: self._split(found))

    def merge_next(self) -> None:
        """Merge the period profile under the mouse with the next one, if there is one."""
        self._at_the_mouse(lambda found: self._merge(found.next_ns, "next"))

    def merge_previous(self) -> None:
        """Merge the period profile under the mouse with the previous one, if there is one."""
        self._at_the_mouse(lambda found: self._merge(found.start_ns, "previous"))

    def reset_periods(self) -> None:
        """Remove all splits and merges of the period profiles, as one undo step; if there are none, only show a message."""
        scene = self._scene()
        if scene is None or (periods := scene.chart.anchors.periods) is None or not periods.is_edited:
            self._say("No splits or merges to reset")
            return
        scene.chart.anchors.reset_periods()
        self._say(f"Reset {periods.text} profiles (Ctrl+Z to undo)")

    def menu_entries(self, spot: ChartPoint) -> list[MenuEntry]:
        """Menu entries to split or merge the period profile at a point, and to reset or edit all; empty if none is there."""
        found = self._found(spot)
        if found is None:
            return []
        entries: list[MenuEntry] = []
        if found.can_split:
            entries.append(MenuEntry(f"Split profile at {found.split_text}", lambda: self._split(found), "X"))
        if found.next_ns is not None:
            entries.append(MenuEntry("Merge with next profile", lambda: self._merge(found.next_ns, "next"), "M"))
        if found.start_ns is not None:
            entries.append(MenuEntry("Merge with previous profile", lambda: self._merge(found.start_ns, "previous"), "Shift+M"))
        periods = found.scene.chart.anchors.periods
        if periods is not None and periods.is_edited:
            entries.append(MenuEntry(f"Reset {periods.text} profiles", self.reset_periods, "Shift+X"))
        entries.append(MenuEntry("Period profile settings…", self.edit_periods, "Alt+P"))
        return entries

    def _at_the_mouse(self, do: Callable[[_Found], None]) -> None:
        scene = self._scene()
        if scene is None or scene.frame is None:
            return
        found = None if scene.cursor is None else self._found(chart_point_at(scene.frame, *scene.cursor))
        if found is None:
            self._say(_POINT)
        else:
            do(found)

    def _found(self, spot: ChartPoint) -> _Found | None:
        scene = self._scene()
        if scene is None or scene.frame is None or spot.bar is None:
            return None
        piece = segment_at(scene.frame, spot.bar)
        return None if piece is None else _Found(scene, piece, spot.bar)

    def _split(self, found: _Found) -> None:
        if not found.can_split:
            self._say("The profile starts at this bar. Point at a later bar to split it.")
            return
        found.scene.chart.anchors.split_period(found.bar_ns)
        self._say(f"Split at {found.split_text} (Ctrl+Z to undo)")

    def _merge(self, at_ns: int | None, which: str) -> None:
        scene = self._scene()
        if scene is None or at_ns is None:
            self._say("No profile on that side")
            return
        scene.chart.anchors.merge_periods(at_ns)
        self._say(f"Merged with the {which} profile (Ctrl+Z to undo)")

    def _show_overlay(self) -> None:
        if AnchoredProfileItem.name not in self._overlays.shown:
            self._overlays.toggle_overlay(AnchoredProfileItem.name)


class _Found:
    """The period profile at a bar, and the times at which it can be split, or merged with its neighbours.

    A split is at the bar's start `bar_ns`, if `can_split`. A merge is at the profile's start `start_ns`, or at `next_ns`, the start of
    the next profile; None if the chart has no bars of the neighbour.
    """

    def __init__(self, scene: ChartScene, piece: PeriodSegment, bar: int) -> None:
        self.scene = scene
        series = scene.chart.series
        first, end = piece.runs[0][0], piece.runs[-1][1]
        self.bar_ns = series.times.start_ns(bar)
        self.can_split = bar > first and any(begin <= bar < until for begin, until in piece.runs)
        self.start_ns = piece.start_ns if first > int(series.number[0]) else None
        periods, newest = scene.chart.anchors.periods, int(series.number[-1])
        next_ns = None if periods is None else periods.next_start_ns(piece, series.times, scene.chart.rules.hours)
        self.next_ns = next_ns if next_ns is not None and end <= newest and series.times.number(next_ns) <= newest else None

    @property
    def split_text(self) -> str:
        """The start time of the bar as text, with the date if the latest bar of the view is on another day."""
        assert self.scene.frame is not None
        return time_text(self.scene.frame, self.bar_ns)


def _inputs_of(anchors: ChartProfiles) -> ProfileSettings:
    """The settings of the shown period profiles; if none are shown, those for the next profile, with 70 % width and no extended lines.

    Period profiles do not overlap, so each can use most of the width of its period.
    """
    if anchors.periods is not None:
        return anchors.periods.inputs
    return replace(anchors.inputs, width_percent=PERIOD_WIDTH_PERCENT, extend_poc=False, extend_vah=False, extend_val=False)


def _bars_of(anchors: ChartProfiles) -> int:
    """Number of bars per period for N-bar profiles: the number in the shown period profiles if above 1, else 30."""
    return anchors.periods.bars if anchors.periods is not None and anchors.periods.bars > 1 else PERIOD_BARS


def _window(scene: ChartScene) -> QWidget | None:
    """The parent widget for dialogs: the first view that shows the scene; None if no view does."""
    return next(iter(scene.views()), None)
