"""Saves settings that the user changes in the window, for the next start.

Settings from flags of the command line are not saved.
"""

from __future__ import annotations

from collections.abc import Callable

from app.errors import TapeprintError
from app.market.bar_rule import BarRule


class SavedChoices:
    """Saves the settings that the user changes in the window, and reports errors.

    Parameters
    ----------
    remember : callable
        Called with section, name and value of a setting.
    on_error : callable
        Called with an error text if saving fails.
    """

    def __init__(self, remember: Callable[[str, str, str], None], on_error: Callable[[str], None]) -> None:
        self._remember, self._on_error = remember, on_error
        self._requested: BarRule | None = None

    def save(self, section: str, name: str, value: str) -> None:
        """Save one setting; report an error if that fails."""
        try:
            self._remember(section, name, value)
        except TapeprintError as error:
            self._on_error(error.user_message)

    def request_bar(self, rule: BarRule) -> None:
        """Remember a requested bar type, to save it once a chart shows it.

        A bar type that was refused must not be used at the next start.
        """
        self._requested = rule

    def bar_shown(self, shown: BarRule) -> None:
        """Save the bar type that a chart shows, if it is the one requested last and not saved yet."""
        if shown == self._requested:
            self._requested = None
            self.save("chart", "bar", shown.text)
