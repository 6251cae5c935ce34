"""Commands that change the bar size and the row size of the chart."""

from __future__ import annotations

from collections.abc import Callable

from app.market.bar_rule import BarRule
from app.workspace import Workspace
from widgets.commands.size_steps import next_bar_rule, next_ticks_per_row


class ChartCommands:
    """Commands for longer and shorter bars, coarser and finer rows; without a chart they do nothing.

    `widgets.commands.table` assigns the methods to menu entries and keys.

    Parameters
    ----------
    workspace : Workspace
        Receives the changes.
    choose_bar : callable
        Called with the new bar type.
    """

    def __init__(self, workspace: Workspace, choose_bar: Callable[[BarRule], None]) -> None:
        self._workspace, self._choose_bar = workspace, choose_bar

    def next_bar_rule(self) -> None:
        """Change to the next longer bars of the same kind, e.g. from 1m to 3m; the longest bars stay."""
        self._step_bar_rule(1)

    def previous_bar_rule(self) -> None:
        """Change to the next shorter bars of the same kind, e.g. from 3m to 1m; the shortest bars stay."""
        self._step_bar_rule(-1)

    def coarser_rows(self) -> None:
        """Change to the next larger number of ticks per row in the series 1, 2, 5, 10, …; the largest stays."""
        self._step_rows(1)

    def finer_rows(self) -> None:
        """Change to the next smaller number of ticks per row in the series 1, 2, 5, 10, …; 1 stays."""
        self._step_rows(-1)

    def _step_bar_rule(self, step: int) -> None:
        if self._workspace.chart is not None:
            self._choose_bar(next_bar_rule(self._workspace.choice.bar_rule, step))

    def _step_rows(self, step: int) -> None:
        chart = self._workspace.chart
        if chart is not None:
            self._workspace.change(ticks_per_row=next_ticks_per_row(self._workspace.choice.ticks_per_row or chart.spec.ticks_per_row, step))
