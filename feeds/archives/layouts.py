"""Column layouts of trade files, detected from the first line of a CSV file or the column names of a Parquet file."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.errors import BadInputError

_AGGREGATE_COLUMNS = ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker")
_SINGLE_COLUMNS = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker")
_OKX_COLUMNS = ("trade_id", "side", "size", "price", "created_time")
_BOOLEANS = {"true", "false"}
_SIDES = {"buy": 1, "sell": -1, "unknown": 0}
_BUYER_WAS_MAKER = {"true": -1, "false": 1}


class Ids(enum.Enum):
    """Kinds of trade ids in a file."""

    NUMBERS = "consecutive whole numbers"
    TEXTS = "any unique text ids"
    NONE = "none, or ids valid only inside the file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of a trade file.

    Attributes
    ----------
    name : str
        Name of this kind of file, for the user.
    time, price, quantity, side : str
        Names of the columns.
    trade_id : str or None
        None where `ids` is `Ids.NONE`.
    side_words : dict
        The aggressor for each word of the side column, in lower case.
    ids : Ids
    constant : tuple of str
        Columns that name the market; each must have one value in a file.
    counts_apart_from : tuple of str
        Venues whose feed numbers trades differently from this file, e.g. aggregates against single trades.
    in_contracts : bool
        Quantities are in contracts of `Instrument.multiplier` units each.
    told_by : tuple of str
        Further columns that identify this layout and are not read.
    header : bool
        Whether the first line is a header.
    columns : tuple of str
        All columns of the file in order, by the names above.
    """

    name: str
    time: str
    price: str
    quantity: str
    side: str
    trade_id: str | None
    side_words: dict[str, int]
    ids: Ids = Ids.NUMBERS
    constant: tuple[str, ...] = ()
    counts_apart_from: tuple[str, ...] = ()
    in_contracts: bool = False
    told_by: tuple[str, ...] = ()
    header: bool = True
    columns: tuple[str, ...] = ()

    @property
    def columns_to_read(self) -> list[str]:
        """Names of the columns to read: those of a trade, and those that name the market."""
        return [name for name in (self.time, self.price, self.quantity, self.side, self.trade_id, *self.constant) if name]


_GENERIC = Layout(
    name="table of trades", time="time", price="price", quantity="quantity", side="side", trade_id="trade_id", side_words=_SIDES
)
_AGGREGATE = Layout(
    name="Binance aggregate trades",
    time="transact_time",
    price="price",
    quantity="quantity",
    side="is_buyer_maker",
    trade_id="agg_trade_id",
    side_words=_BUYER_WAS_MAKER,
    told_by=("first_trade_id", "last_trade_id"),
)
# the column between qty and time is quote_qty or, for coin-margined futures, base_qty
_SINGLE = Layout(
    name="Binance single trades",
    time="time",
    price="price",
    quantity="qty",
    side="is_buyer_maker",
    trade_id="id",
    side_words=_BUYER_WAS_MAKER,
    counts_apart_from=("binance",),
)
_OKX = Layout(
    name="OKX trades",
    time="created_time",
    price="price",
    quantity="size",
    side="side",
    trade_id="trade_id",
    side_words=_SIDES,
    constant=("instrument_name",),
    in_contracts=True,
)
_DUMPS = (
    _AGGREGATE,
    _SINGLE,
    Layout(
        name="Bybit derivative trades",
        time="timestamp",
        price="price",
        quantity="size",
        side="side",
        trade_id="trdmatchid",
        side_words=_SIDES,
        ids=Ids.TEXTS,
        constant=("symbol",),
        told_by=("tickdirection",),
    ),
    Layout(  # its ids number the rows of a daily file, from 1
        name="Bybit spot trades",
        time="timestamp",
        price="price",
        quantity="volume",
        side="side",
        trade_id=None,
        side_words=_SIDES,
        ids=Ids.NONE,
        told_by=("id",),
    ),
    _OKX,
    replace(_OKX, constant=()),  # until 2022 the files did not name their instrument
    Layout(
        name="Tardis trades",
        time="timestamp",
        price="price",
        quantity="amount",
        side="side",
        trade_id="id",
        side_words=_SIDES,
        ids=Ids.TEXTS,
        constant=("exchange", "symbol"),
        told_by=("local_timestamp",),
        counts_apart_from=("binance", "okx"),
    ),
    Layout(  # sell: whether the taker sold; our kaiko.py writes unknown where Kaiko gives no side
        name="Kaiko trades",
        time="date",
        price="price",
        quantity="amount",
        side="sell",
        trade_id="id",
        side_words=_BUYER_WAS_MAKER | {"unknown": 0},
        ids=Ids.TEXTS,
        constant=("exchange", "symbol"),
        counts_apart_from=("binance", "okx"),
    ),
)


def layout_of(first_record: Sequence[str]) -> Layout:
    """The layout of a CSV file whose first line has these fields.

    Raises
    ------
    BadInputError
        If no layout matches; the text names what is missing.
    """
    names = tuple(field.strip().lower() for field in first_record)
    if names[0].isascii() and names[0].isdigit():
        return _without_header(names)
    if all("/" in name for name in names):  # OKX gives its column names in English and Chinese
        names = tuple(name.partition("/")[0] for name in names)
    return named_layout(names)


def named_layout(names: tuple[str, ...]) -> Layout:
    """The layout of a table with these column names, given in lower case.

    Our own format is tried first.

    Raises
    ------
    BadInputError
        If a required column is missing or occurs twice.
    """
    missing = [name for name in (_GENERIC.time, _GENERIC.price, _GENERIC.quantity, _GENERIC.side) if name not in names]
    if not missing:
        with_ids = _GENERIC if "trade_id" in names else replace(_GENERIC, trade_id=None, ids=Ids.NONE)
        return _unambiguous(replace(with_ids, columns=names))
    for dump in _DUMPS:
        if {*dump.columns_to_read, *dump.told_by} <= set(names):
            return _unambiguous(replace(dump, columns=names))
    raise BadInputError(f"columns {','.join(names)[:80]!r} without {', '.join(missing)}")


def _unambiguous(layout: Layout) -> Layout:
    for name in layout.columns_to_read:
        if layout.columns.count(name) > 1:
            raise BadInputError(f"column {name} twice")
    return layout


def _without_header(fields: tuple[str, ...]) -> Layout:
    """The layout of a Binance or OKX file without a header; raises `BadInputError` for any other file.

    The positions of words among the numbers decide.
    """
    is_boolean = [field in _BOOLEANS for field in fields]
    if len(fields) in (7, 8) and is_boolean[6] and not is_boolean[5]:
        return replace(_AGGREGATE, header=False, columns=(*_AGGREGATE_COLUMNS, "is_best_match")[: len(fields)])
    if len(fields) in (6, 7) and is_boolean[5]:
        return replace(_SINGLE, header=False, columns=(*_SINGLE_COLUMNS, "is_best_match")[: len(fields)])
    if len(fields) == 5 and fields[1] in _SIDES:
        return replace(_OKX, header=False, columns=_OKX_COLUMNS, constant=())
    raise BadInputError(f"{len(fields)} columns without a header")
