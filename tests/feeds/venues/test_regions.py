"""The region of the settings selects the hosts of OKX and Bybit."""

from __future__ import annotations

import asyncio

import pytest

from app.errors import SettingsError
from app.settings.settings import parse_settings
from feeds.venues.all_venues import VENUES, open_venue
from feeds.venues.bybit import live as bybit
from feeds.venues.okx import live as okx
from feeds.venues.open_market import urls_of

REGIONS = [*(("okx", each, okx.REGIONS) for each in okx.REGIONS), *(("bybit", each, bybit.REGIONS) for each in bybit.REGIONS)]
KINDS = {"okx": ["okx", "okx-swap"], "bybit": ["bybit", "bybit-linear", "bybit-inverse"]}


@pytest.mark.parametrize(("family", "region", "regions"), REGIONS)
def test_a_region_holds_for_all_markets_of_a_venue(family: str, region: str, regions: dict[str, tuple[str, str]]) -> None:
    """S3: unless a market has its own, or an address of its own."""
    settings = parse_settings(f'[venues.{family}]\nregion = "{region}"')
    for venue in KINDS[family]:
        assert venue in VENUES and urls_of(venue, settings, regions) == regions[region]
        with_own = settings.with_hosts(venue, rest_url="https://mine.example")
        assert urls_of(venue, with_own, regions) == (regions[region][0], "https://mine.example")


@pytest.mark.parametrize("venue", ["okx", "okx-swap", "bybit", "bybit-linear", "bybit-inverse"])
def test_an_unknown_region_is_named_with_those_that_exist(venue: str) -> None:
    settings = parse_settings(f'[venues.{venue}]\nregion = "mars"')
    with pytest.raises(SettingsError, match=f"venues.{venue}.region: found 'mars', expected one of (eea|ae), "):
        asyncio.run(open_venue(f"{venue}:BTC", settings))
