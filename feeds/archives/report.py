"""Findings from reading a trade file, for the user to judge."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from app.market.trade import BUY, SELL, TradeBatch
from feeds.archives.id_ranges import IdRanges

_ONE_SIDED_TRADES, _ONE_SIDED_SHARE = 5_000, 0.98


@dataclass(slots=True)
class ImportReport:
    """Counts of the rows and trades of one file, or of several files that share the report.

    Attributes
    ----------
    layout : str
        The kind of file, e.g. "Binance aggregate trades".
    market : str
        The market that the file names; empty if it names none.
    rows, trades : int
        Rows read, without headers, and trades returned.
    empty : int
        Rows with zero quantity, skipped.
    repeated : int
        Rows that repeat the id of a trade, skipped; undetectable without ids.
    repeated_headers : int
        Headers between the trades, skipped.
    out_of_order : int
        Rows that come after one with a larger id or a later time; sorted if both are in the same block.
    made_ids : int
        Trades without a venue id that were given one. The same trades from another source have other ids: if some of them
        are loaded already, only their times can keep them from being counted twice.
    buys, sells, unknown : int
        Trades by aggressor.
    first_ns, last_ns : int
        Times of the oldest and the newest trade; 0 where there is none.
    runs : IdRanges
        The ids, where they are consecutive; includes those of rows with zero quantity.
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
        """Number of gaps in consecutive ids."""
        return self.runs.gaps

    @property
    def missing(self) -> int:
        """Number of ids missing in the gaps."""
        return self.runs.missing

    @property
    def one_sided(self) -> bool:
        """True if nearly all of 5,000 or more trades of known side have the same side, a sign of wrong sides."""
        sided = self.buys + self.sells
        return sided >= _ONE_SIDED_TRADES and max(self.buys, self.sells) > _ONE_SIDED_SHARE * sided

    def count(self, trades: TradeBatch) -> None:
        """Add trades to the counts, and extend the time range to include them."""
        if not len(trades):
            return
        self.trades += len(trades)
        buys, sells = int(np.count_nonzero(trades.side == BUY)), int(np.count_nonzero(trades.side == SELL))
        self.buys, self.sells, self.unknown = self.buys + buys, self.sells + sells, self.unknown + len(trades) - buys - sells
        first_ns, last_ns = int(trades.time_ns.min()), int(trades.time_ns.max())
        self.first_ns = min(first_ns, self.first_ns or first_ns)
        self.last_ns = max(last_ns, self.last_ns)

    def lines(self) -> list[str]:
        """Lines of text for the user: first the number of trades read, then anything unusual."""
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
