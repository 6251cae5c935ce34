"""`tapeprint footprint`: bars with their cells as JSON lines, CSV or Parquet.

Prices and quantities are decimal text. `cells` are in order from the lowest row; a cell's `price` and the bar's `poc_row`
are lower edges of rows; `poc`, `val` and `vah` are the prices that the screen shows (see `app.market.price_grid`). `cvd`
and `vwap` run from the first trade; the VWAP is rounded half to even to four decimal places more than a price has. CSV and
Parquet have one row per cell, with the bar's values repeated; `cell_stacked` has the sides of the stacked zones that the
cell lies in.
"""

from __future__ import annotations

import csv
import io
import itertools
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from app.analytics.bar_values import BarValues
from app.analytics.delta import cvd
from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import zones_from_marks
from app.analytics.vwap import bar_turnover
from app.chart.chart import ChartSpec, build_series
from app.entry.commands.common import Reading, read
from app.errors import BadInputError
from app.market.bar_rule import BarRule
from app.market.decimals import decimal_places, format_scaled
from app.market.instrument import Instrument
from app.market.trade import BUY
from app.settings.calculation import CalculationSettings
from app.settings.settings import Settings
from app.storage.atomic import replacing

VWAP_DIGITS = 4
"""Decimal places of a VWAP beyond those of a price."""
_IMBALANCES = (None, "buy", "sell", "both")


def footprint(path: Path, reading: Reading, settings: Settings, rule: BarRule, ticks_per_row: int, out: Path | None) -> None:
    """Write the bars of a trades file or a stored market, with their cells, to a file or as JSON lines to standard output.

    Raises
    ------
    BadInputError
        If the file is invalid, or the output cannot be written.
    """
    if out is not None:
        writer_of(out)  # before a long file is read
    found = read(path, reading)
    spec = ChartSpec(found.instrument, rule, ticks_per_row)
    series = build_series([found.trades], spec) if len(found.trades) else FootprintSeries(rule, found.instrument.grid(ticks_per_row))
    write_bars(bar_objects(series, found.instrument, settings.rules), out)


def bar_objects(series: FootprintSeries, instrument: Instrument, rules: CalculationSettings) -> Iterator[dict[str, Any]]:
    """Yield one dictionary per bar, with its values and its cells; prices and quantities are decimal text."""
    if not series.n_bars:
        return
    grid, quantity = series.grid, _writer_of_steps(instrument.lot_size)
    price, edge = _writer_of_steps(grid.tick_size), _writer_of_steps(grid.row_size)
    imbalance = rules.imbalance.of(instrument.lot_size)
    figures = BarValues(series, rules.value_area.method, rules.value_area.percent, imbalance)
    pocs = figures.poc_rows(0, series.n_bars).tolist()
    lows, highs = (rows.tolist() for rows in figures.value_areas(0, series.n_bars))
    flags = figures.imbalances(0, series.n_bars)
    kinds = (flags.buy + 2 * flags.sell.astype(int)).tolist()
    zones: dict[int, list[dict[str, str]]] = {}
    found = zones_from_marks(series, 0, series.n_bars, flags, imbalance.stacked)
    for zone_bar, low_row, high_row, side in zip(*(column.tolist() for column in found), strict=True):
        edges = {"low": edge(low_row), "high": edge(high_row + 1)}
        zones.setdefault(zone_bar, []).append({"side": "buy" if side == BUY else "sell", **edges})
    running = cvd(series).tolist()
    lots: list[int] = series.volume.tolist()
    price_volume, volume = list(itertools.accumulate(bar_turnover(series))), list(itertools.accumulate(lots))
    columns = ("open", "high", "low", "close", "trades", "volume", "buy", "sell", "delta_min", "delta_max", "cell_start")
    plain = {name: getattr(series, name).tolist() for name in columns}
    for bar in range(series.n_bars):
        first_row, buy, sell, _ = series.bar_cells(bar)
        start = plain["cell_start"][bar]
        yield {
            "start_ns": series.start_ns(bar),
            **{name: price(plain[name][bar]) for name in ("open", "high", "low", "close")},
            "trades": plain["trades"][bar],
            **{name: quantity(plain[name][bar]) for name in ("volume", "buy", "sell")},
            "delta": quantity(plain["buy"][bar] - plain["sell"][bar]),
            **{name: quantity(plain[name][bar]) for name in ("delta_min", "delta_max")},
            "cvd": quantity(running[bar]),
            "vwap": price_text(Fraction(price_volume[bar], volume[bar]), grid.tick_size, grid.decimals + VWAP_DIGITS),
            "poc": price(grid.row_price_ticks(pocs[bar])),
            "vah": price(grid.row_top_ticks(highs[bar])),
            "val": edge(lows[bar]),
            "poc_row": edge(pocs[bar]),
            "cells": [
                {"price": edge(row), "buy": quantity(bought), "sell": quantity(sold), "imbalance": _IMBALANCES[kind]}
                for row, (bought, sold, kind) in enumerate(
                    zip(buy.tolist(), sell.tolist(), kinds[start : start + len(buy)], strict=True), first_row
                )
            ],
            "stacked": zones.get(bar, []),
        }


def _writer_of_steps(step: Decimal) -> Callable[[int], str]:
    """Return the function that converts a number of ticks, rows or lots, each of size `step`, to decimal text.

    The step is parsed once, for hundreds of thousands of cells.
    """
    places = decimal_places(step)
    mantissa = int(step.scaleb(places))
    return lambda steps: format_scaled(steps * mantissa, places)


def price_text(ticks: Fraction, tick_size: Decimal, digits: int) -> str:
    """A price between ticks as text, rounded half to even to `digits` decimal places."""
    return format_scaled(round(ticks * Fraction(tick_size) * 10**digits), digits)


def write_bars(bars: Iterator[dict[str, Any]], out: Path | None) -> None:
    """Write bars to a file, in the format of its extension, or as JSON lines to standard output.

    Raises
    ------
    BadInputError
        If the extension is unknown, or the file cannot be written.
    """
    if out is None:
        _json_lines(bars, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    write = writer_of(out)
    try:
        with replacing(out) as file:
            write(bars, file)
    except OSError as error:
        raise BadInputError(f"cannot write {out}: {error.strerror or error}") from None


def writer_of(out: Path) -> Callable[[Iterator[dict[str, Any]], IO[bytes]], None]:
    """Return the function that writes bars in the format of the file's extension.

    Raises
    ------
    BadInputError
        If the extension is unknown.
    """
    writers = {".jsonl": _json_lines, ".csv": _csv, ".parquet": _parquet}
    if out.suffix.lower() not in writers:
        raise BadInputError(f"{out}: found extension {out.suffix!r}, expected {', '.join(writers)}")
    return writers[out.suffix.lower()]


def _json_lines(bars: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    for bar in bars:
        file.write(msgspec.json.encode(bar) + b"\n")


_ROWS_AT_ONCE = 1 << 16  # rows of Parquet, so that a long file is not in memory as Python objects all at once

_BAR_FIELDS = (
    *("start_ns", "open", "high", "low", "close", "trades", "volume", "buy", "sell"),
    *("delta", "delta_min", "delta_max", "cvd", "vwap", "poc", "vah", "val", "poc_row"),
)
_CELL_FIELDS = ("price", "buy", "sell", "imbalance")
_COLUMNS = (*_BAR_FIELDS, *(f"cell_{name}" for name in _CELL_FIELDS), "cell_stacked")


def _rows(bars: Iterator[dict[str, Any]]) -> Iterator[list[Any]]:
    for bar in bars:
        ahead = [bar[name] for name in _BAR_FIELDS]
        zones = [(zone["side"], Decimal(zone["low"]), Decimal(zone["high"])) for zone in bar["stacked"]]
        for cell in bar["cells"]:
            sides = {side for side, low, high in zones if low <= Decimal(cell["price"]) < high} if zones else ()
            yield [*ahead, *(cell[name] for name in _CELL_FIELDS), "both" if len(sides) == 2 else next(iter(sides), None)]


def _csv(bars: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    writer.writerows(_rows(bars))
    text.detach()  # flushed, and the file stays open


def _parquet(bars: Iterator[dict[str, Any]], file: IO[bytes]) -> None:
    schema = pa.schema([(name, pa.int64() if name in ("start_ns", "trades") else pa.string()) for name in _COLUMNS])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        rows = _rows(bars)
        while some := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(pa.table(dict(zip(_COLUMNS, zip(*some, strict=True), strict=True)), schema))
