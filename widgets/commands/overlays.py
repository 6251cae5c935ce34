"""The command that shows and hides overlays, and the memory of which are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QAction

from app.errors import TapeprintError
from rendering.items.overlays import overlays, write_shown
from rendering.scene.layers import LAYERS
from rendering.scene.scene import ChartScene


class OverlayCommands:
    """Which overlays the window shows, whatever chart it shows; its method's name stands in `widgets.commands.actions`.

    Parameters
    ----------
    shown : frozenset of str
        What is shown to begin with.
    scene : callable
        The chart that is looked at, None while there is none.
    remember : callable
        Called with what is shown, as settings write it, whenever the user changes it.
    on_error : callable
        Called with a line that says why it cannot be remembered.
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
        """Show an overlay, or hide it."""
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
        """The window's commands, see `widgets.commands.actions`: those of overlays show by a check mark what is shown."""
        self._actions = actions
        self._check()

    def _check(self) -> None:
        for layer in overlays(LAYERS):
            self._actions[f"toggle_overlay {layer.name}"].setChecked(layer.name in self.shown)
