"""The TPO profile of each session in a trades file or a stored market, as JSON or a table.

Prices are decimal text. `letters`, `single_prints` and `poc_row` name rows by their lower edge; `poc`, `vah` and `val` are the
prices that the screen shows (see `app.market.price_grid`); the initial balance and the midpoint are traded prices (see
`app.analytics.tpo`). Without trades in the first two brackets there is no initial balance; `ib_complete` is false, and the
initial balance so far is given, until both brackets have trades and a later one has begun.
"""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from rich.console import Console

from app.analytics.tpo import TpoProfile, tpo_of_trades
from app.analytics.value_area import ValueAreaMethod
from app.entry.commands.common import Reading, read
from app.entry.commands.footprint import price_text
from app.errors import BadInputError
from app.market.arrays import Int64Array
from app.market.bar_rule import BarRule
from app.market.price_grid import PriceGrid
from app.market.session import Period, PeriodRule, SessionRule, division_numbers
from app.market.span import Span
from app.market.times import local_iso_text


@dataclass(frozen=True, slots=True)
class TpoRequest:
    """Options of `tapeprint tpo`.

    Attributes
    ----------
    ticks_per_row : int
    bracket : BarRule
        Length of a bracket: the time of one letter.
    timezone : str
    session : SessionRule or None
        The part of the day that counts; None: all of it.
    method, percent : ValueAreaMethod, int
    as_json : bool
    """

    ticks_per_row: int
    bracket: BarRule
    timezone: str
    session: SessionRule | None
    method: ValueAreaMethod
    percent: int
    as_json: bool


def print_tpo(path: Path, reading: Reading, request: TpoRequest) -> None:
    """Print the TPO profile of every session in a trades file or a stored market, oldest first.

    Raises
    ------
    BadInputError
        If the file or the request is invalid, or no trade is inside a session.
    """
    if not 1 <= request.percent <= 100:
        raise BadInputError(f"percent: found {request.percent}, expected 1 to 100")
    found = read(path, reading)
    grid = found.instrument.grid(request.ticks_per_row)
    profiles = tpo_by_session(found.trades.time_ns, found.trades.price_ticks, grid, request)
    if not profiles:
        raise BadInputError(f"{path}: no trades inside any session")
    results = [_result(profile, grid, request) for profile in profiles]
    if request.as_json:
        sys.stdout.buffer.write(msgspec.json.encode(results) + b"\n")
        sys.stdout.buffer.flush()
    else:
        for result in results:
            _print_session(result, request)


def tpo_by_session(time_ns: Int64Array, price_ticks: Int64Array, grid: PriceGrid, request: TpoRequest) -> list[TpoProfile]:
    """The TPO profile of every session with trades, oldest first."""
    division = request.session or PeriodRule(Period.DAY, request.timezone)
    order = np.argsort(time_ns, kind="stable")
    time_ns, price_ticks = time_ns[order], price_ticks[order]
    piece, starts = division_numbers(division, time_ns)
    bounds = np.append(np.flatnonzero(np.diff(piece, prepend=-1)), len(piece)).tolist()
    profiles: list[TpoProfile] = []
    for first, end in itertools.pairwise(bounds):
        start_ns = int(starts[piece[first]])
        if request.session is None or any(span.start_ns == start_ns for span in request.session.sessions(Span(start_ns, start_ns + 1))):
            profiles.append(tpo_of_trades(time_ns[first:end], price_ticks[first:end], grid, start_ns, request.bracket.length_ns))
    return profiles


def _result(profile: TpoProfile, grid: PriceGrid, request: TpoRequest) -> dict[str, Any]:
    area = profile.value_area(request.percent, request.method)
    balance = profile.initial_balance
    rows = [(grid.row_text(profile.first_row + row), letters) for row, letters in enumerate(profile.letters())]
    return {
        "start": local_iso_text(profile.start_ns, request.timezone),
        "letters": {price: letters for price, letters in rows if letters},
        "ib_high": None if balance is None else grid.text(balance[1]),
        "ib_low": None if balance is None else grid.text(balance[0]),
        "ib_complete": profile.initial_balance_complete,
        "poc": grid.text(grid.row_price_ticks(area.poc_row)),
        "vah": grid.text(grid.row_top_ticks(area.high_row)),
        "val": grid.row_text(area.low_row),
        "poc_row": grid.row_text(area.poc_row),
        "midpoint": _half_tick(profile.midpoint_ticks, grid),
        "single_prints": [grid.row_text(row) for row in profile.single_prints.tolist()],
        "poor_high": profile.poor_high,
        "poor_low": profile.poor_low,
        "rotation_factor": profile.rotation_factor,
    }


def _half_tick(ticks: Fraction, grid: PriceGrid) -> str:
    whole = ticks.denominator == 1
    return price_text(ticks, grid.tick_size, grid.decimals + (not whole))


def _print_session(result: dict[str, Any], request: TpoRequest) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(result["start"])
    width = max(len(price) for price in result["letters"])
    single = set(result["single_prints"])
    for price, letters in reversed(result["letters"].items()):
        mark = "POC" if price == result["poc_row"] else "single" if price in single else ""
        console.print(f"{price:>{width}}  {letters}  {mark}".rstrip(), markup=False)
    rule = f"({request.percent} % {request.method.value})"
    console.print(f"POC {result['poc']}   VAL {result['val']}   VAH {result['vah']}   {rule}   midpoint {result['midpoint']}")
    poor = " and ".join(name for name in ("high", "low") if result[f"poor_{name}"]) or "neither"
    console.print(f"{_balance_text(result)}   rotation {result['rotation_factor']:+d}   poor: {poor}\n")


def _balance_text(result: dict[str, Any]) -> str:
    if result["ib_low"] is None:
        return "initial balance not complete: no trades in the first two brackets"
    range_text = f"{result['ib_low']} to {result['ib_high']}"
    return f"initial balance {range_text}" if result["ib_complete"] else f"initial balance so far {range_text} (not complete)"
