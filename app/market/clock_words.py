"""The notice for the user that this machine's clock is fast or slow."""

from __future__ import annotations

_SAID_FROM_NS = 2_000_000_000
"""Smaller offsets are corrected without a word."""


def clock_words(ahead_ns: int) -> str:
    """A notice for the user if this machine's clock is at least 2 s ahead of the venue's or behind the venue's; else empty.

    >>> clock_words(600_000_000_000)
    'your clock is 10 min fast; displayed lags are corrected for it'
    """
    if abs(ahead_ns) < _SAID_FROM_NS:
        return ""
    seconds = round(abs(ahead_ns) / 1e9)
    size = f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min" if seconds < 7200 else f"{round(seconds / 3600)} h"
    return f"your clock is {size} {'fast' if ahead_ns > 0 else 'slow'}; displayed lags are corrected for it"
