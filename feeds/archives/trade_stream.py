"""Trades of a file of any size, in blocks, for a known instrument."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from app.errors import TradeFileError
from app.market.arrays import BoolArray, Int64Array
from app.market.decimals import decimal_places
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from feeds.archives.duplicates import conflict, duplicate_rows, repeats
from feeds.archives.float_noise import coarsest_step
from feeds.archives.id_order import ids_agree_with_time, mostly_consecutive
from feeds.archives.ids import NO_ID, MadeIds, numbers_of, stable_ids_of
from feeds.archives.layouts import Ids, Layout
from feeds.archives.odd_rows import OddRows
from feeds.archives.recent_keys import RecentKeys
from feeds.archives.report import ImportReport
from feeds.archives.row_block import RowBlock
from feeds.archives.row_error import RowError
from feeds.archives.source_rows import SourceRows

_COUNTABLE = 2**63
_MOST_PLACES = 18
_Element = TypeVar("_Element", bound=np.generic)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """The kind of a trade file, detected from its first lines.

    Attributes
    ----------
    layout : str
        E.g. "Binance aggregate trades".
    numbered : bool
        Whether its ids are consecutive and agree with the times, for the `Instrument.numbered` of a new market.
    names : bool
        True if its ids are numbers that are neither consecutive nor agree with the times, e.g. hashes.
    """

    layout: str
    numbered: bool
    names: bool = False


def file_facts(path: Path) -> FileFacts:
    """Detect the kind of a file without reading all of it.

    Raises
    ------
    TradeFileError
        If the format is unknown.
    """
    source = SourceRows(path)
    layout = source.layout
    if layout.ids is not Ids.NUMBERS:
        return FileFacts(layout.name, False)
    ids, time_ns = source.first_ids()
    consecutive, agree = mostly_consecutive(ids), ids_agree_with_time(ids, time_ns)
    return FileFacts(layout.name, consecutive and agree, not consecutive and not agree)


def stream_trades(path: Path, instrument: Instrument, report: ImportReport, *, strict: bool = True) -> Iterator[TradeBatch]:
    """Iterate over the trades of a file without repeats, in blocks of at most about 250,000.

    The file is a venue's dump, detected by its columns, or a table with `time,price,quantity,side[,trade_id]`, as CSV (plain, .gz
    or .zip) or Parquet. Each block is sorted by id, or by time where ids are not consecutive; the blocks follow the order of the
    file. Memory does not grow with the file.

    Ids are the venue's. Where `instrument.numbered` they must be whole numbers. If not, they are the venue's number if it fits
    in 63 bits, else 63 bits of the BLAKE2b of its text; trades without an id get one that is the same at every reading
    (`feeds.archives.ids.MadeIds`).

    Parameters
    ----------
    path : Path
    instrument : Instrument
        Prices must be multiples of its tick size, quantities of its lot size; quantities in contracts, as in OKX's files, are
        multiplied by its multiplier.
    report : ImportReport
        Filled in while the blocks are read; complete after the last one.
    strict : bool
        False leaves up to a hundred rows out that are not valid trades, and lists them in the report.

    Raises
    ------
    OtherStepsError
        If not `strict`, and so many rows are off the grid that the venue had another tick or lot size then (`common_steps_of`).
    TradeFileError
        If the format is unknown, if the file has no ids for a market with numbered trades, or numbers trades differently from
        the market's feed; and for the first row that is not a valid trade. Trades already returned must then be discarded.
    """
    source = SourceRows(path)
    _require_ids_of(instrument, source.layout, path)
    report.layout = source.layout.name
    told = _Numbered(report) if instrument.numbered else _Unnumbered(report)
    read_ids = numbers_of(source.layout) if instrument.numbered else stable_ids_of(source.layout)
    odd = None if strict else report.odd
    lots = first_row = headers = 0
    for block in source.blocks(instrument.grid(), _lot_of(instrument, source.layout, path), read_ids, odd):
        if odd is not None:
            block = _without_conflicts(block, source, odd)
        try:
            trades = told.once_in_order(block)
        except RowError as error:
            raise source.refusal(RowError(first_row + error.row, error.found, error.expected)) from None
        lots += _sum(trades.quantity_lots)
        if lots >= _COUNTABLE:
            raise TradeFileError(path, None, "quantities that overflow 64 bits when summed", f"lots larger than {instrument.lot_size:f}")
        report.market = " ".join(source.market)
        report.noise += block.noise
        report.rows += source.rows - first_row
        report.repeated_headers += source.repeated_headers - headers
        first_row, headers = source.rows, source.repeated_headers
        report.count(trades)
        if len(trades):
            yield trades
    report.repeated_headers += source.repeated_headers - headers
    if odd is not None:
        source.require_grid(odd)
        source.name_odd_rows(odd)


def common_steps_of(path: Path, instrument: Instrument) -> Instrument:
    """The instrument with the largest tick and lot size that fit its own sizes and all prices and quantities of a file.

    Raises
    ------
    TradeFileError
        If the file is unreadable, or that tick or lot size has more than 18 decimal places.
    """
    source = SourceRows(path)
    tick, written = instrument.tick_size, _lot_of(instrument, source.layout, path)
    for prices, quantities in source.numbers():
        tick, written = coarsest_step(prices, tick), coarsest_step(quantities, written)
    lot = written * instrument.multiplier if source.layout.in_contracts else written
    if max(decimal_places(tick), decimal_places(lot)) > _MOST_PLACES:
        raise TradeFileError(path, None, f"steps of {tick:f} and {lot:f}", f"at most {_MOST_PLACES} decimal places")
    return replace(instrument, tick_size=tick, lot_size=lot)


def _without_conflicts(block: RowBlock, source: SourceRows, odd: OddRows) -> RowBlock:
    """A block without the rows that repeat the id of a different trade; `odd` records those rows."""
    rows = np.flatnonzero((block.trade_id != NO_ID) & (block.steps > 0))
    trades = TradeBatch.of(*(column[rows] for column in (block.time_ns, block.price_ticks, block.steps, block.side, block.trade_id)))
    differing = repeats(trades)[1]
    if not differing.any():
        return block
    for row in np.flatnonzero(differing).tolist():
        fault = conflict(trades, row)
        source.leave_out(RowError(int(source.positions[rows[row]]), fault.found, fault.expected), odd)
    left_out = np.zeros(len(block.steps), bool)
    left_out[rows[differing]] = True
    return block.without(left_out)


class _Numbered:
    """Removes duplicates among trades with consecutive ids."""

    def __init__(self, report: ImportReport) -> None:
        self._report = report
        self._newest = -1

    def once_in_order(self, block: RowBlock) -> TradeBatch:
        """The trades of a block whose ids have not occurred before, sorted by id; the report counts skipped rows.

        Raises `RowError` if different trades in the block share an id.
        """
        trades, rows = _sound(block, self._report)
        again = _placed(rows, lambda: duplicate_rows(trades))
        late, self._newest = _late(block.trade_id, self._newest)
        known = np.zeros(len(trades), bool)
        known[~again] = self._report.runs.add(trades.trade_id[~again])
        if len(rows) < len(block.steps):  # a row with zero quantity has an id too
            void = np.unique(block.trade_id[block.steps == 0])
            self._report.runs.add(void)
            self._report.void += [Span(number, number + 1) for number in void.tolist()]
        repeated = again | known
        self._report.repeated += int(repeated.sum())
        self._report.out_of_order += late
        return _sorted_by(trades[~repeated] if repeated.any() else trades, "trade_id")


class _Unnumbered:
    """Removes duplicates among trades that have no ids, or ids in no order."""

    def __init__(self, report: ImportReport) -> None:
        self._report = report
        self._newest_ns = 0
        self._recent = RecentKeys()
        self._made = MadeIds()

    def once_in_order(self, block: RowBlock) -> TradeBatch:
        """The trades of a block sorted by time, without those whose venue id occurred in the 10 s before (the report counts them).

        Raises `RowError` if different trades in the block share an id, or if a trade without an id is over 10 s older than one before it.
        """
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
                _placed(rows[~bare], lambda: duplicate_rows(own))  # raises unless equal ids are equal trades
            repeated[~bare] = again
            self._report.repeated += int(again.sum())
        return _sorted_by(trades[~repeated] if repeated.any() else trades, "time_ns")

    def _with_made_ids(self, trades: TradeBatch, rows: Int64Array, bare: BoolArray) -> TradeBatch:
        ids = trades.trade_id.copy()
        ids[bare] = _placed(rows[bare], lambda: self._made.of(trades[bare]))
        self._report.made_ids += int(bare.sum())
        return TradeBatch.of(*trades.columns[:4], ids)


def _require_ids_of(instrument: Instrument, layout: Layout, path: Path) -> None:
    """Raise if the market has consecutive ids, but the file has no ids, or others than the market's feed.

    With other ids the same trades would count twice.
    """
    if not instrument.numbered:
        return
    if layout.ids is Ids.NONE:
        raise TradeFileError(path, None, f"a {layout.name} without ids", f"consecutive ids, since {instrument.id} numbers its trades")
    if instrument.venue.split("-")[0] in layout.counts_apart_from:
        found = f"{layout.name}, whose ids differ from the {instrument.venue} feed's"
        raise TradeFileError(path, None, found, "the venue's own dump with feed ids, or a separate market name")


def _lot_of(instrument: Instrument, layout: Layout, path: Path) -> Decimal:
    """The instrument's lot size in the unit of the file's quantities, i.e. base units or contracts.

    Raises `TradeFileError` if a lot is not an exact decimal number of contracts.
    """
    if not layout.in_contracts:
        return instrument.lot_size
    lot = instrument.lot_size / instrument.multiplier
    if lot * instrument.multiplier != instrument.lot_size:
        found = f"lots of {instrument.lot_size:f} for quantities in contracts of {instrument.multiplier:f}"
        raise TradeFileError(path, None, found, "lots that divide a contract decimally")
    return lot


def _sound(block: RowBlock, report: ImportReport) -> tuple[TradeBatch, Int64Array]:
    """The trades of a block with a quantity above 0, and their row numbers; the report counts the rows with zero quantity."""
    every = TradeBatch.of(block.time_ns, block.price_ticks, block.steps, block.side, block.trade_id)
    rows = np.flatnonzero(block.steps)
    report.empty += len(every) - len(rows)
    return (every if len(rows) == len(every) else every[rows]), rows


def _placed(rows: Int64Array, told: Callable[[], npt.NDArray[_Element]]) -> npt.NDArray[_Element]:
    """Return the result of `told`, which reads only the given rows of a block.

    If `told` raises `RowError`, the error is raised with its row counted in the complete block.
    """
    try:
        return told()
    except RowError as error:
        raise RowError(int(rows[error.row]), error.found, error.expected) from None


def _late(keys: Int64Array, newest: int) -> tuple[int, int]:
    """Count the keys (ids or times) that come after a larger one; return that number and the largest key so far."""
    if not len(keys):
        return 0, newest
    largest = np.maximum(np.maximum.accumulate(keys), newest)
    return int(np.count_nonzero(keys < largest)), int(largest[-1])


def _sorted_by(trades: TradeBatch, name: str) -> TradeBatch:
    keys = getattr(trades, name)
    return trades if bool(np.all(keys[1:] >= keys[:-1])) else trades[np.argsort(keys, kind="stable")]


def _sum(lots: Int64Array) -> int:
    """The exact sum of quantities in lots, even if it does not fit in 64 bits."""
    return int(lots.sum()) if float(lots.sum(dtype=np.float64)) < _COUNTABLE / 2 else sum(lots.tolist())
