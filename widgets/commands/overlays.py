"""The command that shows and hides overlays, and saves the choice."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QAction

from app.errors import TapeprintError
from rendering.items.overlays import overlays, write_shown
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene


class OverlayCommands:
    """The visible overlays of a window, the same for every chart in it, and the command that changes them.

    `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    shown : frozenset of str
        Names of the overlays that are visible at the start.
    scene : callable
        Returns the chart in view, None if there is none.
    remember : callable
        Called with the visible overlays, in the format of the settings, whenever the user changes them.
    on_error : callable
        Called with an error text if the choice cannot be saved.
    """

    def __init__(
        self,
        shown: frozenset[str],
        scene: Callable[[], ChartScene | None],
        remember: Callable[[str], None],
        on_error: Callable[[str], None],
    ) -> None:
        self.shown = shown
        self._scene, self._remember, self._on_error = scene, remember, on_error
        self._actions: Mapping[str, QAction] = {}

    def toggle_overlay(self, name: str) -> None:
        """Show the named overlay if it is hidden, hide it if it is visible, and save the choice."""
        self.shown = self.shown ^ {name}
        scene = self._scene()
        if scene is not None:
            scene.show_only(self.shown)
        self._check()
        try:
            self._remember(write_shown(self.shown, LAYERS))
        except TapeprintError as error:
            self._on_error(error.user_message)

    def take_actions(self, actions: Mapping[str, QAction]) -> None:
        """Store the window's actions; from now on, the menu entries of visible overlays have a check mark."""
        self._actions = actions
        self._check()

    def _check(self) -> None:
        for layer in overlays(LAYERS):
            self._actions[f"toggle_overlay {layer.name}"].setChecked(layer.name in self.shown)
