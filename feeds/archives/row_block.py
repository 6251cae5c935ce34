"""Conversion of a block of text rows to integer columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.errors import OffGridError
from app.market.arrays import AnyArray, Int8Array, Int64Array
from app.market.decimals import to_steps
from app.market.price_grid import PriceGrid
from feeds.archives.layouts import Layout
from feeds.archives.row_error import RowError, quoted
from feeds.archives.time_parsing import times_ns

_MOST_PLACES = 18
_PLAIN, _LONGEST = frozenset("+-.0123456789eE"), 40  # characters that a message shows without quotes


@dataclass(frozen=True, slots=True, eq=False)
class RowBlock:
    """Rows of a file as columns, int64 except the side.

    Attributes
    ----------
    time_ns, price_ticks, trade_id : int64 [shape=(n,)]
    side : int8 [shape=(n,)]
    steps : int64 [shape=(n,)]
        Quantities in steps of `10**-places`, or in lots if the lot size was given.
    places : int
        Decimal places that the quantities of this block need; 0 if the lot size was given.
    """

    time_ns: Int64Array
    price_ticks: Int64Array
    steps: Int64Array
    side: Int8Array
    trade_id: Int64Array
    places: int


def read_block(
    table: pa.RecordBatch, layout: Layout, grid: PriceGrid, lot_size: Decimal | None, ids: Callable[[pa.RecordBatch], Int64Array]
) -> RowBlock:
    """Convert a table of text to a block; `ids` reads the ids, int64 [shape=(n,)].

    Raises
    ------
    RowError
        For the first row that is not a valid trade.
    """
    quantity = table.column(layout.quantity)
    places = 0 if lot_size else decimal_places_of(quantity)
    step = lot_size or Decimal(1).scaleb(-places)
    # of a row with several faults the first in this order is reported
    readers: dict[str, Callable[[], AnyArray]] = {
        "time_ns": lambda: times_ns(table.column(layout.time)),
        "price_ticks": lambda: _numbers(grid.ticks, table.column(layout.price), "price"),
        "steps": lambda: not_negative(lambda texts: to_steps(texts, step, "quantity"), quantity, "quantity"),
        "side": lambda: _sides(table.column(layout.side), layout.side_words),
        "trade_id": lambda: ids(table),
    }
    columns: dict[str, AnyArray] = {}
    wrong: list[RowError] = []
    for name, read in readers.items():
        try:
            columns[name] = read()
        except RowError as error:
            wrong.append(error)
    if wrong:
        raise min(wrong, key=lambda error: error.row)
    return RowBlock(**columns, places=places)


def decimal_places_of(texts: pa.Array) -> int:
    """The largest number of decimal places among numbers as text, without trailing zeros; at most 18."""
    most = 0
    with_exponent = pc.match_substring(texts, "e", ignore_case=True)
    if pc.any(with_exponent).as_py():
        most = max(_places_of(text) for text in texts.filter(with_exponent).to_pylist())
        texts = texts.filter(pc.invert(with_exponent))
    point = pc.find_substring(texts, ".")
    needed = pc.subtract(pc.subtract(pc.utf8_length(pc.utf8_rtrim(texts, "0")), point), 1)
    plain = pc.max(pc.if_else(pc.equal(point, -1), 0, needed)).as_py()
    return min(_MOST_PLACES, max(0, most, plain or 0))


def _places_of(text: str) -> int:
    """The number of decimal places of one number as text, without trailing zeros.

    0 for a text that is not a number; it is rejected later.
    """
    try:
        value = Decimal(text)
    except ArithmeticError:
        return 0
    digits, exponent = value.as_tuple()[1:]
    if not isinstance(exponent, int) or not value:
        return 0
    return -exponent - (len(digits) - len("".join(map(str, digits)).rstrip("0")))


def _numbers(convert: Callable[[pa.Array], Int64Array], texts: pa.Array, what: str) -> Int64Array:
    try:
        return convert(texts)
    except OffGridError as error:
        _, said, expected = error.user_message.rpartition(", expected ")
        plain = 0 < len(error.value) <= _LONGEST and _PLAIN.issuperset(error.value)
        found = f"{what} {error.value if plain else quoted(error.value)}"
        raise RowError(error.index, found, expected if said else "one that fits in 64 bits") from None


def not_negative(convert: Callable[[pa.Array], Int64Array], texts: pa.Array, what: str) -> Int64Array:
    """Convert texts to numbers by `convert`; raise if one is negative.

    Raises
    ------
    RowError
        For the first text that is unreadable or negative.
    """
    numbers = _numbers(convert, texts, what)
    if len(numbers) and numbers.min() < 0:
        row = int(np.argmax(numbers < 0))
        raise RowError(row, f"{what} {texts[row].as_py()[:_LONGEST]}", "a non-negative one")
    return numbers


def _sides(texts: pa.Array, words: dict[str, int]) -> Int8Array:
    code = pc.index_in(pc.ascii_lower(texts), pa.array(list(words), pa.string()))
    if code.null_count:
        row = int(np.argmax(pc.is_null(code).to_numpy(zero_copy_only=False)))
        raise RowError(row, f"side {quoted(texts[row].as_py())}", " or ".join(words))
    return np.array(list(words.values()), np.int8)[code.to_numpy(zero_copy_only=False)]
