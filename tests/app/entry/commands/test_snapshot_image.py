"""The overlays that an image shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.entry.commands.snapshot_image import overlays_of
from app.entry.commands.snapshot_request import SnapshotRequest
from app.errors import BadInputError
from app.market.bar_rule import parse_bar_rule
from app.settings.settings import DisplaySettings, Settings


def request(show: str = "", hide: str = "") -> SnapshotRequest:
    return SnapshotRequest("demo", Path("x.png"), (640, 400), 1.0, parse_bar_rule("1m"), None, None, 1.0, 2, show, hide)


def test_show_and_hide_change_the_overlays_of_the_settings() -> None:
    settings = Settings(display=DisplaySettings(overlays="-delta"))
    usual = overlays_of(request(), Settings())
    assert {"delta", "profile"} <= usual
    assert overlays_of(request(), settings) == usual - {"delta"}
    assert overlays_of(request(show="delta", hide="profile, level-lines"), settings) == usual - {"profile", "level-lines"}


@pytest.mark.parametrize("wrong", [{"show": "profile,vwop"}, {"hide": "vwop"}])
def test_an_unknown_overlay_error_lists_the_known_ones(wrong: dict[str, str]) -> None:
    with pytest.raises(BadInputError, match="overlay: found 'vwop', expected one of level-lines, anchored, delta"):
        overlays_of(request(**wrong), Settings())
