"""What was found while a trades file was read, for the user to judge."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from app.market.trade import BUY, SELL, TradeBatch
from feeds.archives.id_ranges import IdRanges

_ONE_SIDED_TRADES, _ONE_SIDED_SHARE = 5_000, 0.98


@dataclass(slots=True)
class ImportReport:
    """Counts of one file, or of several that were read one after the other with the same report.

    Attributes
    ----------
    layout : str
        What kind of file it was, as in "Binance aggregate trades".
    market : str
        What the file itself says of the market; empty where it says nothing.
    rows, trades : int
        Rows read, headers apart, and trades handed on.
    empty : int
        Rows of no quantity, left out.
    repeated : int
        Rows that repeat the id of a trade and were left out; without ids none can be told.
    repeated_headers : int
        Headers amid the trades, skipped.
    out_of_order : int
        Rows that stood behind one that they belong before; they were put where they belong within some 100,000 rows.
    made_ids : int
        Trades that came without an id of the venue's and were given one. Of another source the same trades have other ids:
        where any are held already, time alone can keep them from being counted twice.
    buys, sells, unknown : int
        Trades by aggressor.
    first_ns, last_ns : int
        Times of the oldest and the newest trade; 0 where there is none.
    runs : IdRuns
        The ids, where they count; those of rows of no quantity are among them.
    """

    layout: str = ""
    market: str = ""
    rows: int = 0
    trades: int = 0
    empty: int = 0
    repeated: int = 0
    repeated_headers: int = 0
    out_of_order: int = 0
    made_ids: int = 0
    buys: int = 0
    sells: int = 0
    unknown: int = 0
    first_ns: int = 0
    last_ns: int = 0
    runs: IdRanges = field(default_factory=IdRanges, repr=False)

    @property
    def gaps(self) -> int:
        """How often ids that should grow by one do not."""
        return self.runs.gaps

    @property
    def missing(self) -> int:
        """How many ids are missing in these holes."""
        return self.runs.missing

    @property
    def one_sided(self) -> bool:
        """Whether nearly all of many trades have the same aggressor: venues and programs have mixed sides up before."""
        sided = self.buys + self.sells
        return sided >= _ONE_SIDED_TRADES and max(self.buys, self.sells) > _ONE_SIDED_SHARE * sided

    def count(self, trades: TradeBatch) -> None:
        """Add trades that are handed on."""
        if not len(trades):
            return
        self.trades += len(trades)
        buys, sells = int(np.count_nonzero(trades.side == BUY)), int(np.count_nonzero(trades.side == SELL))
        self.buys, self.sells, self.unknown = self.buys + buys, self.sells + sells, self.unknown + len(trades) - buys - sells
        first_ns, last_ns = int(trades.time_ns.min()), int(trades.time_ns.max())
        self.first_ns = min(first_ns, self.first_ns or first_ns)
        self.last_ns = max(last_ns, self.last_ns)

    def lines(self) -> list[str]:
        """What the user should know, a line each; the first says what was read, the others what was strange."""
        of = f" of {self.market}" if self.market else ""
        lines = [f"{self.layout}{of}: {_count(self.trades, 'trade')} in {_count(self.rows, 'row')}"]
        if self.empty:
            lines.append(f"{_count(self.empty, 'row')} with zero quantity skipped")
        if self.repeated:
            lines.append(f"{_count(self.repeated, 'duplicate row')} skipped")
        if self.repeated_headers:
            lines.append(f"{_count(self.repeated_headers, 'repeated header')} skipped")
        if self.out_of_order:
            lines.append(f"{_count(self.out_of_order, 'row')} out of order")
        if self.missing:
            lines.append(f"{_count(self.missing, 'trade')} missing by id, in {_count(self.gaps, 'gap')}")
        if self.made_ids:
            lines.append(f"{_count(self.made_ids, 'trade')} without an id: gaps cannot be detected")
        if self.unknown:
            lines.append(f"{_count(self.unknown, 'trade')} of unknown side, counted in volume but not in delta")
        if self.one_sided:
            side, most = ("buys", self.buys) if self.buys > self.sells else ("sales", self.sells)
            lines.append(f"{most / (self.buys + self.sells):.1%} of the trades are {side}; sides in this file may be wrong")
        return lines


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
