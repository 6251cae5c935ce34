"""Which column of a trades file holds what, told from its first line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.errors import BadInputError

_GENERIC = ("time", "price", "quantity", "side")
_AGGREGATE = ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker")
_SINGLE = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker")
_BOOLEANS = {"true", "false"}
_SIDES = {"buy": 1, "sell": -1, "unknown": 0}
_BUYER_WAS_MAKER = {"true": -1, "false": 1}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a trades file keeps its columns.

    Attributes
    ----------
    header : bool
        Whether the first line is one.
    columns : tuple of str
        All columns of the file, in order, by the names used below.
    time, price, quantity, side : str
        Names of the columns.
    trade_id : str or None
        None where the order of the rows is the order of the tape.
    side_words : dict
        What the side column says, lower case, and the aggressor it means.
    """

    header: bool
    columns: tuple[str, ...]
    time: str
    price: str
    quantity: str
    side: str
    trade_id: str | None
    side_words: dict[str, int]

    @property
    def wanted(self) -> list[str]:
        """The columns that are read, each once."""
        return [name for name in (self.time, self.price, self.quantity, self.side, self.trade_id) if name]


def layout_of(first_record: Sequence[str]) -> Layout:
    """The layout of a CSV file that begins with these fields.

    Raises
    ------
    BadInputError
        If it is none that we know; the text names what is missing.
    """
    names = tuple(field.strip().lower() for field in first_record)
    if names[0].isascii() and names[0].isdigit():
        return _binance_without_header(names)
    if set(_AGGREGATE) <= set(names):
        return _aggregate(True, names)
    if {"id", "price", "qty", "time", "is_buyer_maker"} <= set(names):  # the fourth is quote_qty or, for coin-margined futures, base_qty
        return _single(True, names)
    return generic_layout(names)


def generic_layout(names: tuple[str, ...]) -> Layout:
    """The layout of a table with columns of these names.

    Raises
    ------
    BadInputError
        If one that is needed is not there, or there twice.
    """
    missing = [name for name in _GENERIC if name not in names]
    if missing:
        raise BadInputError(f"columns {','.join(names)[:80]!r} without {', '.join(missing)}")
    trade_id = "trade_id" if "trade_id" in names else None
    return _unambiguous(Layout(True, names, "time", "price", "quantity", "side", trade_id, _SIDES))


def _aggregate(header: bool, names: tuple[str, ...]) -> Layout:
    return _unambiguous(Layout(header, names, "transact_time", "price", "quantity", "is_buyer_maker", "agg_trade_id", _BUYER_WAS_MAKER))


def _single(header: bool, names: tuple[str, ...]) -> Layout:
    return _unambiguous(Layout(header, names, "time", "price", "qty", "is_buyer_maker", "id", _BUYER_WAS_MAKER))


def _unambiguous(layout: Layout) -> Layout:
    for name in layout.wanted:
        if layout.columns.count(name) > 1:
            raise BadInputError(f"column {name} twice")
    return layout


def _binance_without_header(fields: tuple[str, ...]) -> Layout:
    """Dumps of spot, and of futures before 2022: aggregate trades and trades differ in where the truth values stand."""
    is_boolean = [field in _BOOLEANS for field in fields]
    if len(fields) in (7, 8) and is_boolean[6] and not is_boolean[5]:
        return _aggregate(False, (*_AGGREGATE, "is_best_match")[: len(fields)])
    if len(fields) in (6, 7) and is_boolean[5]:
        return _single(False, (*_SINGLE, "is_best_match")[: len(fields)])
    raise BadInputError(f"{len(fields)} columns without a header")
