"""Commands to add, select, edit, end and delete profiles on the chart, and to undo profile changes."""

from __future__ import annotations

from collections.abc import Callable

from app.profiles.chart_profiles import ChartProfiles
from app.profiles.step_names import step_text
from rendering.items.profiles.anchored_profile_item import AnchoredProfileItem
from rendering.items.profiles.placed_profile_views import profile_views, time_text
from rendering.scene.chart_point import ChartPoint
from widgets.chart.chart_menu import MenuEntry
from widgets.chart.chart_view import ChartView
from widgets.chart.profile_tool import PendingPlacement
from widgets.commands.overlays import OverlayCommands
from widgets.dialogs.profile import ProfileDialog


class AnchorCommands:
    """Commands to add, select, edit, end and delete profiles, and to undo and redo profile changes.

    Without a chart they change nothing. `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    view : callable
        Returns the chart view, None if there is no chart.
    overlays : OverlayCommands
        Used to show the overlay of profiles, if it is hidden, when a profile is added.
    say : callable
        Shows a text in the status bar.
    close_panel : callable
        Closes the Why? panel, else the panel or dialog that was opened last, if one is open.
    """

    def __init__(
        self, view: Callable[[], ChartView | None], overlays: OverlayCommands, say: Callable[[str], None], close_panel: Callable[[], None]
    ) -> None:
        self._shown = view
        self._close_panel = close_panel
        self._overlays = overlays
        self._say = say

    def place_anchor(self) -> None:
        """Let the next click on a bar start an anchored profile; cancel this if it is active already."""
        self._arm(PendingPlacement.ANCHOR)

    def menu_entries(self, spot: ChartPoint) -> list[MenuEntry]:
        """Menu entries to start an anchored profile at a point's bar, and to end a placed profile there if one covers the bar.

        Empty if the point has no bar.
        """
        view, start_ns = self._shown(), spot.time_ns
        frame = view.chart_scene.frame if view is not None else None
        if frame is None or start_ns is None:
            return []
        entries = [MenuEntry(f"Anchored profile from {time_text(frame, start_ns)}", lambda: self._anchor_at(start_ns), "A, click")]
        if view is not None and any(one.runs[0][0] <= (spot.bar or 0) < one.runs[-1][1] for one in profile_views(frame)):
            entries.append(MenuEntry("End profile at this bar", lambda: view.anchors.cut_at(spot.x), "E, Alt+click"))
        return entries

    def _anchor_at(self, start_ns: int) -> None:
        if (anchors := self._anchors) is not None:
            self._show_overlay()
            anchors.add(start_ns)

    def place_range(self) -> None:
        """Let the next drag across bars add a range profile; cancel this if it is active already."""
        self._arm(PendingPlacement.RANGE)

    def select_next_profile(self) -> None:
        """Select the placed profile added after the selected one, else the first one; without profiles, only show a hint."""
        if (anchors := self._anchors) is not None:
            anchors.select_next()
            if anchors.selected is None:
                self._say("No profiles on the chart. Press A and click a bar to add one.")

    def edit_profile(self) -> None:
        """Open the dialog of the selected profile; if none is selected, select the one added last; without profiles, show a hint."""
        anchors = self._anchors
        if anchors is None:
            return
        if anchors.selected is None and anchors.profiles:
            anchors.select(anchors.profiles[-1].key)
        if anchors.selected is None:
            self._say("No profiles on the chart. Press A and click a bar to add one.")
        else:
            ProfileDialog(anchors, anchors.selected, self._shown()).show()

    def delete_profile(self) -> None:
        """Delete the selected profile, if one is selected."""
        anchors = self._anchors
        if anchors is not None and (placed := anchors.get(anchors.selected)) is not None:
            anchors.delete(placed.key)
            self._say(f"Deleted profile {placed.name} (Ctrl+Z to undo)")

    def cut_profile(self) -> None:
        """End the profile that covers the bar under the mouse with that bar, or add a range profile up to it.

        See `ProfileTool.cut_at`. If neither is possible, only show a hint.
        """
        view = self._shown()
        if view is not None and ((cursor := view.chart_scene.cursor) is None or not view.anchors.cut_at(cursor[0])):
            self._say("Point at the bar of a profile where it should end")

    def undo(self) -> None:
        """Undo the last profile change, and show what was undone; if there is none, show a message."""
        if (anchors := self._anchors) is None:
            return
        done = anchors.all_profiles
        if anchors.undo():
            self._say(f"Undid: {step_text(anchors.all_profiles, done)} (Ctrl+Y to redo)")
        else:
            self._say("Nothing to undo")

    def redo(self) -> None:
        """Redo the profile change that was undone last, and show what was redone; if there is none, show a message."""
        if (anchors := self._anchors) is None:
            return
        before = anchors.all_profiles
        if anchors.redo():
            self._say(f"Redid: {step_text(before, anchors.all_profiles)}")
        else:
            self._say("Nothing to redo")

    def step_back(self) -> None:
        """Cancel an active placement, else clear a selection, else leave the pinned as-of view, else close a panel or dialog."""
        view = self._shown()
        if view is None or not view.anchors.step_back():
            self._close_panel()
        if view is not None:
            view.show_cursor()

    def _arm(self, armed: PendingPlacement) -> None:
        view = self._shown()
        if view is not None:
            self._show_overlay()
            view.anchors.arm(armed)
            view.show_cursor()
            self._say(view.anchors.armed.value)

    def _show_overlay(self) -> None:
        if AnchoredProfileItem.name not in self._overlays.shown:
            self._overlays.toggle_overlay(AnchoredProfileItem.name)

    @property
    def _anchors(self) -> ChartProfiles | None:
        view = self._shown()
        return None if view is None else view.chart_scene.chart.anchors
