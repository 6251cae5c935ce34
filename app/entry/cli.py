"""The command line: what `tapeprint` and `python -m app` understand.

Every command ends with 0, with 2 for input that cannot be used, with 1 for anything else that went wrong; what went
wrong is one line on standard error.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Literal

import structlog
from cyclopts import App, CycloptsError, Parameter

from app.analytics.value_area import ValueAreaMethod
from app.entry import period_commands, store_commands, why_command
from app.entry.options import (
    Bar,
    Hide,
    Hosts,
    LotSize,
    Painter,
    Palette,
    Quiet,
    Seconds,
    SettingsFile,
    Show,
    StoreFolder,
    Theme,
    TickSize,
    TicksPerRow,
    at_hosts,
    settings_of,
)
from app.entry.profile_flags import ProfileFlags
from app.entry.rule_flags import RuleFlags
from app.errors import BadInputError, TapeprintError
from app.market.bar_rule import BarRule, parse_bar_rule
from app.market.decimals import parse_step
from app.settings import Settings

app = App(
    name="tapeprint",
    help="A footprint chart of live trades, exact to the trade.",
    version=lambda: version("tapeprint"),
    version_flags=["--version"],
)

for _command, _name in (*store_commands.COMMANDS, *period_commands.COMMANDS, *why_command.COMMANDS):
    app.command(_command, name=_name)

_MAX_PIXELS = 100_000_000  # 400 MB while it is drawn


@app.default
def window(
    instrument: Annotated[str, Parameter(help="market to show, as in binance-usdm:ETHUSDT")] = "binance:BTCUSDT",
    /,
    *,
    demo: Annotated[bool, Parameter(negative="", help="the built-in simulated market; needs no network")] = False,
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
def snapshot(
    source: Annotated[str, Parameter(help="demo, a trades file, or an instrument such as binance:BTCUSDT")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="the picture, a .png file")],
    size: Annotated[str, Parameter(help="width x height in logical pixels")] = "1600x900",
    scale: Annotated[float, Parameter(help="pixels to the logical pixel")] = 1.0,
    bar: Bar = None,
    ticks_per_row: TicksPerRow = None,
    bars: Annotated[int | None, Parameter(help="how many bars to show; else as many as stay legible")] = None,
    theme: Theme = None,
    palette: Palette = None,
    show: Show = "",
    hide: Hide = "",
    rules: Annotated[RuleFlags | None, Parameter(name="*")] = None,
    profiles: Annotated[ProfileFlags | None, Parameter(name="*")] = None,
    as_of: Annotated[str | None, Parameter(help="show every figure as it was known then: ISO 8601, or a number since 1970")] = None,
    why: Annotated[str, Parameter(help="explain the figure at TIME@PRICE, in a panel beside its bar")] = "",
    tick_size: Annotated[str | None, Parameter(help="smallest price step, for a file")] = None,
    lot_size: LotSize = None,
    seconds: Annotated[float, Parameter(help="how long a live instrument is listened to")] = 10.0,
    seed: Annotated[int, Parameter(help="of the demo")] = 2,
    hosts: Annotated[Hosts | None, Parameter(name="*")] = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Write a picture of a chart; needs no display."""
    from app.entry.headless import parse_time
    from app.entry.snapshot import SnapshotRequest
    from app.entry.snapshot import snapshot as write_snapshot

    settings = settings_of(settings_file, theme, palette)
    if source != "demo" and ":" in source and not Path(source).exists():
        settings = at_hosts(settings, source, hosts)
    if out.suffix.lower() != ".png":
        raise BadInputError(f"{out}: found the ending {out.suffix!r}, expected .png")
    if not 0.5 <= scale <= 4:
        raise BadInputError(f"scale: found {scale:g}, expected 0.5 to 4")
    if bars is not None and bars < 1:
        raise BadInputError(f"bars: found {bars}, expected 1 or more")
    request = SnapshotRequest(
        source,
        out,
        _size(size, scale),
        scale,
        _bar(bar, settings),
        _row(ticks_per_row),
        bars,
        seconds,
        seed,
        show,
        hide,
        settings.rules if rules is None else rules.on(settings.rules),
        profiles,
        None if as_of is None else parse_time(as_of),
        why,
    )
    reading = None if tick_size is None else _reading(tick_size, lot_size, quiet)
    write_snapshot(request, reading, settings)
    return 0


@app.command
def replay(
    source: Annotated[str, Parameter(help="trades: a file, as for footprint, or an instrument that the store keeps")],
    /,
    *,
    begin: Annotated[str | None, Parameter(name="--from", help="first time to play: ISO 8601, or a number since 1970")] = None,
    end: Annotated[str | None, Parameter(name="--to", help="first time not to play")] = None,
    speed: Annotated[str, Parameter(help="recorded seconds in one second, 0.1 to 1000, or max")] = "1",
    paused: Annotated[bool, Parameter(negative="", help="begin with the first trade and wait")] = False,
    tick_size: Annotated[str | None, Parameter(help="smallest price step, for a file")] = None,
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
    """Play recorded trades again in the window, at any speed, with pause and steps."""
    from app.entry.display import require_display
    from app.entry.headless import parse_span
    from app.entry.player import Player, ReplayStart
    from app.entry.replaying import load_trades, parse_speed

    settings = settings_of(settings_file, theme, palette, painter, store)
    choice, start, span = _choice(bar, ticks_per_row, settings), ReplayStart(parse_speed(speed), paused), parse_span(begin, end)
    reading = None if tick_size is None else _reading(tick_size, lot_size, quiet)
    require_display()
    player = Player(load_trades(source, span, reading, settings.store_folder()), start)
    from app.entry.desktop import DesktopOptions, run_desktop

    return run_desktop(DesktopOptions(player.instrument_id, settings, choice, seconds, player, settings_file))


@app.command
def footprint(
    file: Annotated[Path, Parameter(help="trades: CSV or Parquet with time,price,quantity,side[,trade_id], or a Binance dump")],
    /,
    *,
    tick_size: TickSize,
    lot_size: LotSize = None,
    bar: Bar = None,
    ticks_per_row: TicksPerRow = 1,
    out: Annotated[
        Path | None, Parameter(name=["--out", "-o"], help=".jsonl, .csv or .parquet; else JSON lines to standard output")
    ] = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Bars of a trades file with their cells."""
    from app.entry.footprint_output import footprint as write_footprint

    settings = settings_of(settings_file)
    write_footprint(file, _reading(tick_size, lot_size, quiet), settings, _bar(bar, settings), _row(ticks_per_row) or 1, out)
    return 0


@app.command
def profile(
    file: Annotated[Path, Parameter(help="trades, as for footprint")],
    /,
    *,
    tick_size: TickSize,
    lot_size: LotSize = None,
    ticks_per_row: TicksPerRow = None,
    rows: Annotated[int | None, Parameter(help="number of rows over the whole range, instead of ticks per row")] = None,
    anchor: Annotated[str | None, Parameter(help="begin at this time: ISO 8601, or a number since 1970")] = None,
    bar: Annotated[str | None, Parameter(help="begin with the bar of this length that holds the anchor")] = None,
    method: Annotated[Literal["dalton", "tradingview", "single"], Parameter(help="rule of the value area")] = "dalton",
    percent: Annotated[int, Parameter(help="share of the volume in the value area")] = 70,
    json: Annotated[bool, Parameter(negative="", help="JSON instead of a table")] = False,
    quiet: Quiet = False,
) -> int:
    """Volume by price of a trades file, with POC, value area and nodes."""
    from app.entry.profile_output import ProfileRequest
    from app.entry.profile_output import profile as print_profile

    if rows is not None and rows < 1:
        raise BadInputError(f"rows: found {rows}, expected 1 or more")
    rule = None if bar is None else parse_bar_rule(bar)
    request = ProfileRequest(_row(ticks_per_row), rows, anchor, rule, ValueAreaMethod(method), percent, json)
    print_profile(file, _reading(tick_size, lot_size, quiet), request)
    return 0


@app.command
def doctor(
    *,
    json: Annotated[bool, Parameter(negative="", help="JSON instead of a table")] = False,
    online: Annotated[bool, Parameter(negative="", help="also ask the venue for its time")] = False,
    settings_file: SettingsFile = None,
) -> int:
    """Look whether this machine is fit: versions, display, OpenGL, settings, folders."""
    from app.entry.doctor import report

    return report(json, online, settings_file)


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command and end the process with its code."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Run a command; its exit code."""
    _log_to_standard_error()
    try:
        _require_command(argv)
        code = app(list(argv), exit_on_error=False, print_error=False, result_action="return_value")
        return code if isinstance(code, int) else 0
    except CycloptsError as error:
        return _told(" ".join(str(error).split()), 2)
    except BadInputError as error:
        return _told(error.user_message, 2)
    except TapeprintError as error:
        return _told(error.user_message, 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `tapeprint footprint … | head`: the reader has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _require_command(argv: Sequence[str]) -> None:
    """Tell a misspelt command from an instrument, which stands in the same place."""
    if argv and not argv[0].startswith("-") and ":" not in argv[0] and argv[0] not in app:
        names = ", ".join(name for name in app if not name.startswith("-"))
        raise BadInputError(f"command: found {argv[0]!r}, expected one of {names}, or an instrument as in binance:BTCUSDT")


def _told(message: str, code: int) -> int:
    print(f"tapeprint: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201
    return code


def _log_to_standard_error() -> None:
    """Warnings and worse; TAPEPRINT_LOG=debug shows all."""
    level = logging.getLevelNamesMapping().get(os.environ.get("TAPEPRINT_LOG", "warning").upper(), logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level), logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def _bar(text: str | None, settings: Settings) -> BarRule:
    return settings.bar_rule() if text is None else parse_bar_rule(text)


def _choice(bar: str | None, ticks_per_row: int | None, settings: Settings):  # a ChartChoice: its module is loaded only when needed
    from app.workspace import ChartChoice

    return ChartChoice(_bar(bar, settings), _row(ticks_per_row) or settings.chart.ticks_per_row or None)


def _row(ticks: int | None) -> int | None:
    if ticks is not None and ticks < 1:
        raise BadInputError(f"ticks per row: found {ticks}, expected 1 or more")
    return ticks


def _size(text: str, scale: float) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{3,5})x([0-9]{3,5})", text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if width < 320 or height < 240:
        raise BadInputError(f"size: found {text!r}, expected width x height such as 1600x900, from 320x240 up")
    if width * height * scale**2 > _MAX_PIXELS:
        raise BadInputError(f"size: found {text} at scale {scale:g}, expected at most {_MAX_PIXELS:,} pixels")
    return width, height


def _reading(tick_size: str, lot_size: str | None, quiet: bool):  # a headless.Reading: that module is loaded only when needed
    from app.entry.headless import Reading

    lot: Decimal | None = None if lot_size is None else parse_step(lot_size, "lot size")
    return Reading(parse_step(tick_size, "tick size"), lot, quiet)
