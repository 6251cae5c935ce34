"""The commands that need no window: footprint, profile and snapshot."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from app.analytics.nodes import peaks
from app.analytics.profile import VolumeProfile, profile_of_trades
from app.analytics.value_area import ValueAreaMethod, value_area
from app.analytics.vwap import VwapAccumulator
from app.chart import Chart, ChartSpec, build
from app.entry.footprint_output import bar_objects, price_text, write_bars
from app.errors import BadInputError, EmptyProfileError
from app.market.bar_rule import BarRule
from app.market.price_grid import PriceGrid, nice_ticks_per_row, ticks_per_row_for
from app.market.trade import TradeBatch
from app.settings import Settings
from app.storage.memory import TradeStore
from feeds.archives.trade_file import TradeFile, read_trade_file

ROW_SHARE_OF_PRICE = 1e-4  # the same as the window's first choice
_DEMO_ORIGIN_NS = 1_763_650_800 * 10**9  # 20 November 2025, 15:00 UTC: the same picture every time
_DEMO_NS = 3 * 3600 * 10**9


@dataclass(frozen=True, slots=True)
class Reading:
    """How a file of trades is read: tick size, lot size if known, and whether to keep quiet about it."""

    tick_size: Decimal
    lot_size: Decimal | None = None
    quiet: bool = False


def read(path: Path, reading: Reading) -> TradeFile:
    """The trades of a file, with progress and a word on what was left out, both on standard error."""
    with _progress(path.name, reading.quiet) as on_rows:
        found = read_trade_file(path, reading.tick_size, reading.lot_size, on_rows)
    if found.left_out and not reading.quiet:
        print(f"tapeprint: {path}: left out {found.left_out}", file=sys.stderr)  # noqa: T201
    return found


def footprint(path: Path, reading: Reading, settings: Settings, rule: BarRule, ticks_per_row: int, out: Path | None) -> None:
    """Write the bars of a file with their cells."""
    found = read(path, reading)
    spec = settings.chart_spec(found.instrument, rule, ticks_per_row)
    write_bars(bar_objects(build([found.trades], spec) if len(found.trades) else _empty(spec), spec), out)


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """What profile is asked for; either `ticks_per_row` or `rows` is set."""

    ticks_per_row: int | None
    rows: int | None
    anchor: str | None
    method: ValueAreaMethod
    percent: int
    as_json: bool


def profile(path: Path, reading: Reading, request: ProfileRequest) -> None:
    """Print the volume profile of a file."""
    if (request.ticks_per_row is None) == (request.rows is None):
        raise BadInputError("profile: expected either --ticks-per-row or --rows")
    if not 1 <= request.percent <= 100:
        raise BadInputError(f"percent: found {request.percent}, expected 1 to 100")
    found = read(path, reading)
    trades = found.trades
    if request.anchor is not None:
        trades = trades[trades.time_ns >= parse_time(request.anchor)]
    if not len(trades):
        raise EmptyProfileError(f"{path}: no trades to make a profile of")
    span = int(trades.price_ticks.max() - trades.price_ticks.min()) + 1
    ticks = request.ticks_per_row or ticks_per_row_for(span, request.rows or 1)
    grid = found.instrument.grid(ticks)
    vwap = VwapAccumulator()
    vwap.add(trades)
    result = _profile_object(profile_of_trades(trades, grid), vwap.exact_ticks, grid, found, request)
    if request.as_json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.buffer.flush()
    else:
        _print_profile(result, grid)


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
        "poc": grid.row_text(area.poc_row),
        "vah": grid.row_text(area.high_row + 1),
        "val": grid.row_text(area.low_row),
        "method": request.method.value,
        "percent": request.percent,
        "volume": quantity(sum(total)),
        "hvn": [grid.row_text(row) for row in nodes.high.tolist()],
        "lvn": [grid.row_text(row) for row in nodes.low.tolist()],
        "vwap": price_text(vwap, grid.tick_size, grid.decimals + 4),
    }


def _print_profile(result: dict[str, Any], grid: PriceGrid) -> None:
    console = Console()
    table = Table(box=None, pad_edge=False)
    for name in ("price", "sell", "buy", "total"):
        table.add_column(name, justify="right")
    table.add_column("")
    vah, val = Decimal(result["vah"]), Decimal(result["val"])
    for row in reversed(result["rows"]):
        price = Decimal(row["price"])
        mark = "POC" if row["price"] == result["poc"] else "│" if val <= price < vah else ""
        table.add_row(row["price"], row["sell"], row["buy"], row["total"], mark)
    console.print(table)
    console.print(f"POC {result['poc']}   VAL {result['val']}   VAH {result['vah']}   ({result['percent']} % {result['method']})")
    console.print(f"VWAP {result['vwap']}   volume {result['volume']}   rows of {grid.ticks_per_row} ticks ({grid.row_size.normalize():f})")


@dataclass(frozen=True, slots=True)
class SnapshotRequest:
    """What picture is asked for.

    Attributes
    ----------
    source : str
        `demo`, a trades file, or an instrument id.
    out : Path
    size : (int, int)
        Logical pixels.
    scale : float
    rule : BarRule
    ticks_per_row : int or None
        None: by the price.
    bars : int or None
        How many bars to show; None: as many as stay legible.
    colouring : str
    seconds : float
        How long a live instrument is listened to.
    seed : int
        Of the demo.
    """

    source: str
    out: Path
    size: tuple[int, int]
    scale: float
    rule: BarRule
    ticks_per_row: int | None
    bars: int | None
    colouring: str
    seconds: float
    seed: int


def snapshot(request: SnapshotRequest, reading: Reading | None, settings: Settings) -> None:
    """Write a picture of a chart; needs no display."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    chart, mode = _chart_of(request, reading, settings)
    if not chart.series.n_bars:
        raise BadInputError(f"{request.source}: no trades to draw")
    from app.entry.picture import write_picture  # Qt is loaded only when something is drawn

    write_picture(chart, mode, request, settings, f"Tapeprint {version('tapeprint')}")


def _chart_of(request: SnapshotRequest, reading: Reading | None, settings: Settings) -> tuple[Chart, str]:
    if request.source == "demo":
        from feeds.synthetic import TAPE, SyntheticMarket

        trades = SyntheticMarket(request.seed, _DEMO_ORIGIN_NS).until(_DEMO_ORIGIN_NS + _DEMO_NS)
        store = TradeStore()
        store.insert(trades)
        return _chart(settings.chart_spec(TAPE, request.rule, _ticks_per_row(request, trades)), store), "simulated"
    if Path(request.source).exists() or ":" not in request.source:
        if reading is None:
            raise BadInputError("snapshot of a file: expected --tick-size")
        found = read(Path(request.source), reading)
        store = TradeStore(contiguous=False)
        store.insert(found.trades)
        return _chart(settings.chart_spec(found.instrument, request.rule, _ticks_per_row(request, found.trades)), store), "replay"
    return asyncio.run(_collected(request, settings)), "live"


def _chart(spec: ChartSpec, store: TradeStore) -> Chart:
    chart = Chart(spec)
    chart.apply(store.trades(), store)
    if chart.refused:
        raise BadInputError(chart.refused)
    chart.holes = store.holes()
    return chart


async def _collected(request: SnapshotRequest, settings: Settings) -> Chart:
    """Listen to a live instrument for a while; the hours before are fetched as in the window."""
    from app.entry.markets import market_opener
    from app.ingest import Ingest

    market = await market_opener(settings, request.seed)(request.source)
    store = TradeStore()
    ingest = Ingest(market.feed, market.history, store, [], history_ns=market.history_ns)
    pump = asyncio.ensure_future(ingest.run())
    try:
        deadline = time.monotonic() + request.seconds
        # the past may need longer than was asked for; a minute more, and the picture says what is missing
        while time.monotonic() < deadline or (ingest.progress is not None and time.monotonic() < deadline + 60):
            done, _ = await asyncio.wait({pump}, timeout=0.2)
            if done:
                break
    finally:
        pump.cancel()
        await market.feed.aclose()
        await asyncio.gather(pump, return_exceptions=True)
    trades = store.trades()
    if not len(trades):
        raise BadInputError(f"{request.source}: no trade in {request.seconds:g} s ({market.feed.status.reason or 'a quiet market'})")
    return _chart(settings.chart_spec(market.instrument, request.rule, _ticks_per_row(request, trades)), store)


def _ticks_per_row(request: SnapshotRequest, trades: TradeBatch) -> int:
    if request.ticks_per_row is not None:
        return request.ticks_per_row
    return nice_ticks_per_row(float(trades.price_ticks[-1]) * ROW_SHARE_OF_PRICE) if len(trades) else 1


def _empty(spec: ChartSpec) -> Any:
    return build([], spec)


def parse_time(text: str) -> int:
    """Nanoseconds since 1970 of a time on the command line: a whole number (s, ms, µs or ns by magnitude) or ISO 8601.

    Raises
    ------
    BadInputError
        If it is neither.
    """
    if text.isascii() and text.isdigit():
        number = int(text)
        for limit, factor in ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3), (10**20, 1)):
            if number < limit:
                return number * factor
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInputError(f"time: found {text!r}, expected ISO 8601 as in 2026-11-21T15:30Z, or a number since 1970") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    whole = int(moment.replace(microsecond=0).timestamp())
    return whole * 10**9 + moment.microsecond * 1000


@contextmanager
def _progress(name: str, quiet: bool) -> Iterator[Any]:
    """A running count of rows on the terminal, if there is one to see it."""
    if quiet or not sys.stderr.isatty():
        yield lambda _rows: None
        return
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda rows: bar.update(task, completed=rows)
