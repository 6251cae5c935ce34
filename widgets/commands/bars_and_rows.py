"""Commands that change the bars and rows of the chart."""

from __future__ import annotations

from collections.abc import Callable

from app.market.bar_rule import BarRule
from app.workspace import Workspace
from widgets.commands.size_steps import next_bar_rule, next_ticks_per_row


class ChartCommands:
    """Commands for longer and shorter bars, coarser and finer rows.

    The table in `widgets.commands.table` picks its methods.

    Parameters
    ----------
    workspace : Workspace
        Receives the changes.
    choose_bar : callable
        Called with another bar type.
    """

    def __init__(self, workspace: Workspace, choose_bar: Callable[[BarRule], None]) -> None:
        self._workspace, self._choose_bar = workspace, choose_bar

    def next_bar_rule(self) -> None:
        """Change to the next longer bar."""
        self._step_bar_rule(1)

    def previous_bar_rule(self) -> None:
        """Change to the next shorter bar."""
        self._step_bar_rule(-1)

    def coarser_rows(self) -> None:
        """Change to about twice as many ticks per row."""
        self._step_rows(1)

    def finer_rows(self) -> None:
        """Change to about half as many ticks per row."""
        self._step_rows(-1)

    def _step_bar_rule(self, step: int) -> None:
        if self._workspace.chart is not None:
            self._choose_bar(next_bar_rule(self._workspace.choice.bar_rule, step))

    def _step_rows(self, step: int) -> None:
        chart = self._workspace.chart
        if chart is not None:
            self._workspace.change(ticks_per_row=next_ticks_per_row(self._workspace.choice.ticks_per_row or chart.spec.ticks_per_row, step))
