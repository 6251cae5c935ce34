"""Which trades share a bar."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from app.errors import BadInputError

NS_PER_S = 1_000_000_000
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class BarRule:
    """Time bars: bar `k` holds the trades of `[k * length, (k + 1) * length)` since 1970 UTC.

    A trade exactly on an edge opens the later bar.
    """

    length_ns: int

    def __post_init__(self) -> None:
        if self.length_ns < NS_PER_S:
            raise BadInputError(f"bar: found {self.length_ns} ns, expected at least 1 s")

    def numbers(self, time_ns: np.ndarray) -> np.ndarray:
        """The bar number of each trade time, int64, shape as given."""
        return np.floor_divide(time_ns, self.length_ns)

    def number(self, time_ns: int) -> int:
        """The bar number of one time."""
        return int(time_ns) // self.length_ns

    def start_ns(self, number: int) -> int:
        """When a bar begins; it ends where the next begins."""
        return int(number) * self.length_ns

    @property
    def text(self) -> str:
        """As written on the command line: `15s`, `1m`, `4h`, `1d`."""
        seconds = self.length_ns // NS_PER_S
        for unit in ("d", "h", "m"):
            if seconds % _UNIT_S[unit] == 0:
                return f"{seconds // _UNIT_S[unit]}{unit}"
        return f"{seconds}s"


def parse_bar_rule(text: str) -> BarRule:
    """The rule written as `15s`, `1m`, `4h` or `1d`.

    Raises
    ------
    BadInputError
        If the text is none of these, or longer than a week.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text)
    seconds = int(match[1]) * _UNIT_S[match[2]] if match else 0
    if not 0 < seconds <= 7 * 86_400:
        raise BadInputError(f"bar: found {text!r}, expected a time such as 15s, 1m, 4h or 1d, up to 7d")
    return BarRule(seconds * NS_PER_S)
