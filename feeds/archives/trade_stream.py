"""Trades out of a file of any size, in blocks, for a market whose steps are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from app.errors import TradeFileError
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from feeds.archives.duplicates import duplicate_rows
from feeds.archives.ids import NO_ID, MadeIds, numbers_of, stable_ids_of
from feeds.archives.layouts import Ids, Layout
from feeds.archives.recent_keys import RecentKeys
from feeds.archives.report import ImportReport
from feeds.archives.row_block import RowBlock
from feeds.archives.row_error import RowError
from feeds.archives.source_rows import SourceRows

_COUNTABLE = 2**63


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a trades file is, told from its first lines.

    Attributes
    ----------
    layout : str
        As in "Binance aggregate trades".
    numbered : bool
        Whether its ids count: what `Instrument.numbered` may be for a market of which nothing else is known.
    """

    layout: str
    numbered: bool


def file_facts(path: Path) -> FileFacts:
    """What a file is, before it is read.

    Raises
    ------
    TradeFileError
        If it is none we know.
    """
    layout = SourceRows(path).layout
    return FileFacts(layout.name, layout.ids is Ids.NUMBERS)


def stream_trades(path: Path, instrument: Instrument, report: ImportReport) -> Iterator[TradeBatch]:
    """The trades of a file, each once, in blocks of at most some 250,000.

    The file is a venue's own dump, told by its columns, or a table with `time,price,quantity,side[,trade_id]`, as CSV
    (plain, .gz or .zip) or Parquet. Each block is by ascending id, or by time where ids do not count; from block to block
    the order is the file's. Memory does not grow with the file.

    Ids are the venue's. Where `instrument.numbered` they must be whole numbers. Where not, they are the venue's number if
    it fits into 63 bits, else 63 bits of the BLAKE2b of its text; and trades without an id get one that is the same
    whenever they are read (`feeds.archives.ids.MadeIds`).

    Parameters
    ----------
    path : Path
    instrument : Instrument
        Prices must be multiples of its tick, quantities of its lot; those that count contracts, as OKX's do, times its
        multiplier.
    report : Report
        Filled in while the blocks are taken; whole once they are all taken.

    Raises
    ------
    TradeFileError
        If the file is none we know, has no ids for a market that numbers its trades, or numbers other trades than the
        market's feed; and for the first row that cannot be a trade. What was taken before must then be put aside.
    """
    source = SourceRows(path)
    _require_ids_of(instrument, source.layout, path)
    report.layout = source.layout.name
    told = _Numbered(report) if instrument.numbered else _Unnumbered(report)
    read_ids = numbers_of(source.layout) if instrument.numbered else stable_ids_of(source.layout)
    lots = first_row = headers = 0
    for block in source.blocks(instrument.grid(), _lot_of(instrument, source.layout, path), read_ids):
        try:
            trades = told.once_in_order(block)
        except RowError as error:
            raise source.refusal(RowError(first_row + error.row, error.found, error.expected)) from None
        lots += _sum(trades.quantity_lots)
        if lots >= _COUNTABLE:
            raise TradeFileError(path, None, "quantities that overflow 64 bits when summed", f"lots larger than {instrument.lot_size:f}")
        report.market = " ".join(source.market)
        report.rows += source.rows - first_row
        report.repeated_headers += source.repeated_headers - headers
        first_row, headers = source.rows, source.repeated_headers
        report.count(trades)
        if len(trades):
            yield trades
    report.repeated_headers += source.repeated_headers - headers


class _Numbered:
    """Trades whose ids count."""

    def __init__(self, report: ImportReport) -> None:
        self._report = report
        self._newest = -1

    def once_in_order(self, block: RowBlock) -> TradeBatch:
        """The trades of a block that were not among those before, by ascending id."""
        trades, rows = _sound(block, self._report)
        again = _placed(rows, lambda: duplicate_rows(trades))
        late, self._newest = _late(block.trade_id, self._newest)
        known = np.zeros(len(trades), bool)
        known[~again] = self._report.runs.add(trades.trade_id[~again])
        if len(rows) < len(block.steps):  # a row of no quantity has its number all the same
            self._report.runs.add(np.unique(block.trade_id[block.steps == 0]))
        repeated = again | known
        self._report.repeated += int(repeated.sum())
        self._report.out_of_order += late
        return _sorted_by(trades[~repeated] if repeated.any() else trades, "trade_id")


class _Unnumbered:
    """Trades whose ids only tell them apart, and trades that have none."""

    def __init__(self, report: ImportReport) -> None:
        self._report = report
        self._newest_ns = 0
        self._recent = RecentKeys()
        self._made = MadeIds()

    def once_in_order(self, block: RowBlock) -> TradeBatch:
        """The trades of a block that were not shortly before, by time."""
        trades, rows = _sound(block, self._report)
        late, self._newest_ns = _late(trades.time_ns, self._newest_ns)
        self._report.out_of_order += late
        bare = trades.trade_id == NO_ID
        if bare.any():
            trades = self._with_made_ids(trades, rows, bare)
        repeated = np.zeros(len(trades), bool)
        if not bare.all():
            own = trades[~bare]
            again = self._recent.alike_before(own.time_ns, own.trade_id.view(np.uint64), late=True) > 0
            if again.any():
                _placed(rows[~bare], lambda: duplicate_rows(own))  # of the same trade, or a fault
            repeated[~bare] = again
            self._report.repeated += int(again.sum())
        return _sorted_by(trades[~repeated] if repeated.any() else trades, "time_ns")

    def _with_made_ids(self, trades: TradeBatch, rows: np.ndarray, bare: np.ndarray) -> TradeBatch:
        ids = trades.trade_id.copy()
        ids[bare] = _placed(rows[bare], lambda: self._made.of(trades[bare]))
        self._report.made_ids += int(bare.sum())
        return TradeBatch.of(*trades.columns[:4], ids)


def _require_ids_of(instrument: Instrument, layout: Layout, path: Path) -> None:
    """A file's ids must be those by which the market is kept, or its trades would be counted a second time."""
    if not instrument.numbered:
        return
    if layout.ids is Ids.NONE:
        raise TradeFileError(path, None, f"a {layout.name} without ids", f"consecutive ids, since {instrument.id} numbers its trades")
    if instrument.venue.split("-")[0] in layout.counts_apart_from:
        found = f"{layout.name}, whose ids differ from the {instrument.venue} feed's"
        raise TradeFileError(path, None, found, "the venue's own dump with feed ids, or a separate market name")


def _lot_of(instrument: Instrument, layout: Layout, path: Path) -> Decimal:
    """What a lot is in the file's quantities."""
    if not layout.in_contracts:
        return instrument.lot_size
    lot = instrument.lot_size / instrument.multiplier
    if lot * instrument.multiplier != instrument.lot_size:
        found = f"lots of {instrument.lot_size:f} for quantities in contracts of {instrument.multiplier:f}"
        raise TradeFileError(path, None, found, "lots that divide a contract decimally")
    return lot


def _sound(block: RowBlock, report: ImportReport) -> tuple[TradeBatch, np.ndarray]:
    """The rows of a block that have a quantity, and their places in it."""
    every = TradeBatch.of(block.time_ns, block.price_ticks, block.steps, block.side, block.trade_id)
    rows = np.flatnonzero(block.steps)
    report.empty += len(every) - len(rows)
    return (every if len(rows) == len(every) else every[rows]), rows


def _placed(rows: np.ndarray, told: Callable[[], np.ndarray]) -> np.ndarray:
    """What is told of some rows of a block; a fault's row counted in the block."""
    try:
        return told()
    except RowError as error:
        raise RowError(int(rows[error.row]), error.found, error.expected) from None


def _late(keys: np.ndarray, newest: int) -> tuple[int, int]:
    """How many keys stand behind a larger one, and the largest so far."""
    if not len(keys):
        return 0, newest
    largest = np.maximum(np.maximum.accumulate(keys), newest)
    return int(np.count_nonzero(keys < largest)), int(largest[-1])


def _sorted_by(trades: TradeBatch, name: str) -> TradeBatch:
    keys = getattr(trades, name)
    return trades if bool(np.all(keys[1:] >= keys[:-1])) else trades[np.argsort(keys, kind="stable")]


def _sum(lots: np.ndarray) -> int:
    """Exactly, whatever its size."""
    return int(lots.sum()) if float(lots.sum(dtype=np.float64)) < _COUNTABLE / 2 else sum(lots.tolist())
