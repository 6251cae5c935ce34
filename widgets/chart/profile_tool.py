"""Mouse handling for profiles: after a command, a click or drag adds a profile; dragging a profile's flag moves its start or end.

It has precedence over panning: `press`, `move`, `release` and `double_click` return True if they handled the event.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable

from PySide6.QtCore import Qt

from app.profiles.placed_profile import PlacedProfile
from rendering.items.profiles.anchor_flag_item import Flag, flag_at
from rendering.items.profiles.placed_profile_views import profile_views, segment_at, segment_profile, when_text
from rendering.scene.scene import ChartScene


class PendingPlacement(enum.Enum):
    """The kind of profile, if any, that the next press on the chart adds; the value is the hint for the user."""

    NOTHING = ""
    ANCHOR = "Click the bar where the profile starts (Esc to cancel)"
    RANGE = "Drag across the bars to profile (Esc to cancel)"


class ProfileTool:
    """Mouse handling for the profiles of one chart.

    Parameters
    ----------
    scene : ChartScene
        The chart.
    say : callable
        Called with the result as text, and with an empty text when the tool is cancelled.

    Attributes
    ----------
    armed : PendingPlacement
        The kind of profile that the next press adds.
    """

    def __init__(self, scene: ChartScene, say: Callable[[str], None] = lambda line: None) -> None:
        self._say = say
        self.armed = PendingPlacement.NOTHING
        self._scene = scene
        self._held: Flag | None = None
        self._range: tuple[int, int] | None = None  # key, and number of the bar where the drag started
        self._hovers = self._moved = False

    @property
    def cursor(self) -> Qt.CursorShape:
        """The shape of the mouse cursor: a double arrow at a flag, a hand if the next press adds a profile, else a cross."""
        if self._held is not None or self._hovers:
            return Qt.CursorShape.SizeHorCursor
        return Qt.CursorShape.CrossCursor if self.armed is PendingPlacement.NOTHING else Qt.CursorShape.PointingHandCursor

    def arm(self, armed: PendingPlacement) -> None:
        """Let the next press add a profile of a kind; if that kind is active already, cancel it."""
        self.armed = PendingPlacement.NOTHING if self.armed is armed else armed

    def press(self, x: float, y: float, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> bool:
        """Handle a button press: add a profile if `armed`, else grab the flag there; return True if the press acted on a profile.

        Unless `armed`, Ctrl adds the profile there to the composite selection or removes it, and Alt ends a profile at the bar there.
        """
        frame = self._scene.frame
        if frame is None or not frame.layout.price.holds(x, y):
            return False
        anchors = self._scene.chart.anchors
        if self.armed is PendingPlacement.NOTHING and keys == Qt.KeyboardModifier.ControlModifier:
            return self.choose_at(x, y)
        if self.armed is PendingPlacement.NOTHING and keys == Qt.KeyboardModifier.AltModifier:
            return self.cut_at(x)
        if self.armed is not PendingPlacement.NOTHING:
            anchors.begin_gesture()
            bar = self._bar_at(x)
            if self.armed is PendingPlacement.ANCHOR:
                key = anchors.add(self._start_ns(bar))
                anchors.end_gesture()
                self._report(key)
            else:
                self._range = anchors.add(self._start_ns(bar), self._start_ns(bar + 1)), bar
                self._moved = True
            self.armed = PendingPlacement.NOTHING
            return True
        flag = self._flag_at(x, y)
        if flag is None:
            return False
        self._held = flag
        anchors.select(flag.key)
        anchors.begin_gesture()
        return True

    def move(self, x: float, y: float) -> bool:
        """Handle a mouse move: drag the new range or the grabbed flag to the bar under the mouse; return False if nothing is dragged."""
        anchors = self._scene.chart.anchors
        if self._range is not None:
            key, begin = self._range
            first, last = sorted((begin, self._bar_at(x)))
            anchors.move(key, self._start_ns(first), self._start_ns(last + 1))
            return True
        if self._held is not None:
            placed = anchors.get(self._held.key)
            if placed is not None:
                self._drag(placed, self._bar_at(x), end=self._held.end)
                self._moved |= anchors.get(placed.key) != placed
            return True
        self._hovers = self._flag_at(x, y) is not None
        return False

    def release(self) -> bool:
        """Handle a button release: end a drag, and report the profile's time range if it changed; return False if no drag had begun."""
        key = self._range[0] if self._range is not None else self._held.key if self._held is not None else None
        moved = self._moved
        self._held = self._range = None
        self._moved = False
        if key is None:
            return False
        self._scene.chart.anchors.end_gesture()
        if moved:
            self._report(key)
        return True

    def double_click(self, x: float, y: float) -> bool:
        """Handle a double click: on a flag, select the flag's profile and return True; elsewhere return False."""
        flag = self._flag_at(x, y)
        if flag is not None:
            self._scene.chart.anchors.select(flag.key)
        return flag is not None

    def choose_at(self, x: float, y: float) -> bool:
        """Add the profile at a point to the composite selection, or remove it if selected already; return False if no profile is there.

        The profile at a point is the one whose flag is there, else the period profile of the bar.
        """
        frame, anchors = self._scene.frame, self._scene.chart.anchors
        if frame is None:
            return False
        flag = flag_at(frame, x, y)
        placed = anchors.get(flag.key) if flag is not None else None
        if placed is None and (piece := segment_at(frame, math.floor(self._scene.viewport.bar_at(x)))) is not None:
            placed = segment_profile(frame, piece)
        if placed is not None:
            anchors.choose(placed)
        return placed is not None

    def cut_at(self, x: float) -> bool:
        """End the profile that covers the bar at `x` with that bar, or add a range profile up to it; return False if neither is possible.

        If several profiles cover the bar, the selected one counts, else the topmost; it is selected. If none does, a range profile is
        added from the start of the period profile there. Without a period profile, and right of the latest bar, neither is possible.
        """
        frame, anchors = self._scene.frame, self._scene.chart.anchors
        if frame is None:
            return False
        bar = math.floor(self._scene.viewport.bar_at(x))
        if bar > self._last_bar():
            return False
        end_ns = self._start_ns(bar + 1)
        for view in reversed(profile_views(frame)):
            if view.runs[0][0] <= bar < view.runs[-1][1]:
                anchors.begin_gesture()
                anchors.cut(view.placed.key, end_ns)
                anchors.end_gesture()
                anchors.select(view.placed.key)
                self._report(view.placed.key)
                return True
        piece = segment_at(frame, bar)
        if piece is None:
            return False
        self._report(anchors.add(self._start_ns(piece.runs[0][0]), end_ns))
        return True

    def nudge(self, bars: int, *, end: bool = False) -> bool:
        """Move the selected profile's start, or with `end` the end of a range, by a number of bars; return False if none is selected.

        A range keeps at least one bar, an anchored profile starts at the latest bar or before.
        """
        anchors = self._scene.chart.anchors
        placed = anchors.get(anchors.selected)
        if placed is None:
            return False
        times = self._scene.chart.series.times
        if end and placed.end_ns is not None:
            self._drag(placed, times.number(placed.end_ns - 1) + bars, end=True)
        else:
            self._drag(placed, times.number(placed.start_ns) + bars, end=False)
        self._report(placed.key)
        return True

    def step_back(self) -> bool:
        """Cancel an active placement, else the composite selection, else the profile selection, else the pinned as-of view.

        Return False if there is nothing to cancel.
        """
        anchors = self._scene.chart.anchors
        if self.armed is not PendingPlacement.NOTHING:
            self.armed = PendingPlacement.NOTHING
            self._say("")
        elif anchors.chosen:
            anchors.choose_none()
        elif anchors.selected is not None:
            anchors.select(None)
        elif self._scene.as_of.kept_ns is not None:
            self._scene.as_of.kept_ns = None
        else:
            return False
        return True

    def _report(self, key: int) -> None:
        """Report the name and the time range of a profile as a line for the status bar."""
        frame, placed = self._scene.frame, self._scene.chart.anchors.get(key)
        if frame is not None and placed is not None:
            self._say(f"{placed.name} from {when_text(frame, placed)}")

    def _drag(self, placed: PlacedProfile, bar: int, *, end: bool) -> None:
        """Move the start of a profile, or with `end` the end of a range, to a bar, within limits.

        A range keeps at least one bar, an anchored profile starts at the latest bar or before.
        """
        times, anchors = self._scene.chart.series.times, self._scene.chart.anchors
        if end and placed.end_ns is not None:
            bar = max(bar, times.number(placed.start_ns))
            anchors.move(placed.key, placed.start_ns, self._start_ns(bar + 1))
            return
        last = self._last_bar() if placed.end_ns is None else times.number(placed.end_ns - 1)
        anchors.move(placed.key, self._start_ns(min(bar, last)), placed.end_ns)

    def _bar_at(self, x: float) -> int:
        """The number of the bar at a horizontal position; right of the latest bar, the number of the latest bar."""
        return min(math.floor(self._scene.viewport.bar_at(x)), self._last_bar())

    def _last_bar(self) -> int:
        series = self._scene.chart.series
        return int(series.number[-1]) if series.n_bars else 0

    def _start_ns(self, bar: int) -> int:
        return self._scene.chart.series.times.start_ns(bar)

    def _flag_at(self, x: float, y: float) -> Flag | None:
        frame = self._scene.frame
        return None if frame is None else flag_at(frame, x, y)
