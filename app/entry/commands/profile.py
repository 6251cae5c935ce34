"""`tapeprint profile`: the volume profile of a trades file or a stored market, as JSON or as a table.

Prices are decimal text. The `price` of a row, `poc_row`, `hvn` and `lvn` are lower edges of rows; `poc`, `vah` and `val` are the
prices that the screen shows (see `app.market.price_grid`).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from app.analytics.profile import VolumeProfile, profile_of_trades
from app.analytics.value_area import ValueAreaMethod, value_area
from app.analytics.volume_nodes import peaks
from app.analytics.vwap import VwapAccumulator
from app.entry.commands.common import Reading, parse_time, read
from app.entry.commands.footprint import VWAP_DIGITS, price_text
from app.errors import BadInputError, GridTooFineError
from app.market.bar_rule import BarRule
from app.market.price_grid import PriceGrid, ticks_per_row_for
from app.market.trade import TradeBatch
from feeds.archives.trade_file import TradeFile

_MAX_ROWS = 1 << 20  # some hundred megabytes of JSON: beyond it the row size is a mistake


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """Options of `tapeprint profile`.

    Attributes
    ----------
    ticks_per_row, rows : int or None
        Exactly one of them is set.
    anchor : str or None
        Start time as typed; trades before it do not count.
    bar : BarRule or None
        If set, the profile starts at the bar that contains the anchor.
    method, percent : ValueAreaMethod, int
        Settings of the value area.
    as_json : bool
    """

    ticks_per_row: int | None
    rows: int | None
    anchor: str | None
    bar: BarRule | None
    method: ValueAreaMethod
    percent: int
    as_json: bool


def profile(path: Path, reading: Reading, request: ProfileRequest) -> None:
    """Print the volume profile of a trades file or a stored market.

    Raises
    ------
    BadInputError
        If the options are invalid or contradict each other, no trades are left, or the profile has more than `_MAX_ROWS` rows.
    """
    if (request.ticks_per_row is None) == (request.rows is None):
        raise BadInputError("profile: pass exactly one of --ticks-per-row and --rows")
    if not 1 <= request.percent <= 100:
        raise BadInputError(f"percent: found {request.percent}, expected 1 to 100")
    if request.bar is not None and not request.bar.is_time:
        raise BadInputError(f"bar: found {request.bar.text} ({request.bar.title}), expected a time bar; anchors snap to time bars")
    start_ns = None if request.anchor is None else parse_time(request.anchor)
    if start_ns is not None and request.bar is not None:
        start_ns = request.bar.start_ns(request.bar.number(start_ns))
    found = read(path, reading)
    trades = found.trades if start_ns is None else found.trades[found.trades.time_ns >= start_ns]
    if not len(trades):
        after = f" from {request.anchor}" if request.anchor and len(found.trades) else ""
        raise BadInputError(f"{path}: no trades{after}")
    grid = found.instrument.grid(_ticks_per_row(trades, request))
    vwap = VwapAccumulator()
    vwap.add(trades)
    result = _profile_object(profile_of_trades(trades, grid), vwap.exact_ticks, grid, found, request)
    if request.as_json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()
    else:
        _print_profile(result, grid)


def _ticks_per_row(trades: TradeBatch, request: ProfileRequest) -> int:
    span = int(trades.price_ticks.max() - trades.price_ticks.min()) + 1
    ticks = request.ticks_per_row or ticks_per_row_for(span, request.rows or 1)
    if span // ticks > _MAX_ROWS:
        wanted = -(-span // _MAX_ROWS)
        raise GridTooFineError(f"rows: {span // ticks:,} is more than {_MAX_ROWS:,}; use {wanted} or more ticks per row")
    return ticks


def _profile_object(shown: VolumeProfile, vwap: Fraction, grid: PriceGrid, found: TradeFile, request: ProfileRequest) -> dict[str, Any]:
    quantity = found.instrument.quantity_text
    area = value_area(shown, request.percent, request.method)
    nodes = peaks(shown)
    total = shown.total.tolist()
    return {
        "rows": [
            {"price": grid.row_text(shown.first_row + row), "buy": quantity(buy), "sell": quantity(sell), "total": quantity(total[row])}
            for row, (buy, sell) in enumerate(zip(shown.buy.tolist(), shown.sell.tolist(), strict=True))
        ],
        "ticks_per_row": grid.ticks_per_row,
        "poc": grid.text(grid.row_price_ticks(area.poc_row)),
        "vah": grid.text(grid.row_top_ticks(area.high_row)),
        "val": grid.row_text(area.low_row),
        "poc_row": grid.row_text(area.poc_row),
        "method": request.method.value,
        "percent": request.percent,
        "volume": quantity(sum(total)),
        "hvn": [grid.row_text(row) for row in nodes.high.tolist()],
        "lvn": [grid.row_text(row) for row in nodes.low.tolist()],
        "vwap": price_text(vwap, grid.tick_size, grid.decimals + VWAP_DIGITS),
    }


def _print_profile(result: dict[str, Any], grid: PriceGrid) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False)
    for name in ("price", "sell", "buy", "total"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    highest = Decimal(result["vah"]) - (grid.row_size if grid.ticks_per_row > 1 else 0)  # lower edge of the area's highest row
    lowest = Decimal(result["val"])
    for row in reversed(result["rows"]):
        price = Decimal(row["price"])
        mark = "POC" if row["price"] == result["poc_row"] else "│" if lowest <= price <= highest else ""
        table.add_row(row["price"], row["sell"], row["buy"], row["total"], mark)
    console.print(table)
    rule = f"({result['percent']} % {result['method']})"
    console.print(f"POC {result['poc']}   VAL {result['val']}   VAH {result['vah']}   {rule}", soft_wrap=True)
    console.print(f"VWAP {result['vwap']}   volume {result['volume']}   rows of {grid.ticks_per_row} ticks ({grid.row_size.normalize():f})")
