"""Bar rules: the division of the tape into bars by time, trades, volume, delta or range."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

import numpy as np

from app.errors import BadInputError
from app.market.arrays import Int64Array

NS_PER_S = 1_000_000_000
DAY_NS = 86_400 * NS_PER_S
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_DAYS = 7
_MAX_SIZE = Decimal(10) ** 12


class BarKind(enum.StrEnum):
    """The kinds of bars: by time, trades, volume, delta or range.

    The value is the letter in a rule's text, e.g. `t` in `500t`; time bars also have the letters `m`, `h` and `d`.
    """

    TIME = "s"
    TRADES = "t"
    VOLUME = "v"
    DELTA = "d"
    RANGE = "r"


_TITLES = {BarKind.TRADES: "{} trades", BarKind.VOLUME: "volume {}", BarKind.DELTA: "delta {}", BarKind.RANGE: "range {} ticks"}


@dataclass(frozen=True, slots=True)
class BarRule:
    """The rule that divides the tape into bars: by time, or by trades, volume, delta or range.

    Time: bar `k` has the trades of `[k * length, (k + 1) * length)` since 1970 UTC; a trade exactly on an edge opens the
    later bar.

    The other rules count in the order of the tape and restart with the first trade of each UTC day, so that a day's bars do not
    depend on earlier days; if only a part of a day is loaded, they count from its first loaded trade. A trade is never split: it
    belongs to one bar, however large it is, and its excess is not carried over.

    - trades: a bar is complete with `size` trades;
    - volume: with the trade that brings its volume to `size` or more;
    - delta: with the trade that brings its delta, from 0, to `size` or more on either side;
    - range: high minus low is at most `size` ticks; the trade that would exceed it opens the next bar. Prices that are
      jumped over make no bars.

    Attributes
    ----------
    length_ns : int
        Length of a time bar; 0 for the other rules.
    kind : BarKind
    size : Decimal
        Trades, units of quantity, or ticks; 0 for time bars.

    Raises
    ------
    BadInputError
        If a time bar is shorter than 1 s, or another bar's size is not above 0 and at most 10^12.
    """

    length_ns: int
    kind: BarKind = BarKind.TIME
    size: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        if self.is_time and self.length_ns < NS_PER_S:
            raise BadInputError(f"bar: found {self.length_ns} ns, expected at least 1 s")
        if not self.is_time and not 0 < self.size <= _MAX_SIZE:
            raise BadInputError(f"bar: found a size of {self.size}, expected more than 0 and at most {_MAX_SIZE:,}")

    @classmethod
    def counted(cls, kind: BarKind, size: Decimal | int | str) -> BarRule:
        """Make a rule for bars by trades, volume, delta or range; raises `BadInputError` if the size is 0 or less, or above 10^12."""
        return cls(0, kind, Decimal(size))

    @property
    def is_time(self) -> bool:
        """True for bars of a fixed time length, False for bars by trades, volume, delta or range."""
        return self.kind is BarKind.TIME

    # -- time bars only --------------------------------------------------------------------------

    def numbers(self, time_ns: Int64Array) -> Int64Array:
        """The number of the time bar that contains each time, counted from 1970 UTC; int64, in the shape of `time_ns`.

        Raises `TypeError` if the rule is not by time; for other bars see `FootprintSeries.times`.
        """
        return np.floor_divide(time_ns, self._length())

    def number(self, time_ns: int) -> int:
        """The number of the time bar that contains a time; raises `TypeError` if the rule is not by time."""
        return int(time_ns) // self._length()

    def start_ns(self, number: int) -> int:
        """Start time of the time bar with this number, in ns; raises `TypeError` if the rule is not by time."""
        return int(number) * self._length()

    # -- all rules -------------------------------------------------------------------------------

    @property
    def period_ns(self) -> int:
        """Length in ns of the period within which bars depend on each other: one bar for time bars, one UTC day for other bars."""
        return self.length_ns if self.is_time else DAY_NS

    def periods(self, time_ns: Int64Array) -> Int64Array:
        """The number of the period (see `period_ns`) that contains each time, int64, in the shape of `time_ns`."""
        return np.floor_divide(time_ns, self.period_ns)

    def period_start_ns(self, time_ns: int) -> int:
        """Start time in ns of the period (see `period_ns`) that contains a time."""
        return int(time_ns) // self.period_ns * self.period_ns

    def threshold(self, lot_size: Decimal) -> int:
        """The bar size as an integer: number of trades, ticks of range, or lots (rounded up) for volume and delta; 0 for time bars."""
        if self.kind in (BarKind.TRADES, BarKind.RANGE):
            return int(self.size)
        return int((self.size / lot_size).to_integral_value(ROUND_CEILING))

    @property
    def text(self) -> str:
        """The rule as text that `parse_bar_rule` reads, e.g. `15s`, `1m`, `4h`, `1d`, `500t`, `50d` or `5delta`."""
        if not self.is_time:
            size = f"{self.size.normalize():f}"
            days = self.kind is BarKind.DELTA and self.size <= _LONGEST_DAYS and size.isdigit()
            return f"{size}delta" if days else f"{size}{self.kind.value}"
        seconds = self.length_ns // NS_PER_S
        for unit in ("d", "h", "m"):
            if seconds % _UNIT_S[unit] == 0:
                return f"{seconds // _UNIT_S[unit]}{unit}"
        return f"{seconds}s"

    @property
    def title(self) -> str:
        """The rule as shown on the chart, e.g. `1m`, `500 trades` or `delta 50`."""
        return self.text if self.is_time else _TITLES[self.kind].format(f"{self.size.normalize():f}")

    def _length(self) -> int:
        if not self.is_time:
            raise TypeError(f"bars of {self.title}: ask the series for times, the rule does not know them")
        return self.length_ns


def parse_bar_rule(text: str) -> BarRule:
    """Parse a bar rule from text, e.g. `15s`, `4h`, `500t` or `100v`.

    Written as `15s`, `1m`, `4h` or `1d`, `500t` (trades), `100v` (volume), `40r` (range in ticks) or `50d` (delta).

    `d` means days up to `7d`, the longest time bar; a larger number or a fraction is a delta, and `5delta` (also `5Δ`) is a delta
    of any size. Only volume and delta may be fractions (`0.5v`).

    Raises
    ------
    BadInputError
        If the text is none of these, is a time longer than a week, or has too many digits.
    """
    if match := re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text):
        seconds = int(match[1]) * _UNIT_S[match[2]]
        if seconds <= _LONGEST_DAYS * 86_400:
            return BarRule(seconds * NS_PER_S)
    if match := re.fullmatch(r"([1-9][0-9]{0,8})([tr])", text):
        return BarRule.counted(BarKind(match[2]), match[1])
    if (match := re.fullmatch(r"((?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?)(v|d|delta|Δ)", text)) and Decimal(match[1]):
        return BarRule.counted(BarKind.VOLUME if match[2] == "v" else BarKind.DELTA, match[1])
    raise BadInputError(
        f"bar: found {text[:40]!r}, expected a time such as 15s, 1m, 4h or 1d, up to 7d, or 500t (trades), 100v (volume), "
        "40r (ticks of range), 50d (delta; up to 7 written 5delta)"
    )
