"""Commands that change calculation settings, and save them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import structs
from PySide6.QtWidgets import QWidget

from app.errors import TapeprintError
from app.settings.calculation import CELLS, COLOURINGS, CalculationSettings, CvdSettings
from app.workspace import Workspace
from widgets.dialogs.calculation import CalculationDialog

_T = TypeVar("_T")


class RuleCommands:
    """Commands for cell colouring, footprint style, CVD reset and the settings dialog; changes are saved.

    `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    window : QWidget
        Parent of the dialog.
    workspace : Workspace
        Has the chart; without one, the settings apply to the next chart.
    remember : callable
        Called with the old and the new settings whenever the user has changed them.
    on_error : callable
        Called with an error text if the settings cannot be saved.
    """

    def __init__(
        self,
        window: QWidget,
        workspace: Workspace,
        remember: Callable[[CalculationSettings, CalculationSettings], None],
        on_error: Callable[[str], None],
    ) -> None:
        self._window, self._workspace = window, workspace
        self._remember, self._on_error = remember, on_error

    def next_colouring(self) -> None:
        """Change to the next cell colouring: volume, delta, imbalance, then volume again."""
        cells = self._workspace.rules.cells
        self._change_with(cells=structs.replace(cells, colouring=_after(COLOURINGS, cells.colouring)))

    def next_cells(self) -> None:
        """Change to the next footprint style, i.e. what the cells show; after the last style comes the first."""
        cells = self._workspace.rules.cells
        self._change_with(cells=structs.replace(cells, cells=_after(CELLS, cells.cells)))

    def toggle_cvd_reset(self) -> None:
        """Switch between a CVD that is reset each session and one that is never reset."""
        self._change_with(cvd=CvdSettings(reset="never" if self._workspace.rules.cvd.reset == "session" else "session"))

    def edit_rules(self) -> None:
        """Open the dialog of the calculation settings, or bring it to the front if it is open."""
        dialog = next(iter(self._window.findChildren(CalculationDialog)), None)
        dialog = dialog or CalculationDialog(lambda: self._workspace.rules, self._change, self._window)
        dialog.refresh()
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def _change_with(self, **parts: object) -> None:
        self._change(structs.replace(self._workspace.rules, **parts))
        for dialog in self._window.findChildren(CalculationDialog):
            dialog.refresh()

    def _change(self, rules: CalculationSettings) -> None:
        before = self._workspace.rules
        self._workspace.set_rules(rules)
        try:
            self._remember(before, rules)
        except TapeprintError as error:
            self._on_error(error.user_message)


def _after(choices: Sequence[_T], chosen: _T) -> _T:
    return choices[(choices.index(chosen) + 1) % len(choices)]
