"""Commands that combine profiles into composites."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from app.errors import BadInputError
from app.profiles.placed_profile import PlacedProfile
from rendering.items.profiles.placed_profile_views import profile_views, segment_at, segment_profile, visible_segments, when_text
from rendering.scene.chart_point import ChartPoint
from rendering.scene.scene import ChartScene
from widgets.chart.chart_menu import MenuEntry
from widgets.chart.chart_view import ChartView
from widgets.chart.profile_tool import ProfileTool
from widgets.dialogs.composite import CompositeDialog

_HOW = "Ctrl+click flags or period profiles, or press J over them"


class CompositeCommands:
    """Commands to select profiles and combine them into a composite; without a chart they do nothing.

    `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    view : callable
        Returns the chart view, None if there is no chart.
    say : callable
        Shows a text in the status bar.
    """

    def __init__(self, view: Callable[[], ChartView | None], say: Callable[[str], None]) -> None:
        self._shown, self._say = view, say

    def choose_profile(self) -> None:
        """Add the profile under the mouse, else the selected profile, to the composite selection, or remove it if selected already.

        If there is neither, only show a hint.
        """
        found = self._tool_and_scene()
        if found is None:
            return
        tool, scene = found
        anchors = scene.chart.anchors
        selected = anchors.get(anchors.selected)
        if scene.cursor is not None and tool.choose_at(*scene.cursor):
            pass
        elif selected is not None:
            anchors.choose(selected)
        else:
            self._say(f"No profile here. {_HOW}")
            return
        self._report(anchors.chosen)

    def compose_profiles(self) -> None:
        """Combine the profiles of the composite selection into a new composite; with fewer than two, only show an error."""
        found = self._tool_and_scene()
        if found is None:
            return
        anchors = found[1].chart.anchors
        try:
            made = anchors.get(anchors.compose())
        except BadInputError as error:
            self._say(f"{error.user_message}. {_HOW}")
            return
        if made is not None:
            self._say(f"{made.name} combines {', '.join(made.parts)}")

    def choose_from_list(self) -> None:
        """Open the dialog to select and combine profiles from a list of the placed profiles and the period profiles in view."""
        if (found := self._tool_and_scene()) is not None:
            scene = found[1]
            if (frame := scene.frame) is None:
                return
            periods = [segment_profile(frame, piece) for piece in visible_segments(frame)]
            CompositeDialog(scene.chart.anchors, periods, partial(when_text, frame), self.compose_profiles, self._shown()).show()

    def menu_entries(self, spot: ChartPoint) -> list[MenuEntry]:
        """Menu entries to select or deselect each profile at a point for a composite, and to combine two or more selected ones."""
        found = self._tool_and_scene()
        if found is None:
            return []
        scene = found[1]
        anchors = scene.chart.anchors
        entries: list[MenuEntry] = []
        for placed in _profiles_at(scene, spot):
            text = f"Deselect {placed.name}" if anchors.is_chosen(placed) else f"Select {placed.name} for a composite"
            entries.append(MenuEntry(text, partial(anchors.choose, placed), "Ctrl+click"))
        if len(anchors.chosen) > 1:
            names = ", ".join(one.name for one in anchors.chosen)
            entries.append(MenuEntry(f"Combine {names}", self.compose_profiles, "Shift+J"))
        return entries

    def _report(self, chosen: tuple[PlacedProfile, ...]) -> None:
        names = ", ".join(placed.name for placed in chosen)
        self._say(f"Selected: {names} (Shift+J to combine)" if names else "No profiles selected")

    def _tool_and_scene(self) -> tuple[ProfileTool, ChartScene] | None:
        view = self._shown()
        return None if view is None else (view.anchors, view.chart_scene)


def _profiles_at(scene: ChartScene, spot: ChartPoint) -> list[PlacedProfile]:
    """The profiles that cover the bar at a point: placed profiles, topmost first, then the period profile; empty without a bar."""
    frame, bar = scene.frame, spot.bar
    if frame is None or bar is None:
        return []
    views = [view.placed for view in reversed(profile_views(frame)) if view.runs[0][0] <= bar < view.runs[-1][1]]
    piece = segment_at(frame, bar)
    return views if piece is None else [*views, segment_profile(frame, piece)]
