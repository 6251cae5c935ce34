"""One UTC day of one market's trades as a Parquet file that any tool can read.

Columns `time_ns, price_ticks, quantity_lots, side, trade_id`, int64 but for the side (int8), in the order of the tape; steps, sums and
where the trades came from stand in the schema's metadata under `tapeprint`. Times, prices and ids are stored as differences
(6 bytes a trade), pages carry checksums. A file is written under another name, flushed to the disk, and renamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from app.errors import StoreError
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import BUY, SELL, TradeBatch, concatenate
from app.storage.checked_parquet import BROKEN, META_KEY, ROW_GROUP, add_checksum, damage_error, verify_checksum, write_parquet
from app.storage.tape_ranges import TapeRange

DAY_NS = 86_400_000_000_000
_COLUMNS = ("time_ns", "price_ticks", "quantity_lots", "side", "trade_id")
_TYPES = (pa.int64(), pa.int64(), pa.int64(), pa.int8(), pa.int64())
_FORMAT = 1


class DayTotals(msgspec.Struct, frozen=True):
    """What the trades of a file add up to, to be held against the trades themselves."""

    trades: int
    lots: int
    buy: int
    sell: int

    @classmethod
    def of(cls, trades: TradeBatch) -> DayTotals:
        """The sums of some trades, in lots."""
        lots, side = trades.quantity_lots, trades.side
        return cls(len(trades), int(lots.sum()), int(lots[side == BUY].sum()), int(lots[side == SELL].sum()))


class DayMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of itself; `groups` are the first and last time in each of its row groups.

    Parquet's own statistics tell the same, but where they are damaged Arrow ends the process.
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


def write_day(path: Path, trades: TradeBatch, instrument: Instrument, stretches: Sequence[TapeRange] = ()) -> None:
    """Write a day's trades, which are in the order of the tape; a kill at any moment leaves the old file or the new one.

    Raises
    ------
    StoreError
        If the disk does not take it.
    """
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
    schema = pa.schema(list(zip(_COLUMNS, _TYPES, strict=True)), {META_KEY: add_checksum(msgspec.json.encode(meta))})
    table = pa.table([pa.array(column) for column in trades.columns], schema=schema)
    write_parquet(path, table)


def read_meta(path: Path) -> DayMeta:
    """What a file says of itself.

    Raises
    ------
    StoreError
        If it is no day of ours, or damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            return _meta_of(file)
    except BROKEN as error:
        raise damage_error(path, error) from None


def read_day(path: Path, instrument: Instrument, span: Span | None = None) -> TradeBatch:
    """The trades of a day, or those of it in a span, in the order of the tape, counted in the instrument's steps.

    Raises
    ------
    StoreError
        If the file is damaged, is none of ours, or holds prices that the instrument's steps cannot express.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            meta = _meta_of(file)
            if len(meta.groups) != file.num_row_groups:
                raise ValueError(f"{file.num_row_groups} row groups, metadata lists {len(meta.groups)}")
            groups = list(range(file.num_row_groups)) if span is None else _groups_in(meta, span)
            table = file.read_row_groups(groups, columns=list(_COLUMNS))
            if table.column_names != list(_COLUMNS) or table.schema.types != list(_TYPES):
                raise ValueError(f"unexpected columns {', '.join(map(str, table.schema))[:100]}")
            columns = [column.to_numpy() for column in table.columns]
            trades = TradeBatch.of(*columns)
    except BROKEN as error:
        raise damage_error(path, error) from None
    if span is None and DayTotals.of(trades) != meta.sums:
        raise StoreError(f"{path}: damaged: trades do not match the recorded totals")
    if span is not None:
        trades = trades[(trades.time_ns >= span.start_ns) & (trades.time_ns < span.end_ns)]
    return in_steps(trades, (Decimal(meta.tick_size), Decimal(meta.lot_size)), (instrument.tick_size, instrument.lot_size), str(path))


def in_steps(trades: TradeBatch, old: tuple[Decimal, Decimal], new: tuple[Decimal, Decimal], where: str) -> TradeBatch:
    """Trades counted in other steps of price and quantity, when a venue has changed its own.

    Raises
    ------
    StoreError
        If a price or quantity is no whole number of the new steps.
    """
    if old == new or not len(trades):
        return trades
    columns = list(trades.columns)
    for place, what in ((1, "price"), (2, "quantity")):
        ratio = Fraction(old[place - 1]) / Fraction(new[place - 1])
        if np.any(columns[place] % ratio.denominator):
            raise StoreError(f"{where}: a {what} is not a multiple of {new[place - 1]}")
        columns[place] = columns[place] // ratio.denominator * ratio.numerator
    return TradeBatch.of(*columns)


def merge_trades(parts: Sequence[TradeBatch], *, numbered: bool) -> TradeBatch:
    """Trades of several sources in the order of the tape, each once; of equal ones the first is kept.

    The order is the id's; where trades are not numbered it is time's, then the order in which they came.
    """
    trades = concatenate(parts)
    if not len(trades):
        return trades
    if numbered:
        if np.all(trades.trade_id[1:] > trades.trade_id[:-1]):
            return trades
        return trades[np.unique(trades.trade_id, return_index=True)[1]]
    order = np.lexsort((trades.trade_id, trades.time_ns))  # stable: of equals the first comes first
    ids, times = trades.trade_id[order], trades.time_ns[order]
    again = np.concatenate(([False], (ids[1:] == ids[:-1]) & (times[1:] == times[:-1])))
    kept = np.sort(order[~again])
    return trades[kept[np.argsort(trades.time_ns[kept], kind="stable")]]


def by_day(trades: TradeBatch) -> Iterator[tuple[int, TradeBatch]]:
    """The trades of each UTC day, the oldest day first, each in the order given."""
    days = trades.time_ns // DAY_NS
    for day in np.unique(days).tolist():
        yield day, trades[days == day]


def day_of(time_ns: int) -> int:
    """The number of the UTC day, 0 on 1970-01-01."""
    return time_ns // DAY_NS


def _meta_of(file: pq.ParquetFile) -> DayMeta:
    metadata = file.schema_arrow.metadata or {}
    if META_KEY not in metadata:
        raise ValueError("not written by Tapeprint")
    meta = msgspec.json.decode(verify_checksum(metadata[META_KEY]), type=DayMeta)
    if min(Decimal(meta.tick_size), Decimal(meta.lot_size), Decimal(meta.multiplier)) <= 0:
        raise ValueError("invalid tick or lot size")
    if meta.format > _FORMAT:
        raise ValueError(f"written by a newer Tapeprint (format {meta.format}, this version supports {_FORMAT})")
    return meta


def _groups_in(meta: DayMeta, span: Span) -> list[int]:
    """The row groups that may hold trades of a span."""
    return [group for group, (first_ns, last_ns) in enumerate(meta.groups) if first_ns < span.end_ns and last_ns >= span.start_ns]


def _in_groups(column: np.ndarray) -> list[np.ndarray]:
    return [column[start : start + ROW_GROUP] for start in range(0, len(column), ROW_GROUP)]
