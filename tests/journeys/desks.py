"""Settings and options for journeys; all files are written into a test's own folder."""

from __future__ import annotations

from pathlib import Path

from app.entry.desktop import DesktopOptions
from app.entry.player import Player
from app.market.bar_rule import parse_bar_rule
from app.settings.settings import DisplaySettings, FeedSettings, JournalSettings, Settings, StoreSettings
from app.workspace import ChartChoice
from tests.venue_emulator import VenueEmulator


def settings_in(folder: Path, **data: float) -> Settings:
    """Settings with the raster painter, and with journal and store in a folder."""
    return Settings(
        display=DisplaySettings(painter="raster"),
        data=FeedSettings(**{"history_hours": 0.01, **data}),  # type: ignore[arg-type]
        journal=JournalSettings(folder=str(folder / "journal")),
        store=StoreSettings(folder=str(folder / "store")),
    )


def live(folder: Path, venue: VenueEmulator, **data: float) -> DesktopOptions:
    """Options for the window on an emulated Binance."""
    settings = settings_in(folder, **data).with_hosts("binance", venue.ws_url, venue.rest_url)
    return DesktopOptions("binance:BTCUSDT", settings, ChartChoice(parse_bar_rule("1s")))


def replayed(folder: Path, player: Player, bar: str = "1m") -> DesktopOptions:
    """Options for the window on a recording."""
    return DesktopOptions(player.instrument_id, settings_in(folder), ChartChoice(parse_bar_rule(bar)), player=player)
