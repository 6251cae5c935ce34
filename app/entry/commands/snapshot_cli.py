"""The `snapshot` command and its flags."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from app.entry.commands.calculation_flags import RuleFlags
from app.entry.commands.options import (
    Bar,
    Hide,
    Hosts,
    LotSize,
    Palette,
    Quiet,
    SettingsFile,
    Show,
    StoreFolder,
    Theme,
    TicksPerRow,
    at_hosts,
    bar_of,
    reading_of,
    row_of,
    settings_of,
)
from app.entry.commands.profile_flags import ProfileFlags
from app.errors import BadInputError

_MAX_PIXELS = 100_000_000  # 400 MB of memory while drawing


def snapshot(
    source: Annotated[str, Parameter(help="demo, a trades file, or an instrument such as binance:BTCUSDT")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="output file (.png)")],
    size: Annotated[str, Parameter(help="width x height in logical pixels")] = "1600x900",
    scale: Annotated[float, Parameter(help="device pixels per logical pixel")] = 1.0,
    bar: Bar = None,
    ticks_per_row: TicksPerRow = None,
    bars: Annotated[int | None, Parameter(help="number of bars to show; default: as many as stay readable")] = None,
    theme: Theme = None,
    palette: Palette = None,
    show: Show = "",
    hide: Hide = "",
    rules: Annotated[RuleFlags | None, Parameter(name="*")] = None,
    profiles: Annotated[ProfileFlags | None, Parameter(name="*")] = None,
    as_of: Annotated[str | None, Parameter(help="show every value as it stood at this time: ISO 8601 or Unix time")] = None,
    why: Annotated[str, Parameter(help="explain the value at TIME@PRICE in a panel beside its bar")] = "",
    tick_size: Annotated[str | None, Parameter(help="tick size, for a file")] = None,
    lot_size: LotSize = None,
    seconds: Annotated[float, Parameter(help="seconds to collect live trades")] = 10.0,
    seed: Annotated[int, Parameter(help="random seed of the demo")] = 2,
    hosts: Annotated[Hosts | None, Parameter(name="*")] = None,
    store: StoreFolder = None,
    quiet: Quiet = False,
    settings_file: SettingsFile = None,
) -> int:
    """Save a chart as PNG; no display needed."""
    from app.entry.commands.common import parse_time
    from app.entry.commands.snapshot import snapshot as write_snapshot
    from app.entry.commands.snapshot_request import SnapshotRequest

    settings = settings_of(settings_file, theme, palette, store=store)
    if source != "demo" and ":" in source and not Path(source).exists():
        settings = at_hosts(settings, source, hosts)
    _require_place(out)
    if not 0.5 <= scale <= 4:
        raise BadInputError(f"scale: found {scale:g}, expected 0.5 to 4")
    if bars is not None and bars < 1:
        raise BadInputError(f"bars: found {bars}, expected 1 or more")
    request = SnapshotRequest(
        source,
        out,
        _size(size, scale),
        scale,
        bar_of(bar, settings),
        row_of(ticks_per_row),
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
    reading = None if tick_size is None else reading_of(tick_size, lot_size, quiet)
    write_snapshot(request, reading, settings)
    return 0


def _require_place(out: Path) -> None:
    """Raise `BadInputError` unless the output is a .png in an existing folder; called before trades are read."""
    if out.suffix.lower() != ".png":
        raise BadInputError(f"{out}: found extension {out.suffix!r}, expected .png")
    if not out.parent.is_dir():
        raise BadInputError(f"{out}: folder {out.parent} does not exist")


def _size(text: str, scale: float) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{3,5})x([0-9]{3,5})", text)
    width, height = (int(match[1]), int(match[2])) if match else (0, 0)
    if width < 320 or height < 240:
        raise BadInputError(f"size: found {text!r}, expected width x height such as 1600x900, from 320x240 up")
    if width * height * scale**2 > _MAX_PIXELS:
        raise BadInputError(f"size: found {text} at scale {scale:g}, expected at most {_MAX_PIXELS:,} pixels")
    return width, height
