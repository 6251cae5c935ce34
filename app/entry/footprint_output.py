"""Bars with their cells as JSON lines, CSV or Parquet.

Prices and quantities are decimal text. `cells` stand lowest row first; a cell's `price` and the bar's `poc` are
lower edges of rows, `val` and `vah` are the lower edge of the lowest and the upper edge of the highest row of the
value area. `cvd` and `vwap` run from the first trade; the VWAP is rounded half to even at four digits more than a
price has. CSV and Parquet hold one row a cell, with the bar's figures repeated.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from app.analytics.bar_figures import BarFigures
from app.analytics.delta import cvd
from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import zones_of
from app.analytics.vwap import bar_turnover
from app.chart import ChartSpec
from app.errors import BadInputError
from app.market.decimals import format_scaled
from app.market.trade import BUY

_VWAP_DIGITS = 4


def bar_objects(series: FootprintSeries, spec: ChartSpec) -> Iterator[dict[str, Any]]:
    """One object a bar, fields as the command line documents them."""
    if not series.n_bars:
        return
    grid, quantity = series.grid, spec.instrument.quantity_text
    figures = BarFigures(series, spec.value_area_method, spec.value_area_percent, spec.imbalance)
    pocs = figures.poc_rows(0, series.n_bars).tolist()
    lows, highs = (rows.tolist() for rows in figures.value_areas(0, series.n_bars))
    flags = figures.imbalances(0, series.n_bars)
    kinds = (flags.buy + 2 * flags.sell.astype(int)).tolist()
    zones: dict[int, list[dict[str, str]]] = {}
    found = zones_of(series, 0, series.n_bars, flags, spec.imbalance.stacked)
    for zone_bar, low_row, high_row, side in zip(*(column.tolist() for column in found), strict=True):
        edges = {"low": grid.row_text(low_row), "high": grid.row_text(high_row + 1)}
        zones.setdefault(zone_bar, []).append({"side": "buy" if side == BUY else "sell", **edges})
    running = cvd(series).tolist()
    price_volume, volume = list(accumulate(bar_turnover(series))), list(accumulate(series.volume.tolist()))
    columns = ("open", "high", "low", "close", "trades", "volume", "buy", "sell", "delta_min", "delta_max", "cell_start")
    plain = {name: getattr(series, name).tolist() for name in columns}
    cell_buy, cell_sell = series.cell_buy.tolist(), series.cell_sell.tolist()
    for bar in range(series.n_bars):
        start, first_row = plain["cell_start"][bar], int(series.first_row[bar])
        n_rows = int(series.n_rows[bar])
        yield {
            "start_ns": series.start_ns(bar),
            **{name: grid.text(plain[name][bar]) for name in ("open", "high", "low", "close")},
            "trades": plain["trades"][bar],
            **{name: quantity(plain[name][bar]) for name in ("volume", "buy", "sell")},
            "delta": quantity(plain["buy"][bar] - plain["sell"][bar]),
            **{name: quantity(plain[name][bar]) for name in ("delta_min", "delta_max")},
            "cvd": quantity(running[bar]),
            "vwap": price_text(Fraction(price_volume[bar], volume[bar]), grid.tick_size, grid.decimals + _VWAP_DIGITS),
            "poc": grid.row_text(pocs[bar]),
            "vah": grid.row_text(highs[bar] + 1),
            "val": grid.row_text(lows[bar]),
            "cells": [
                {
                    "price": grid.row_text(first_row + row),
                    "buy": quantity(cell_buy[start + row]),
                    "sell": quantity(cell_sell[start + row]),
                    "imbalance": (None, "buy", "sell", "both")[kinds[start + row]],
                }
                for row in range(n_rows)
            ],
            "stacked": zones.get(bar, []),
        }


def price_text(ticks: Fraction, tick_size: Decimal, digits: int) -> str:
    """A price that lies between ticks, rounded half to even at `digits` behind the point."""
    return format_scaled(round(ticks * Fraction(tick_size) * 10**digits), digits)


def write_bars(bars: Iterator[dict[str, Any]], out: Path | None) -> None:
    """Write bars to a file, its kind told by its ending, or as JSON lines to standard output.

    Raises
    ------
    BadInputError
        If the ending is none we know, or the file cannot be written.
    """
    if out is None:
        import sys

        for bar in bars:
            sys.stdout.buffer.write(msgspec.json.encode(bar) + b"\n")
        sys.stdout.buffer.flush()
        return
    writers = {".jsonl": _json_lines, ".csv": _csv, ".parquet": _parquet}
    if out.suffix not in writers:
        raise BadInputError(f"{out}: found the ending {out.suffix!r}, expected {', '.join(writers)}")
    try:
        writers[out.suffix](bars, out)
    except OSError as error:
        raise BadInputError(f"{out}: cannot be written: {error.strerror or error}") from None


def _json_lines(bars: Iterator[dict[str, Any]], out: Path) -> None:
    with out.open("wb") as file:
        for bar in bars:
            file.write(msgspec.json.encode(bar) + b"\n")


_BAR_FIELDS = (
    *("start_ns", "open", "high", "low", "close", "trades", "volume", "buy", "sell"),
    *("delta", "delta_min", "delta_max", "cvd", "vwap", "poc", "vah", "val"),
)
_CELL_FIELDS = ("price", "buy", "sell", "imbalance")


def _rows(bars: Iterator[dict[str, Any]]) -> Iterator[list[Any]]:
    for bar in bars:
        ahead = [bar[name] for name in _BAR_FIELDS]
        for cell in bar["cells"]:
            yield [*ahead, *(cell[name] for name in _CELL_FIELDS)]


def _csv(bars: Iterator[dict[str, Any]], out: Path) -> None:
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*_BAR_FIELDS, *(f"cell_{name}" for name in _CELL_FIELDS)])
        writer.writerows(_rows(bars))


def _parquet(bars: Iterator[dict[str, Any]], out: Path) -> None:
    names = [*_BAR_FIELDS, *(f"cell_{name}" for name in _CELL_FIELDS)]
    kinds = [pa.int64() if name in ("start_ns", "trades") else pa.string() for name in names]
    columns = list(zip(*_rows(bars), strict=True)) or [() for _ in names]
    table = pa.table([pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)], names=names)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    out.write_bytes(buffer.getvalue())
