"""The layers that can be shown and hidden, and how a choice of them is written."""

from __future__ import annotations

import pytest

from app.errors import BadInputError
from rendering.items.chart_item import ChartItem
from rendering.items.overlays import overlays, parse_shown, shown_at_first, write_shown
from rendering.scene.layers import LAYERS


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


def test_layers_without_a_name_are_no_overlays_and_those_of_one_name_are_one():
    assert overlays(TABLE) == [Usual, Special]
    assert shown_at_first(TABLE) == {"usual"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", {"usual"}), ("special", {"usual", "special"}), (" -usual ,special,", {"special"}), ("usual", {"usual"}), ("-usual", set())],
)
def test_a_text_adds_to_what_is_shown_at_first_and_takes_away(text: str, shown: set[str]):
    assert parse_shown(text, TABLE) == shown


@pytest.mark.parametrize("shown", [set(), {"usual"}, {"special"}, {"usual", "special"}])
def test_what_is_written_is_read_as_the_same_choice(shown: set[str]):
    assert parse_shown(write_shown(frozenset(shown), TABLE), TABLE) == shown


def test_what_is_shown_at_first_needs_no_words():
    assert write_shown(shown_at_first(TABLE), TABLE) == ""


def test_a_wrong_name_is_refused_and_all_names_are_listed():
    with pytest.raises(BadInputError, match="overlay: found 'vwop', expected one of usual, special"):
        parse_shown("vwop", TABLE)


def test_every_overlay_of_the_chart_says_what_it_is():
    for layer in overlays(LAYERS):
        assert layer.title and layer.help, layer.name
        assert layer.name == layer.name.lower() and " " not in layer.name and "," not in layer.name and not layer.name.startswith("-")


def test_layers_of_one_name_are_shown_together_from_the_start():
    for layer in LAYERS:
        assert all(layer.shown_at_first == other.shown_at_first for other in LAYERS if other.name == layer.name and layer.name)
