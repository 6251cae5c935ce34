"""The value area of a calendar period from a candle file, as JSON or a table.

Prices and volumes are decimal text. Row edges lie between ticks; they are written with eight decimal places more than the
file's prices, without trailing zeros. `poc` is the middle of its row, a row's `price` its lower edge.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from app.analytics.candle_value_area import CandlePrice, candle_profile, candle_value_area
from app.analytics.value_area import ValueAreaMethod
from app.entry.commands.common import parse_time, print_note
from app.entry.commands.footprint import price_text
from app.errors import BadInputError
from app.market.decimals import decimal_places, step_text
from app.market.session import PeriodRule, day_start_ns, span_at, span_before
from app.market.span import Span
from app.market.times import local_iso_text
from feeds.archives.candle_file import CandleFile, read_candle_file

_MORE_DIGITS = 8
_LISTED = 10


@dataclass(frozen=True, slots=True)
class CandlesRequest:
    """Options of `tapeprint candles`.

    Attributes
    ----------
    rule : PeriodRule
    rows : int
    price : CandlePrice
    as_of : str or None
        A date in the rule's time zone, or a time; None: the time of the last candle.
    current : bool
        True: the period that contains that time, instead of the one before.
    method, percent : ValueAreaMethod, int
    as_json : bool
    """

    rule: PeriodRule
    rows: int
    price: CandlePrice
    as_of: str | None
    current: bool
    method: ValueAreaMethod
    percent: int
    as_json: bool


def print_candles(path: Path, request: CandlesRequest, quiet: bool) -> None:
    """Print the value area and rows of one period, as JSON or a table.

    Raises
    ------
    BadInputError
        If the file or the request cannot be used, or no candle starts in the period.
    """
    if not 1 <= request.percent <= 100:
        raise BadInputError(f"percent: found {request.percent}, expected 1 to 100")
    found = read_candle_file(path)
    result = _result(path, found, request)
    missing = result.pop("missing")
    if result["candles"] * found.candles.length_ns < result.pop("length_ns"):
        print_note(f"{path}: the {request.rule.period.value} is incomplete, {result['candles']} candles", quiet)
    for line in _missing_lines(missing, found.candles.length_ns, request.rule.timezone):
        print_note(f"{path}: {line}", quiet)
    if request.as_json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()
    else:
        _print_table(result, request)


def _result(path: Path, found: CandleFile, request: CandlesRequest) -> dict[str, Any]:
    rule = request.rule
    at_ns = int(found.candles.start_ns[-1]) if request.as_of is None else _parse_as_of(request.as_of, rule.timezone)
    span = (span_at if request.current else span_before)(rule, at_ns)
    inside = found.candles.within(span)
    start, end = (local_iso_text(edge, rule.timezone) for edge in (span.start_ns, span.end_ns))
    if not len(inside):
        ends = (local_iso_text(int(found.candles.start_ns[place]), rule.timezone) for place in (0, -1))
        raise BadInputError(f"{path}: candles cover {' to '.join(ends)}, none between {start} and {end}")
    if not inside.volume.any():
        raise BadInputError(f"{path}: no volume between {start} and {end}")
    profile = candle_profile(inside, request.rows, request.price)
    area = candle_value_area(profile, request.percent, request.method)
    digits = decimal_places(found.tick_size) + _MORE_DIGITS

    def price(ticks: Fraction | int) -> str:
        text = price_text(Fraction(ticks), found.tick_size, digits)
        return text.rstrip("0").rstrip(".")

    return {
        "period_start": start,
        "period_end": end,
        "candles": len(inside),
        "low": price(profile.low),
        "high": price(profile.high),
        "poc": price(profile.middle_ticks(area.poc_row)),
        "vah": price(profile.edge_ticks(area.high_row + 1)),
        "val": price(profile.edge_ticks(area.low_row)),
        "rows": [
            {"price": price(profile.edge_ticks(row)), "volume": step_text(lots, found.lot_size)}
            for row, lots in enumerate(profile.volume.tolist())
        ],
        "length_ns": span.length_ns,
        "missing": found.missing(span),
    }


def _missing_lines(missing: list[Span], length_ns: int, timezone: str) -> list[str]:
    """One line for each run of missing candles, at most ten, and a line with the number of further runs."""

    def line(span: Span) -> str:
        n = -(-span.length_ns // length_ns)
        begin, end = (local_iso_text(edge, timezone) for edge in (span.start_ns, span.end_ns))
        return f"{n:,} candle{'s' if n > 1 else ''} missing, {begin} to {end}"

    more = [f"and {len(missing) - _LISTED:,} more gaps"] if len(missing) > _LISTED else []
    return [*map(line, missing[:_LISTED]), *more]


def _parse_as_of(text: str, timezone: str) -> int:
    """Parse a time, or a date (its start in a time zone), to nanoseconds since 1970; raises `BadInputError` for other text."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return parse_time(text)
    try:
        return day_start_ns(date.fromisoformat(text), timezone)
    except ValueError:
        raise BadInputError(f"--as-of: found {text!r}, expected a date such as 2026-11-21") from None


def _print_table(result: dict[str, Any], request: CandlesRequest) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False)
    for name in ("price", "volume"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    val, vah, poc = (Fraction(result[name]) for name in ("val", "vah", "poc"))
    edges = [Fraction(row["price"]) for row in result["rows"]] + [Fraction(result["high"])]
    for place in reversed(range(len(result["rows"]))):
        row = result["rows"][place]
        mark = "POC" if edges[place] <= poc <= edges[place + 1] else "│" if val <= edges[place] < vah else ""
        table.add_row(row["price"], row["volume"], mark)
    console.print(table)
    console.print(f"{result['period_start']} to {result['period_end']}   {result['candles']} candles", soft_wrap=True)
    rule = f"({request.percent} % {request.method.value}, {request.price.value})"
    console.print(f"POC {result['poc']}   VAL {result['val']}   VAH {result['vah']}   {rule}", soft_wrap=True)
