"""API keys for paid history, from the environment or the system's keyring.

Keys are never read from a file, nor written to a file or log.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any, NoReturn

from app.errors import BadInputError

_KEYRING_NAME = "tapeprint"
_LONGEST = 500


class Secret:
    """A secret text that only `reveal` returns; `repr` hides it, and pickling raises `TypeError`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret text; use it only in a request header."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")


def api_key(service: str, environ: Mapping[str, str] | None = None) -> Secret | None:
    """The API key for a service, `"tardis"` or `"kaiko"`; None if the user has set none.

    The environment (`TAPEPRINT_TARDIS_KEY`) comes before the keyring (entry `tardis` of `tapeprint`), which is used only where
    the library `keyring` is installed. May block until the user unlocks the keyring: call it off the event loop.

    Raises
    ------
    BadInputError
        If the text found is not a valid key; the message does not repeat it.
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
    """Name of the environment variable for the API key of a service."""
    return f"TAPEPRINT_{service.upper()}_KEY"


def _from_keyring(service: str) -> str | None:
    try:
        keyring: Any = importlib.import_module("keyring")  # an optional dependency; on Linux it may find no backend
        return keyring.get_password(_KEYRING_NAME, service)
    except Exception:  # any error of a backend means no key; its text may hold secrets, so it is not logged
        return None
