"""The day file: the trades of one market on one UTC day, or a part of them, as Parquet.

Any tool can read it. Columns `time_ns, price_ticks, quantity_lots, side, trade_id`, int64 except the side (int8), in the order
of the tape. Tick and lot size, totals and the sources of the trades are in the schema's metadata under `tapeprint`. Times, prices
and ids are stored as differences (6 bytes per trade), pages have checksums. A file is written under another name, flushed to
disk, and renamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from app.errors import BadInputError, StoreError
from app.market.arrays import Int64Array
from app.market.bar_rule import DAY_NS
from app.market.decimals import parse_step
from app.market.instrument import Instrument, parse_instrument_id
from app.market.span import Span
from app.market.steps import Steps, common_steps, in_steps
from app.market.trade import BUY, SELL, TradeBatch, concatenate
from app.storage.checked_parquet import (
    META_KEY,
    ROW_GROUP,
    add_checksum,
    broken,
    damage_error,
    open_parquet,
    verify_checksum,
    write_parquet,
)
from app.storage.open_folder import OpenFolder
from app.storage.tape_ranges import TapeRange

if TYPE_CHECKING:
    import pyarrow.parquet as pq

_COLUMNS = ("time_ns", "price_ticks", "quantity_lots", "side", "trade_id")
_TYPES = ("int64", "int64", "int64", "int8", "int64")
_FORMAT = 1
_FARTHEST = 1 << 62  # keys and times beyond it would overflow when they are compared or added


class DayTotals(msgspec.Struct, frozen=True):
    """Number of trades in a file and their total, buy and sell volume in lots, to detect damage when they are read."""

    trades: int
    lots: int
    buy: int
    sell: int

    @classmethod
    def of(cls, trades: TradeBatch) -> DayTotals:
        """Compute the number of trades, and their total, buy and sell volume in lots."""
        lots, side = trades.quantity_lots, trades.side
        return cls(len(trades), int(lots.sum()), int(lots[side == BUY].sum()), int(lots[side == SELL].sum()))


class DayMeta(msgspec.Struct, frozen=True, kw_only=True):
    """Metadata of a day file: market, tick and lot size, multiplier, totals, tape ranges, and trade times of the row groups.

    `groups` has the earliest and latest trade time of each row group. Parquet's own statistics have these too, but if they are
    damaged Arrow aborts the process.
    """

    instrument: str
    tick_size: str
    lot_size: str
    multiplier: str
    numbered: bool
    sums: DayTotals
    stretches: list[TapeRange]
    groups: list[tuple[int, int]]
    format: int = _FORMAT

    @property
    def steps(self) -> Steps:
        """The tick and lot size of the trades in the file."""
        return Steps(Decimal(self.tick_size), Decimal(self.lot_size))


def write_day(
    path: Path, trades: TradeBatch, instrument: Instrument, stretches: Sequence[TapeRange] = (), within: OpenFolder | None = None
) -> None:
    """Write the trades of one day, given in the order of the tape, to a day file; in an open folder, if one is given.

    A kill at any moment leaves the old file or the new one.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    import pyarrow as pa  # in the functions that need it: it takes long to load

    meta = DayMeta(
        instrument=instrument.id,
        tick_size=str(instrument.tick_size),
        lot_size=str(instrument.lot_size),
        multiplier=str(instrument.multiplier),
        numbered=instrument.numbered,
        sums=DayTotals.of(trades),
        stretches=list(stretches),
        groups=[(int(part.min()), int(part.max())) for part in _in_groups(trades.time_ns)],
    )
    types = [pa.int8() if name == "int8" else pa.int64() for name in _TYPES]
    schema = pa.schema(list(zip(_COLUMNS, types, strict=True)), {META_KEY: add_checksum(msgspec.json.encode(meta))})
    table = pa.table([pa.array(column) for column in trades.columns], schema=schema)
    write_parquet(path, table, within)


def read_meta(path: Path, within: OpenFolder | None = None) -> DayMeta:
    """Read the metadata of a day file; in an open folder, if one is given.

    Raises
    ------
    StoreError
        If it is not a day file, cannot be read, or is damaged.
    """
    try:
        with open_parquet(path, within) as file:
            return _meta_of(file)
    except broken() as error:
        raise damage_error(path, error) from None


def read_day(path: Path, instrument: Instrument, span: Span | None = None, within: OpenFolder | None = None) -> TradeBatch:
    """Read the trades of a day file, or only those in a span, in the order of the tape and with the instrument's tick and lot size.

    Raises
    ------
    StoreError
        If the file is damaged or not a day file, or if a price or quantity is not a multiple of the instrument's tick or lot size,
        or needs more than 64 bits.
    """
    found = read_own_steps(path, span, within)
    return in_steps(found.trades, found.steps, instrument.steps, str(path))


class TradesInSteps(NamedTuple):
    """Trades, and the tick and lot size in which their prices and quantities are counted."""

    trades: TradeBatch
    steps: Steps


def read_own_steps(path: Path, span: Span | None = None, within: OpenFolder | None = None) -> TradesInSteps:
    """Read the trades of a day file, or only those in a span, in the tick and lot size of the file.

    Raises
    ------
    StoreError
        If the file is damaged or not a day file.
    """
    try:
        with open_parquet(path, within) as file:
            meta = _meta_of(file)
            if len(meta.groups) != file.num_row_groups:
                raise ValueError(f"{file.num_row_groups} row groups, metadata lists {len(meta.groups)}")
            groups = list(range(file.num_row_groups)) if span is None else _groups_in(meta, span)
            table = file.read_row_groups(groups, columns=list(_COLUMNS))
            if table.column_names != list(_COLUMNS) or [str(kind) for kind in table.schema.types] != list(_TYPES):
                raise ValueError(f"unexpected columns {', '.join(map(str, table.schema))[:100]}")
            columns = [column.to_numpy() for column in table.columns]
            trades = TradeBatch.of(*columns)
    except broken() as error:
        raise damage_error(path, error) from None
    if span is None and DayTotals.of(trades) != meta.sums:
        raise StoreError(f"{path}: damaged: trades do not match the recorded totals")
    if span is not None:
        trades = trades[(trades.time_ns >= span.start_ns) & (trades.time_ns < span.end_ns)]
    return TradesInSteps(trades, meta.steps)


def joined_steps(parts: Sequence[TradesInSteps], where: str) -> tuple[list[TradeBatch], Steps]:
    """Convert batches of trades to their common tick and lot size (see `common_steps`); return the batches and these sizes.

    Empty batches do not count; at least one must have trades.

    Raises
    ------
    StoreError
        If a price or quantity needs more than 64 bits in these sizes.
    """
    steps = common_steps(part.steps for part in parts if len(part.trades))
    return [in_steps(part.trades, part.steps, steps, where) for part in parts], steps


def merge_trades(parts: Sequence[TradeBatch], *, numbered: bool) -> TradeBatch:
    """Merge batches of trades in the order of the tape, without duplicates.

    The order is by id, and of trades with the same id the first one stays. If trades are not numbered, the order is by time and
    then by arrival, and of trades that are equal in all columns the first one stays.
    """
    trades = concatenate(parts)
    if not len(trades):
        return trades
    if numbered:
        if np.all(trades.trade_id[1:] > trades.trade_id[:-1]):
            return trades
        return trades[np.unique(trades.trade_id, return_index=True)[1]]
    order = np.lexsort(trades.columns[::-1])  # stable: equal trades stay in order of arrival
    differs = np.zeros(len(trades) - 1, bool)
    for column in trades.columns:
        differs |= np.diff(column[order]) != 0
    again = np.concatenate(([False], ~differs))
    unique = np.sort(order[~again])
    return trades[unique[np.argsort(trades.time_ns[unique], kind="stable")]]


def by_day(trades: TradeBatch) -> Iterator[tuple[int, TradeBatch]]:
    """Split trades by UTC day: yield each day (see `day_of`), oldest first, with its trades in the given order."""
    days = trades.time_ns // DAY_NS
    for day in np.unique(days).tolist():
        yield day, trades[days == day]


def day_of(time_ns: int) -> int:
    """The UTC day of a time, as the number of days since 1970-01-01."""
    return time_ns // DAY_NS


def _meta_of(file: pq.ParquetFile) -> DayMeta:
    metadata = file.schema_arrow.metadata or {}
    if META_KEY not in metadata:
        raise ValueError("not written by Tapeprint")
    meta = msgspec.json.decode(verify_checksum(metadata[META_KEY]), type=DayMeta)
    _require_possible(meta)
    if meta.format > _FORMAT:
        raise ValueError(f"written by a newer Tapeprint (format {meta.format}, this version supports {_FORMAT})")
    return meta


def _require_possible(meta: DayMeta) -> None:
    try:
        parse_instrument_id(meta.instrument)
        for text, what in ((meta.tick_size, "tick size"), (meta.lot_size, "lot size"), (meta.multiplier, "multiplier")):
            parse_step(text, what)
    except BadInputError as error:
        raise ValueError(error.user_message) from None
    numbers = [*(number for stretch in meta.stretches for number in stretch[:6]), *(time_ns for group in meta.groups for time_ns in group)]
    if absurd := [number for number in numbers if not -_FARTHEST <= number <= _FARTHEST]:
        raise ValueError(f"found {absurd[0]} in the metadata, expected times and ids of 63 bits")


def _groups_in(meta: DayMeta, span: Span) -> list[int]:
    """The indices of the row groups in a day file that may have trades in a span."""
    return [group for group, (first_ns, last_ns) in enumerate(meta.groups) if first_ns < span.end_ns and last_ns >= span.start_ns]


def _in_groups(column: Int64Array) -> list[Int64Array]:
    return [column[start : start + ROW_GROUP] for start in range(0, len(column), ROW_GROUP)]
