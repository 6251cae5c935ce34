"""Options that the commands share, and the settings they override."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
from cyclopts import Parameter

from app.errors import BadInputError
from app.market.bar_rule import BarRule, parse_bar_rule
from app.market.decimals import parse_step
from app.market.instrument import parse_instrument_id
from app.settings.fields import help_of
from app.settings.settings import DisplaySettings, PainterSetting, Settings, load_settings
from app.settings.settings import Palette as PaletteName

if TYPE_CHECKING:
    from app.entry.commands.common import Reading

Theme = Annotated[str | None, Parameter(help=help_of(DisplaySettings, "theme"))]
Palette = Annotated[PaletteName | None, Parameter(help=help_of(DisplaySettings, "palette"))]
Bar = Annotated[str | None, Parameter(help="bar type: time (15s, 1m, 4h, 1d), 500t trades, 100v volume, 40r range in ticks, 50d delta")]
TicksPerRow = Annotated[int | None, Parameter(help="ticks per row")]
Painter = Annotated[PainterSetting | None, Parameter(help=help_of(DisplaySettings, "painter"))]
Seconds = Annotated[float | None, Parameter(help="quit after this many seconds")]
Trace = Annotated[Path | None, Parameter(help="record a trace of the last frames, and save it to this file (.json) when the window closes")]
SettingsFile = Annotated[Path | None, Parameter(name="--settings", help="settings file to use")]
StoreFolder = Annotated[Path | None, Parameter(name="--store", help="trade store folder (overrides settings)")]
Begin = Annotated[str | None, Parameter(name="--from", help="start time: ISO 8601 or Unix time")]
End = Annotated[str | None, Parameter(name="--to", help="end time (exclusive)")]
Show = Annotated[str, Parameter(help="extra overlays to show, e.g. vwap-day,cvd; '?' lists all")]
Hide = Annotated[str, Parameter(help="overlays to hide, e.g. profile,delta")]
Quiet = Annotated[bool, Parameter(negative="", help="no progress or notes")]
TickSize = Annotated[str | None, Parameter(help="tick size (smallest price step), for a file")]
LotSize = Annotated[str | None, Parameter(help="lot size (smallest quantity step); default: detected from the file")]


class StoredPart(NamedTuple):
    """The part of the store that a command reads if its source is a stored market."""

    folder: Path
    begin: str | None = None
    end: str | None = None


@dataclass
class Hosts:
    """URLs that replace the venue's own."""

    ws_url: Annotated[str, Parameter(name="--ws-url", help="WebSocket URL of the venue")] = ""
    rest_url: Annotated[str, Parameter(name="--rest-url", help="REST URL of the venue")] = ""


def settings_of(
    file: Path | None, theme: str | None = None, palette: str | None = None, painter: str | None = None, store: Path | None = None
) -> Settings:
    """Load the settings from a file, and apply the flags that are given."""
    settings = load_settings(file)
    given = {name: value for name, value in (("theme", theme), ("palette", palette), ("painter", painter)) if value is not None}
    stored = {} if store is None else {"folder": str(store)}
    return msgspec.structs.replace(
        settings,
        display=msgspec.structs.replace(settings.display, **given),
        store=msgspec.structs.replace(settings.store, **stored),
    )


def at_hosts(settings: Settings, instrument_id: str, hosts: Hosts | None) -> Settings:
    """The settings with the URLs that the flags give for an instrument's venue; unchanged without such flags."""
    venue, _ = parse_instrument_id(instrument_id)
    return settings.with_hosts(venue, hosts.ws_url, hosts.rest_url) if hosts else settings


def bar_of(text: str | None, settings: Settings) -> BarRule:
    """The bar type of `--bar`; if that is not given, the bar type of the settings."""
    return settings.bar_rule() if text is None else parse_bar_rule(text)


def row_of(ticks: int | None) -> int | None:
    """The value of `--ticks-per-row`, checked; None if not given.

    Raises
    ------
    BadInputError
        If the number is less than 1.
    """
    if ticks is not None and ticks < 1:
        raise BadInputError(f"ticks per row: found {ticks}, expected 1 or more")
    return ticks


def reading_of(tick_size: str | None, lot_size: str | None, quiet: bool, store: StoredPart | None = None) -> Reading:
    """Options for reading a trades file or a stored market, from the flags."""
    from app.entry.commands.common import Reading, parse_span  # loaded only when needed

    tick = None if tick_size is None else parse_step(tick_size, "tick size")
    lot = None if lot_size is None else parse_step(lot_size, "lot size")
    if store is None:
        return Reading(tick, lot, quiet)
    return Reading(tick, lot, quiet, store.folder, parse_span(store.begin, store.end))
