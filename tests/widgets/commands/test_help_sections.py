"""Each command and each overlay has a section of the help that mentions it."""

from __future__ import annotations

import re

import pytest

from rendering.items.overlays import overlays
from rendering.scene.all_layers import LAYERS
from tests.markdown import GENERATED, HELP, read, slug
from widgets.commands.help_sections import SECTIONS
from widgets.commands.table import COMMANDS


def section(target: str) -> str:
    """The text of a page, or of one of its sections with what is below its heading."""
    name, _, anchor = target.partition("#")
    text = read(HELP / name).text
    if not anchor:
        return text
    for heading in re.finditer(r"^(#{2,6}) (.+)$", text, re.MULTILINE):
        if slug(heading[2]) == anchor:
            rest = text[heading.end() :]
            end = re.search(rf"^#{{1,{len(heading[1])}}} ", rest, re.MULTILINE)
            return heading[2] + (rest[: end.start()] if end else rest)
    raise AssertionError(f"no such section: {target}")


def mentions(text: str, name: str, keys: tuple[str, ...]) -> bool:
    plain = re.sub(r"[*_]", "", text)
    return name.rstrip("…").lower() in plain.lower() or any(f"`{key}`" in text for key in keys)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.action)
def test_the_section_of_a_command_mentions_it(command) -> None:
    if command.name == "show_help":
        assert command.explained_in == command.argument and section(command.argument)
    else:
        assert mentions(section(command.explained_in), command.text, command.keys), f"{command.explained_in}: {command.text} {command.keys}"


@pytest.mark.parametrize("layer", overlays(LAYERS), ids=lambda layer: layer.name)
def test_the_section_of_an_overlay_mentions_it_by_its_title(layer) -> None:
    assert mentions(section(layer.help_page), layer.title, ()), f"{layer.help_page}: {layer.title}"


def test_only_the_keys_themselves_are_explained_by_a_generated_page() -> None:
    generated = {command.name for command in COMMANDS if command.explained_in.partition("#")[0] in GENERATED}
    assert generated == {"show_keys"}


def test_each_named_command_exists() -> None:
    assert set(SECTIONS) == {command.name for command in COMMANDS if not command.help_page}
