"""Overlays: their names, and texts that show and hide them."""

from __future__ import annotations

import pytest

from app.errors import BadInputError
from rendering.items.chart_item import ChartItem
from rendering.items.overlays import overlays, parse_shown, shown_at_first, write_shown
from rendering.scene.all_layers import LAYERS


class Ground(ChartItem):
    pass


class Usual(ChartItem):
    name = "usual"


class Special(ChartItem):
    name = "special"
    shown_at_first = False


class MoreOfSpecial(ChartItem):
    name = "special"
    shown_at_first = False


TABLE = (Ground, Usual, Special, MoreOfSpecial)


def test_overlays_are_the_first_layer_of_each_name():
    assert overlays(TABLE) == [Usual, Special]
    assert shown_at_first(TABLE) == {"usual"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", {"usual"}), ("special", {"usual", "special"}), (" -usual ,special,", {"special"}), ("usual", {"usual"}), ("-usual", set())],
)
def test_parse_shown_adds_to_and_removes_from_the_defaults(text: str, shown: set[str]):
    assert parse_shown(text, TABLE) == shown


@pytest.mark.parametrize("shown", [set(), {"usual"}, {"special"}, {"usual", "special"}])
def test_written_overlays_are_read_back_unchanged(shown: set[str]):
    assert parse_shown(write_shown(frozenset(shown), TABLE), TABLE) == shown


def test_default_overlays_are_written_as_empty_text():
    assert write_shown(shown_at_first(TABLE), TABLE) == ""


def test_unknown_overlay_is_rejected_with_a_list_of_names():
    with pytest.raises(BadInputError, match="overlay: found 'vwop', expected one of usual, special"):
        parse_shown("vwop", TABLE)


def test_every_overlay_has_a_title_help_and_a_plain_name():
    for layer in overlays(LAYERS):
        assert layer.title and layer.help, layer.name
        assert layer.name == layer.name.lower() and " " not in layer.name and "," not in layer.name and not layer.name.startswith("-")


def test_layers_of_one_name_have_the_same_default():
    for layer in LAYERS:
        assert all(layer.shown_at_first == other.shown_at_first for other in LAYERS if other.name == layer.name and layer.name)
