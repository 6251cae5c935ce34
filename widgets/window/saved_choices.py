"""What the user chooses by hand and finds again at the next start; a flag of the command line is no such choice."""

from __future__ import annotations

from collections.abc import Callable

from app.errors import TapeprintError
from app.market.bar_rule import BarRule


class SavedChoices:
    """The memory of choices.

    Parameters
    ----------
    remember : callable
        Called with section, name and value of a setting.
    on_error : callable
        Called with a line that says why it cannot be remembered.
    """

    def __init__(self, remember: Callable[[str, str, str], None], on_error: Callable[[str], None]) -> None:
        self._remember, self._on_error = remember, on_error
        self._wished: BarRule | None = None

    def save(self, section: str, name: str, value: str) -> None:
        """Remember one setting."""
        try:
            self._remember(section, name, value)
        except TapeprintError as error:
            self._on_error(error.user_message)

    def request_bar(self, rule: BarRule) -> None:
        """The user asked for a bar; it is remembered once a chart shows it: one that was refused is not worth a start with it."""
        self._wished = rule

    def bar_shown(self, shown: BarRule) -> None:
        """A chart shows a bar."""
        if shown == self._wished:
            self._wished = None
            self.save("chart", "bar", shown.text)
