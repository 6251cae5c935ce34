"""What the README promises about keys, settings and commands is what the program has."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.entry.cli import app
from app.settings.settings import Settings, VenueHosts, parse_settings, settings_table
from feeds.venues import VENUES
from widgets.commands.actions import COMMANDS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_settings_file_it_shows_holds_every_setting_with_its_default() -> None:
    shown = re.search(r"```toml\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    assert parse_settings(shown[1]) == Settings(venues={"binance": VenueHosts()})
    named = set(_names("", tomllib.loads(shown[1])))
    assert named == {name for name, _, _ in settings_table()} | {"venues.binance.ws_url", "venues.binance.rest_url"}


def _names(table: str, values: dict[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _names(f"{table}{name}.", value)
        else:
            yield f"{table}{name}"


def test_the_keys_it_names_are_those_of_the_window() -> None:
    table = README.partition("### Mouse and keys")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([^`]+)`", table))
    assert named and named <= {key for command in COMMANDS for key in command.keys}


def test_the_venues_it_lists_are_those_that_can_be_opened() -> None:
    table = README.partition("| market |")[2].partition("\n\n")[0]
    assert {name.partition(":")[0] for name in re.findall(r"`([^`]+)`", table)} == set(VENUES)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"^tapeprint (\w+)", README, re.MULTILINE))))
def test_each_command_it_shows_exists(name: str) -> None:
    assert app[name].help
