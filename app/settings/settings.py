"""All settings of the program, and the settings file.

Default, unit and help of each setting are written at its field; file, environment and documentation are generated from it.
A value comes from the default, the settings file, the environment (e.g. `TAPEPRINT_BINANCE_WS_URL`) or a flag on the command
line; later ones override earlier ones.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

import msgspec
import platformdirs
from msgspec import Meta

from app.errors import BadInputError, SettingsError
from app.market.bar_rule import BarRule, parse_bar_rule
from app.settings.calculation import CalculationSettings
from app.settings.fields import PlainValue, SettingsGroup, changed_fields, from_plain
from app.storage.atomic import remove_leftovers, replacing
from app.storage.retention import Retention

Palette = Literal["blue-orange", "green-red"]
PainterSetting = Literal["auto", "gl", "raster"]
PALETTES: tuple[Palette, ...] = get_args(Palette)

_MOST_DOTS = 500  # in a line: each part of a key such as a.b.c is a table, and reading takes the square of their number
_EXAMPLES = {"ws_url": "wss://host:9443", "rest_url": "https://host"}


class DisplaySettings(SettingsGroup, frozen=True):
    """Appearance of the window."""

    theme: Annotated[str, Meta(description="dark, light, high-contrast, or the path of a theme file")] = "dark"
    palette: Annotated[Palette, Meta(description="buy and sell colours; blue-orange is colour-blind safe")] = "blue-orange"
    painter: Annotated[PainterSetting, Meta(description="how cells are drawn; auto picks by graphics driver")] = "auto"
    overlays: Annotated[
        str, Meta(description="changes to the default overlays: a name adds one, a leading minus hides one; written by the Overlays menu")
    ] = ""


class ChartDefaults(SettingsGroup, frozen=True):
    """Bars and rows of a new chart."""

    bar: Annotated[str, Meta(description="bar type, e.g. 15s, 1m, 4h, 1d, 500t, 100v, 40r, 50d")] = "1m"
    ticks_per_row: Annotated[int, Meta(ge=0, le=1_000_000, description="ticks per row; 0 = automatic")] = 0


class FeedSettings(SettingsGroup, frozen=True):
    """Limits for loading trades, and the time after which a feed counts as stale."""

    # two hours of BTCUSDT are some 150 pages: 600 of the weight of 3,000 a minute that we use at most on spot, and two or three
    # minutes' worth on futures; the newest trades are loaded first
    history_hours: Annotated[float, Meta(ge=0, le=48, description="hours of history to load at start")] = 2.0
    memory_trades: Annotated[int, Meta(ge=10_000, le=10**12, description="maximum trades in memory, 33 bytes each")] = 20_000_000
    stale_after_s: Annotated[float, Meta(gt=0, le=3600, description="seconds without a trade before the feed counts as stale")] = 10.0


class StoreSettings(SettingsGroup, frozen=True):
    """Recording of trades on disk."""

    record: Annotated[bool, Meta(description="record the trades of every open market")] = True
    folder: Annotated[str, Meta(description="trade store folder; empty: Tapeprint in the system's data folder")] = ""
    keep_days: Annotated[int, Meta(ge=0, le=1_000_000, description="days to keep; 0 = all")] = 0
    keep_gigabytes: Annotated[float, Meta(ge=0, le=1e9, description="maximum store size in GB, all markets together; 0 = unlimited")] = 0.0


class JournalSettings(SettingsGroup, frozen=True):
    """Folder of saved images."""

    folder: Annotated[str, Meta(description="folder for saved images; empty: Tapeprint in your pictures folder")] = ""


class VenueHosts(SettingsGroup, frozen=True):
    """Region and URLs that replace a venue's own; empty keeps the venue's."""

    ws_url: Annotated[str, Meta(pattern=r"^(wss?://\S+)?$", description="WebSocket URL, e.g. wss://host:9443")] = ""
    rest_url: Annotated[str, Meta(pattern=r"^(https?://\S+)?$", description="REST URL, e.g. https://host")] = ""
    region: Annotated[
        str, Meta(pattern=r"^[a-z]{0,8}$", description="region whose hosts are used; okx: eea, us, au; bybit: ae, eu, ge, jp, kz, nl, tr")
    ] = ""


class Settings(SettingsGroup, frozen=True):
    """All settings."""

    display: DisplaySettings = DisplaySettings()
    chart: ChartDefaults = ChartDefaults()
    rules: CalculationSettings = CalculationSettings()
    data: FeedSettings = FeedSettings()
    store: StoreSettings = StoreSettings()
    journal: JournalSettings = JournalSettings()
    venues: dict[str, VenueHosts] = msgspec.field(default_factory=dict[str, VenueHosts])

    def hosts(self, venue: str) -> VenueHosts:
        """The URLs and the region set for a venue; fields that are not set are empty."""
        return self.venues.get(venue, VenueHosts())

    def with_hosts(self, venue: str, ws_url: str = "", rest_url: str = "") -> Settings:
        """The settings with other URLs for a venue; an empty URL leaves the earlier one.

        Raises
        ------
        SettingsError
            If a URL is invalid.
        """
        before = self.hosts(venue)
        given = {"ws_url": ws_url or before.ws_url, "rest_url": rest_url or before.rest_url, "region": before.region}
        hosts = _convert(given, VenueHosts, f"addresses of {venue}")
        return msgspec.structs.replace(self, venues={**self.venues, venue: hosts})

    def bar_rule(self) -> BarRule:
        """The bar type of a new chart."""
        return parse_bar_rule(self.chart.bar)

    def retention(self) -> Retention:
        """The limits of the trade store: number of days and size in bytes; 0 for no limit."""
        return Retention(self.store.keep_days, round(self.store.keep_gigabytes * 1e9))

    def store_folder(self) -> Path:
        """The folder of the trade store."""
        if self.store.folder:
            return Path(self.store.folder).expanduser()
        return platformdirs.user_data_path("tapeprint", appauthor=False) / "store"

    def alerts_file(self) -> Path:
        """The path of the file with the user's alerts."""
        return platformdirs.user_data_path("tapeprint", appauthor=False) / "alerts.json"

    def profiles_folder(self) -> Path:
        """The folder of the profile files, one per market."""
        return platformdirs.user_data_path("tapeprint", appauthor=False) / "profiles"

    def journal_folder(self) -> Path:
        """The folder of saved images."""
        if self.journal.folder:
            return Path(self.journal.folder).expanduser()
        return platformdirs.user_pictures_path() / "Tapeprint"


def settings_path() -> Path:
    """The default path of the settings file."""
    return platformdirs.user_config_path("tapeprint", appauthor=False) / "settings.toml"


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Load the settings from a file; environment variables override the venue URLs.

    Unfinished copies of the file, left by a killed process, are deleted.

    Parameters
    ----------
    path : Path, optional
        Must exist if given. Default: `settings_path()`, where a missing file means the defaults.
    environ : mapping, optional
        Default: the environment of the process.

    Raises
    ------
    SettingsError
        If the file cannot be read or a value is invalid; the message is one line with file, setting and what was expected.
    """
    environ = os.environ if environ is None else environ
    place = path or settings_path()
    remove_leftovers(place.parent, place.name)
    settings = Settings()
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is not None:
            raise SettingsError(f"settings file not found: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {place}: {error}") from None
    else:
        settings = parse_settings(text, str(place))
    for name, value in environ.items():
        venue, kind = _host_variable(name)
        if venue and value:
            try:
                settings = settings.with_hosts(venue, **{kind: value})
            except SettingsError:
                raise SettingsError(f"{name}: found {value!r}, expected a URL such as {_EXAMPLES[kind]}") from None
    return settings


def parse_settings(text: str, label: str = "settings") -> Settings:
    """Parse settings from TOML text.

    Raises
    ------
    SettingsError
        As in `load_settings`.
    """
    table = parse_toml(text, label)
    try:
        settings = _convert(table, Settings, label)
        settings.bar_rule()
    except SettingsError:
        raise
    except BadInputError as error:
        raise SettingsError(f"{label}: {error.user_message}") from None
    return settings


def parse_toml(text: str, label: str) -> dict[str, Any]:
    """Parse TOML text; `label` names the text in error messages.

    Raises
    ------
    SettingsError
        If the text is not valid TOML, is nested too deeply, or has a number of too many digits.
    """
    try:
        if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
            raise RecursionError
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError is one, and so is the refusal of a number of 4,300 digits
        raise SettingsError(f"{label}: not valid TOML: {error}") from None
    except RecursionError:
        raise SettingsError(f"{label}: not valid TOML: found tables or lists nested too deeply, expected a few levels") from None


def save_setting(section: str, name: str, value: str | int | float, path: Path | None = None) -> None:
    """Change one setting in the settings file, which is created if needed; comments and all other settings stay.

    The file is replaced completely or not at all.

    Raises
    ------
    SettingsError
        If the file cannot be read or written, or the value is invalid.
    """
    _save([(section, name, value)], path)


def save_rules(before: CalculationSettings, after: CalculationSettings, path: Path | None = None) -> None:
    """Save the calculation settings that differ between `before` and `after` to the settings file; see `save_setting`."""
    _save([(f"rules.{part}", name, value) for part, name, value in changed_fields(before, after)], path)


def _save(values: Iterable[tuple[str, str, PlainValue]], path: Path | None) -> None:
    import tomlkit  # here, because it takes long to load
    from tomlkit.exceptions import TOMLKitError

    place = path or settings_path()
    try:
        before = place.read_text(encoding="utf-8") if place.exists() else ""
        parse_toml(before, f"cannot write {place}")
        document = tomlkit.parse(before)
        for section, name, value in values:
            table: Any = document
            *above, last = section.split(".")
            for part in above:
                table = _table_in(table, part, tomlkit.table(is_super_table=True), place)
            _table_in(table, last, tomlkit.table(), place)[name] = list(value) if isinstance(value, tuple) else value
        text = tomlkit.dumps(document)
        parse_settings(text, str(place))
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(place, private=True) as file:
            file.write(text.encode())
    except (OSError, ValueError, TOMLKitError) as error:  # ValueError: text that is not UTF-8, or a number of too many digits
        raise SettingsError(f"cannot write {place}: {error}") from None
    except RecursionError:
        raise SettingsError(f"cannot write {place}: found tables or lists nested too deeply, expected a few levels") from None


def _table_in(table: Any, name: str, empty: Any, place: Path) -> Any:
    """The table called `name` inside another table; if it is missing, `empty` is added under this name.

    Raises `SettingsError` if there is something other than a table.
    """
    found: Any = table.setdefault(name, empty)
    if isinstance(found, Mapping):
        return cast(Any, found)
    raise SettingsError(f"cannot write {place}: found {name} = {str(found)!r}, expected the table [{name}]")


def _convert(table: Mapping[str, Any], kind: type[Any], label: str) -> Any:
    try:
        return from_plain(table, kind)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{label}: {error}") from None


def _host_variable(name: str) -> tuple[str, str]:
    """Venue and field that an environment variable such as `TAPEPRINT_BINANCE_USDM_WS_URL` sets; two empty texts for other names."""
    for suffix, kind in (("_WS_URL", "ws_url"), ("_REST_URL", "rest_url")):
        if name.startswith("TAPEPRINT_") and name.endswith(suffix):
            return name[len("TAPEPRINT_") : -len(suffix)].lower().replace("_", "-"), kind
    return "", ""
