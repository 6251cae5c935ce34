"""Which trades share a bar."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

import numpy as np

from app.errors import BadInputError

NS_PER_S = 1_000_000_000
DAY_NS = 86_400 * NS_PER_S
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_LONGEST_DAYS = 7
_MAX_SIZE = Decimal(10) ** 12


class BarKind(enum.StrEnum):
    """What a bar is measured by; the value is the letter behind its size."""

    TIME = "s"
    TRADES = "t"
    VOLUME = "v"
    DELTA = "d"
    RANGE = "r"


_TITLES = {BarKind.TRADES: "{} trades", BarKind.VOLUME: "volume {}", BarKind.DELTA: "delta {}", BarKind.RANGE: "range {} ticks"}


@dataclass(frozen=True, slots=True)
class BarRule:
    """Bars by time, or by what traded.

    Time: bar `k` holds the trades of `[k * length, (k + 1) * length)` since 1970 UTC; a trade exactly on an edge opens the
    later bar.

    The others count, in the order of the tape, and begin anew with the first trade of each UTC day, so that a day's bars do not
    depend on the days before; of a day that is held in part they count from the first trade held. A trade is never
    divided: it lies in one bar as a whole, however large it is, and what it has too much is not carried over.

    - trades: a bar is complete with `size` trades;
    - volume: with the trade by which its volume reaches or passes `size`;
    - delta: with the trade by which buying less selling, from 0, reaches or passes `size` to either side;
    - range: high less low is at most `size` ticks; the trade that would make it more opens the next bar. Prices that are
      jumped over make no bars.

    Attributes
    ----------
    length_ns : int
        Of a time bar; 0 for the others.
    kind : BarKind
    size : Decimal
        Trades, units of quantity, or ticks; 0 for time bars.
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
        """A rule that is not of time."""
        return cls(0, kind, Decimal(size))

    @property
    def is_time(self) -> bool:
        """Whether the clock alone says which bar a trade belongs to."""
        return self.kind is BarKind.TIME

    # -- of time bars ----------------------------------------------------------------------------

    def numbers(self, time_ns: np.ndarray) -> np.ndarray:
        """The bar number of each trade time, int64, shape as given; of time bars alone, see `FootprintSeries.times`."""
        return np.floor_divide(time_ns, self._length())

    def number(self, time_ns: int) -> int:
        """The bar number of one time; of time bars alone."""
        return int(time_ns) // self._length()

    def start_ns(self, number: int) -> int:
        """When a bar begins; it ends where the next begins; of time bars alone."""
        return int(number) * self._length()

    # -- of all ----------------------------------------------------------------------------------

    @property
    def period_ns(self) -> int:
        """The stretch of time in which bars depend on one another: a time bar by itself, of the others a UTC day."""
        return self.length_ns if self.is_time else DAY_NS

    def periods(self, time_ns: np.ndarray) -> np.ndarray:
        """The number of the period of each time, int64, shape as given."""
        return np.floor_divide(time_ns, self.period_ns)

    def period_start_ns(self, time_ns: int) -> int:
        """When the period of a time begins."""
        return int(time_ns) // self.period_ns * self.period_ns

    def threshold(self, lot_size: Decimal) -> int:
        """The size as a whole number: trades, ticks, or lots, rounded up to a whole lot."""
        if self.kind in (BarKind.TRADES, BarKind.RANGE):
            return int(self.size)
        return int((self.size / lot_size).to_integral_value(ROUND_CEILING))

    @property
    def text(self) -> str:
        """As written on the command line: `15s`, `1m`, `4h`, `1d`, `500t`, `100v`, `40r`, `50d`."""
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
        """As a reader understands it without a table: `1m`, but `500 trades` and `delta 50`."""
        return self.text if self.is_time else _TITLES[self.kind].format(f"{self.size.normalize():f}")

    def _length(self) -> int:
        if not self.is_time:
            raise TypeError(f"bars of {self.title}: ask the series for times, the rule does not know them")
        return self.length_ns


def parse_bar_rule(text: str) -> BarRule:
    """The rule written as `15s`, `1m`, `4h` or `1d`, `500t` (trades), `100v` (volume), `40r` (range in ticks) or `50d` (delta).

    `d` stands for days up to `7d`, the longest bar of time; a larger or a broken number is a delta, and `5delta` (also `5Δ`)
    is one of any size. Volume and delta may be broken (`0.5v`), the others not.

    Raises
    ------
    BadInputError
        If the text is none of these, or a time longer than a week.
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
