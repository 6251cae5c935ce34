"""The command line of `tapeprint` and `python -m app`.

Exit codes: 0 for success, 2 for input that cannot be used, 130 after Ctrl+C, 1 for any other failure. A failure prints one
line on standard error.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import structlog
from cyclopts import App, CycloptsError, Parameter

from app import __version__
from app.analytics.value_area import ValueAreaMethod
from app.entry.commands.options import (
    Bar,
    Begin,
    End,
    Hosts,
    LotSize,
    Painter,
    Palette,
    Quiet,
    Seconds,
    SettingsFile,
    StoredPart,
    StoreFolder,
    Theme,
    TickSize,
    TicksPerRow,
    at_hosts,
    bar_of,
    reading_of,
    row_of,
    settings_of,
)
from app.errors import BadInputError, TapeprintError
from app.market.bar_rule import parse_bar_rule
from app.printable import printable, printable_values
from app.settings.settings import Settings

app = App(
    name="tapeprint",
    help="Live order-flow charts, exact to the trade.",
    version=__version__,
    version_flags=["--version"],
)

_COMMANDS = {
    "snapshot": ("snapshot_cli:snapshot", "Save a chart as PNG; no display needed."),
    "import": ("store_cli:import_", "Import trades files into the store; safe to repeat."),
    "export": ("store_cli:export", "Export stored trades to a file."),
    "backfill": ("store_cli:backfill", "Download missing trades of a time range; resumes where it stopped."),
    "verify": ("store_cli:verify", "Verify the store: exit code 0 if complete, 1 with a list of gaps and damaged files."),
    "collect": ("store_cli:collect", "Record markets without a window until Ctrl+C; the window can share the store."),
    "candles": ("period_cli:candles", "Print the value area of the previous day, week or month from candles."),
    "tpo": ("period_cli:tpo", "Print the TPO profile of each session in a trades file or a stored market."),
    "why": ("why_cli:why", "Explain a value: its rule, the arithmetic and the trades behind it."),
}
"""Commands in files of their own, which are loaded only when their command runs: by name, the function and its docstring's first line."""

for _name, (_place, _help) in _COMMANDS.items():
    app.command(f"{__package__}.commands.{_place}", name=_name, help=_help)


@app.default
def window(
    instrument: Annotated[str, Parameter(help="market to open, e.g. binance-usdm:ETHUSDT")] = "binance:BTCUSDT",
    /,
    *,
    demo: Annotated[bool, Parameter(negative="", help="open the built-in simulated market (no network needed)")] = False,
    theme: Theme = None,
    palette: Palette = None,
    painter: Painter = None,
    bar: Bar = None,
    ticks_per_row: TicksPerRow = None,
    hosts: Annotated[Hosts | None, Parameter(name="*")] = None,
    seconds: Seconds = None,
    store: StoreFolder = None,
    settings_file: SettingsFile = None,
) -> int:
    """Open the window."""
    from app.entry.display import require_display
    from app.entry.markets import require_venue

    settings = settings_of(settings_file, theme, palette, painter, store)
    instrument_id = "demo:TAPE" if demo else instrument
    require_venue(instrument_id)
    settings = at_hosts(settings, instrument_id, hosts)
    require_display()
    from app.entry.desktop import DesktopOptions, run_desktop

    return run_desktop(DesktopOptions(instrument_id, settings, _choice(bar, ticks_per_row, settings), seconds, None, settings_file))


@app.command
def replay(
    source: Annotated[str, Parameter(help="a trades file, or a stored instrument")],
    /,
    *,
    begin: Annotated[str | None, Parameter(name="--from", help="start time: ISO 8601 or Unix time")] = None,
    end: Annotated[str | None, Parameter(name="--to", help="end time (exclusive)")] = None,
    speed: Annotated[str, Parameter(help="replay speed, 0.1 to 1000, or max")] = "1",
    paused: Annotated[bool, Parameter(negative="", help="start paused at the first trade")] = False,
    tick_size: Annotated[str | None, Parameter(help="tick size, for a file")] = None,
    lot_size: LotSize = None,
    bar: Bar = None,
    ticks_per_row: TicksPerRow = None,
    theme: Theme = None,
    palette: Palette = None,
    painter: Painter = None,
    seconds: Seconds = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Replay recorded trades in the window."""
    from app.entry.commands.common import parse_span
    from app.entry.commands.replay import load_trades, parse_speed
    from app.entry.display import require_display
    from app.entry.player import Player, ReplayStart

    settings = settings_of(settings_file, theme, palette, painter, store)
    choice, start, span = _choice(bar, ticks_per_row, settings), ReplayStart(parse_speed(speed), paused), parse_span(begin, end)
    reading = None if tick_size is None else reading_of(tick_size, lot_size, quiet)
    require_display()
    player = Player(load_trades(source, span, reading, settings.store_folder()), start)
    from app.entry.desktop import DesktopOptions, run_desktop

    return run_desktop(DesktopOptions(player.instrument_id, settings, choice, seconds, player, settings_file))


@app.command
def footprint(
    file: Annotated[
        Path, Parameter(help="trades file: CSV or Parquet with time,price,quantity,side[,trade_id], a venue's own dump, or a stored market")
    ],
    /,
    *,
    tick_size: TickSize = None,
    lot_size: LotSize = None,
    bar: Bar = None,
    ticks_per_row: TicksPerRow = 1,
    begin: Begin = None,
    end: End = None,
    out: Annotated[
        Path | None, Parameter(name=["--out", "-o"], help="output file (.jsonl, .csv or .parquet); default: JSON lines to stdout")
    ] = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Write footprint bars from a trades file or a stored market."""
    from app.entry.commands.footprint import footprint as write_footprint

    settings = settings_of(settings_file, store=store)
    reading = reading_of(tick_size, lot_size, quiet, StoredPart(settings.store_folder(), begin, end))
    write_footprint(file, reading, settings, bar_of(bar, settings), row_of(ticks_per_row) or 1, out)
    return 0


@app.command
def profile(
    file: Annotated[Path, Parameter(help="trades file or stored market, as for footprint")],
    /,
    *,
    tick_size: TickSize = None,
    lot_size: LotSize = None,
    ticks_per_row: TicksPerRow = None,
    rows: Annotated[int | None, Parameter(help="number of rows over the whole range (instead of --ticks-per-row)")] = None,
    anchor: Annotated[str | None, Parameter(help="start time of the profile: ISO 8601 or Unix time")] = None,
    bar: Annotated[str | None, Parameter(help="start at the bar of this length that contains the anchor")] = None,
    method: Annotated[Literal["dalton", "tradingview", "single"], Parameter(help="value area method")] = "dalton",
    percent: Annotated[int, Parameter(help="percentage of volume in the value area")] = 70,
    json: Annotated[bool, Parameter(negative="", help="print JSON; poc_row is the lower edge of the POC row")] = False,
    begin: Begin = None,
    end: End = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Print the volume profile of a trades file or a stored market: POC, value area and nodes."""
    from app.entry.commands.profile import ProfileRequest
    from app.entry.commands.profile import profile as print_profile

    if rows is not None and rows < 1:
        raise BadInputError(f"rows: found {rows}, expected 1 or more")
    rule = None if bar is None else parse_bar_rule(bar)
    request = ProfileRequest(row_of(ticks_per_row), rows, anchor, rule, ValueAreaMethod(method), percent, json)
    stored = StoredPart(settings_of(settings_file, store=store).store_folder(), begin, end)
    print_profile(file, reading_of(tick_size, lot_size, quiet, stored), request)
    return 0


@app.command
def doctor(
    *,
    json: Annotated[bool, Parameter(negative="", help="print JSON instead of a table")] = False,
    online: Annotated[bool, Parameter(negative="", help="also check the clock against the venue")] = False,
    settings_file: SettingsFile = None,
) -> int:
    """Check this machine: versions, display, OpenGL, settings, folders."""
    from app.entry.commands.doctor import report

    return report(json, online, settings_file)


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command of the command line and exit the process with the command's exit code."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Run a command of the command line and return its exit code; an expected error, e.g. invalid input, is printed as one line."""
    _log_to_standard_error()
    try:
        _require_command(argv)
        code = app(list(argv), exit_on_error=False, print_error=False, result_action="return_value")
        return code if isinstance(code, int) else 0
    except CycloptsError as error:
        return _print_error(" ".join(str(error).split()), 2)
    except BadInputError as error:
        return _print_error(error.user_message, 2)
    except TapeprintError as error:
        return _print_error(error.user_message, 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `tapeprint footprint … | head`: the reader has closed the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a disk that fails in a place where nothing better can be said
        return _print_error(f"{f'{error.filename}: ' if error.filename else ''}{error.strerror or error}", 1)


def _require_command(argv: Sequence[str]) -> None:
    """Raise `BadInputError` for an unknown command; without this check it would be read as an instrument."""
    if argv and not argv[0].startswith("-") and ":" not in argv[0] and argv[0] not in app:
        names = ", ".join(name for name in app if not name.startswith("-"))
        raise BadInputError(f"unknown command {argv[0]!r}, expected one of {names}, or an instrument such as binance:BTCUSDT")


def _print_error(message: str, code: int) -> int:
    print(f"tapeprint: {printable(' '.join(message.split()))}", file=sys.stderr)  # noqa: T201
    return code


def _log_to_standard_error() -> None:
    """Log warnings and errors to standard error; TAPEPRINT_LOG=debug logs everything."""
    level = logging.getLevelNamesMapping().get(os.environ.get("TAPEPRINT_LOG", "warning").upper(), logging.WARNING)
    structlog.configure(
        processors=[printable_values, *structlog.get_config()["processors"]],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _choice(bar: str | None, ticks_per_row: int | None, settings: Settings):  # a ChartChoice: its module is loaded only when needed
    from app.workspace import ChartChoice

    return ChartChoice(bar_of(bar, settings), row_of(ticks_per_row) or settings.chart.ticks_per_row or None)
