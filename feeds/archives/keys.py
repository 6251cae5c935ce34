"""Keys for paid history: from the environment, or the system's keyring; never from or into a file or a log."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, NoReturn

from app.errors import BadInputError

_KEYRING_NAME = "tapeprint"
_LONGEST = 500


class Secret:
    """A text that shows itself to nobody who does not ask for it by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text; for a request's header and nothing else."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def api_key(service: str, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The key for a service, `"tardis"` or `"kaiko"`; None where there is none.

    The environment (`TAPEPRINT_TARDIS_KEY`) goes before the keyring (an entry `tardis` of `tapeprint`), which is asked
    only where the library `keyring` is installed. May wait for the user to unlock it: call it off the event loop.

    Raises
    ------
    BadInputError
        If what was found cannot be a key; it is not repeated.
    """
    name = key_variable(service)
    text = (os.environ if environ is None else environ).get(name, "").strip()
    if not text:
        name = f"{service} in the system's keyring"
        text = (_from_keyring(service) or "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isprintable() and " " not in text and len(text) <= _LONGEST):
        raise BadInputError(f"{name}: not a valid key, expected letters, digits and symbols without spaces")
    return Secret(text)


def key_variable(service: str) -> str:
    """The environment variable that holds the key of a service."""
    return f"TAPEPRINT_{service.upper()}_KEY"


def _from_keyring(service: str) -> str | None:
    try:
        keyring: Any = importlib.import_module("keyring")  # an extra; on Linux it may find no backend
        return keyring.get_password(_KEYRING_NAME, service)
    except Exception:  # whatever a backend raises, there is no key; its text may hold anything, so it goes nowhere
        return None
