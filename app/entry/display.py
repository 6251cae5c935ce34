"""A check that there is a display to open a window on."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from app.errors import NoDisplayError


def require_display(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> None:
    """Raise `NoDisplayError` if there is no display to open a window on.

    Without this check Qt aborts the process with a page of text.

    Raises
    ------
    NoDisplayError
        If there is none; the message names a command that needs no display.
    """
    environ = os.environ if environ is None else environ
    if platform in ("win32", "darwin") or environ.get("QT_QPA_PLATFORM"):
        return
    if not environ.get("DISPLAY") and not environ.get("WAYLAND_DISPLAY"):
        raise NoDisplayError("no display available; `tapeprint snapshot demo -o chart.png` saves a chart without one")
