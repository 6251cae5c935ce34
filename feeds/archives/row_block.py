"""Conversion of a block of text rows to integer columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from app.errors import OffGridError
from app.market.arrays import AnyArray, BoolArray, Int8Array, Int64Array
from app.market.decimals import to_steps
from app.market.price_grid import PriceGrid
from feeds.archives.float_noise import rounded_to_steps, without_noise
from feeds.archives.layouts import Layout
from feeds.archives.row_error import RowError, quoted
from feeds.archives.time_parsing import times_ns

_MOST_PLACES = 18
_ZERO = r"^[+-]?0*\.?0+\.?([eE][+-]?[0-9]+)?$"
_PLAIN, _LONGEST = frozenset("+-.0123456789eE"), 40  # characters that a message shows without quotes


@dataclass(frozen=True, slots=True, eq=False)
class RowBlock:
    """Rows of a file as columns, int64 except the side.

    Attributes
    ----------
    time_ns, price_ticks, trade_id : int64 [shape=(n,)]
    side : int8 [shape=(n,)]
    steps : int64 [shape=(n,)]
        Quantities as multiples of `10**-places`, or in lots if the lot size was given.
    places : int
        Decimal places that the quantities of this block need; 0 if the lot size was given.
    noise : int
        Prices and quantities that were rounded because of float noise.
    """

    time_ns: Int64Array
    price_ticks: Int64Array
    steps: Int64Array
    side: Int8Array
    trade_id: Int64Array
    places: int
    noise: int = 0

    def without(self, rows: BoolArray) -> RowBlock:
        """The block without the rows marked in `rows`, bool [shape=(n,)]."""
        columns = {name: getattr(self, name)[~rows] for name in ("time_ns", "price_ticks", "steps", "side", "trade_id")}
        return replace(self, **columns)


def read_block(
    table: pa.RecordBatch, layout: Layout, grid: PriceGrid, lot_size: Decimal | None, ids: Callable[[pa.RecordBatch], Int64Array]
) -> RowBlock:
    """Convert a table of text to a block; `ids` reads the ids, int64 [shape=(n,)].

    Raises
    ------
    RowError
        For the first row that is not a valid trade.
    """
    quantity, noise = table.column(layout.quantity), 0
    if not lot_size:
        quantity, noise = without_noise(quantity)
    places = 0 if lot_size else decimal_places_of(quantity)
    step = lot_size or Decimal(1).scaleb(-places)

    def prices() -> Int64Array:
        nonlocal noise
        texts = _priced(table.column(layout.price), quantity, grid)
        ticks, more = _near_steps(lambda some: _numbers(grid.ticks, some, "price"), texts, grid.tick_size)
        noise += more
        return ticks

    def lots(texts: pa.Array) -> Int64Array:
        return to_steps(texts, step, "quantity")

    def quantities() -> Int64Array:
        nonlocal noise
        steps, more = _near_steps(lambda some: not_negative(lots, some, "quantity"), quantity, step)
        noise += more
        return steps

    # of a row with several faults the first in this order is reported
    readers: dict[str, Callable[[], AnyArray]] = {
        "time_ns": lambda: times_ns(table.column(layout.time)),
        "price_ticks": prices,
        "steps": quantities,
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
    return RowBlock(**columns, places=places, noise=noise)


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
    """The number of decimal places of one number as text, without trailing zeros; negative for a multiple of ten.

    0 for a text that is not a number; such a text is rejected later.
    """
    try:
        value = Decimal(text)
    except ArithmeticError:
        return 0
    digits, exponent = value.as_tuple()[1:]
    if not isinstance(exponent, int) or not value:
        return 0
    return -exponent - (len(digits) - len("".join(map(str, digits)).rstrip("0")))


def _near_steps(convert: Callable[[pa.Array], Int64Array], texts: pa.Array, step: Decimal) -> tuple[Int64Array, int]:
    """Convert prices to ticks, or quantities to lots; if a text does not fit, round float noise first. Also return how many were rounded.

    Raises `RowError` if a text does not fit even so.
    """
    try:
        return convert(texts), 0
    except RowError:
        rounded, noise = rounded_to_steps(texts, step)
        if not noise:
            raise
        return convert(rounded), noise


def _priced(prices: pa.Array, quantities: pa.Array, grid: PriceGrid) -> pa.Array:
    """Prices as text; a zero price becomes one tick where the quantity is zero too, as in rows that venues leave for lost trades."""
    zeros = _zeros(prices)
    if not zeros.any():
        return prices
    both = pa.array(zeros & _zeros(quantities))
    return pc.call_function("if_else", [both, pa.scalar(f"{grid.tick_size:f}"), prices])


def _zeros(texts: pa.Array) -> BoolArray:
    found = pc.call_function("match_substring_regex", [texts], options=pc.MatchSubstringOptions(_ZERO))
    return found.to_numpy(zero_copy_only=False)


def _numbers(convert: Callable[[pa.Array], Int64Array], texts: pa.Array, what: str) -> Int64Array:
    try:
        return convert(texts)
    except OffGridError as error:
        _, said, expected = error.user_message.rpartition(", expected ")
        plain = 0 < len(error.value) <= _LONGEST and _PLAIN.issuperset(error.value)
        found = f"{what} {error.value if plain else quoted(error.value)}"
        off_grid = expected.startswith("a multiple of")
        raise RowError(error.index, found, expected if said else "one that fits in 64 bits", off_grid=off_grid) from None


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
