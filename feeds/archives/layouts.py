"""Which column of a trades file holds what, told from its first line."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import BadInputError

_GENERIC = ("time", "price", "quantity", "side")
_BINANCE_AGGREGATE = ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time", "is_buyer_maker")
_BINANCE_TRADES = ("id", "price", "qty", "quote_qty", "time", "is_buyer_maker")
_BOOLEANS = {"true", "false"}


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a trades file keeps its columns.

    Attributes
    ----------
    name : str
        For messages.
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

    name: str
    header: bool
    columns: tuple[str, ...]
    time: str
    price: str
    quantity: str
    side: str
    trade_id: str | None
    side_words: dict[str, int]


_SIDES = {"buy": 1, "sell": -1, "unknown": 0}
_BUYER_WAS_MAKER = {"true": -1, "false": 1}


def layout_of(first_line: str) -> Layout:
    """The layout of a CSV file that begins with this line.

    Raises
    ------
    BadInputError
        If it is none that we know; the text names what is missing.
    """
    fields = tuple(field.strip().strip('"') for field in first_line.lstrip("\ufeff").rstrip("\r\n").split(","))
    names = tuple(field.lower() for field in fields)
    if _is_number(fields[0]):
        return _binance_without_header(fields)
    if set(_BINANCE_AGGREGATE) <= set(names):
        return Layout(
            "Binance aggTrades", True, names, "transact_time", "price", "quantity", "is_buyer_maker", "agg_trade_id", _BUYER_WAS_MAKER
        )
    if set(_BINANCE_TRADES) <= set(names):
        return Layout("Binance trades", True, names, "time", "price", "qty", "is_buyer_maker", "id", _BUYER_WAS_MAKER)
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
    twice = [name for name in (*_GENERIC, "trade_id") if names.count(name) > 1]
    if twice:
        raise BadInputError(f"column {twice[0]} twice")
    trade_id = "trade_id" if "trade_id" in names else None
    return Layout("trades", True, names, "time", "price", "quantity", "side", trade_id, _SIDES)


def _binance_without_header(fields: tuple[str, ...]) -> Layout:
    """Dumps of spot, and of futures before 2022: aggregate trades and trades differ in where the truth values stand."""
    is_boolean = [field.lower() in _BOOLEANS for field in fields]
    if len(fields) in (7, 8) and is_boolean[6] and not is_boolean[5]:
        names = (*_BINANCE_AGGREGATE, "is_best_match")[: len(fields)]
        return Layout(
            "Binance aggTrades", False, names, "transact_time", "price", "quantity", "is_buyer_maker", "agg_trade_id", _BUYER_WAS_MAKER
        )
    if len(fields) in (6, 7) and is_boolean[5]:
        names = (*_BINANCE_TRADES, "is_best_match")[: len(fields)]
        return Layout("Binance trades", False, names, "time", "price", "qty", "is_buyer_maker", "id", _BUYER_WAS_MAKER)
    raise BadInputError(f"{len(fields)} columns without a header")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
