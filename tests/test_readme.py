"""What README and help pages say about keys, settings, venues and commands is what the program has."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from app.entry.cli import app
from app.settings.fields import fields_of
from app.settings.settings import Settings, load_settings
from feeds.venues.all_venues import VENUES
from tests.markdown import GENERATED, HELP, ROOT, Page, help_pages, read
from widgets.commands.table import COMMANDS

README = read(ROOT / "README.md")
WRITTEN = [README, *(page for page in help_pages() if page.path.name not in GENERATED)]
_KEY = re.compile(r"((Ctrl|Shift|Alt)\+)*([A-Z]|F\d+|\d|[\[\]?,+=-]|Esc|Home|End|Del|Backspace|PgUp|PgDown|Space|Left|Right|Up|Down)")


def _pages(pages: list[Page]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=[page.path.stem for page in pages])


def test_the_readme_stays_short() -> None:
    assert len(README.text.splitlines()) <= 140


@_pages(WRITTEN)
def test_each_key_on_a_page_is_a_key_of_the_window(page: Page) -> None:
    known = {key for command in COMMANDS for key in command.keys}
    assert [key for key in page.code if _KEY.fullmatch(key) and key not in known] == []


def test_the_readme_and_the_pages_name_keys_at_all() -> None:
    named = {key for page in WRITTEN for key in page.code if _KEY.fullmatch(key)}
    assert {"C", "Shift+C", "A", "Ctrl+,", "?"} <= named


def test_each_key_of_the_window_is_on_the_page_of_keys() -> None:
    page = read(HELP / "keys.md").text
    assert [key for command in COMMANDS for key in command.keys if key not in page] == []


@pytest.mark.parametrize("name", [field.path for field in fields_of(Settings)])
def test_each_setting_is_on_the_page_of_settings(name: str) -> None:
    section, _, field = name.rpartition(".")
    page = read(HELP / "settings.md").text
    assert field in page and section.rpartition(".")[2] in page


@_pages(WRITTEN)
def test_each_setting_on_a_page_exists(page: Page) -> None:
    fields = {field.path.rpartition(".")[2] for field in fields_of(Settings)}
    named = [found[1] for code in page.code if (found := re.fullmatch(r'([a-z_]+)(?: = (?:"[^"]*"|\w+))', code))]
    assert [name for name in named if name not in fields] == []


_EXAMPLES = [
    example for page in [*WRITTEN, read(HELP / "settings.md")] for example in re.findall(r"```toml\n(.*?)```", page.text, re.DOTALL)
]


@pytest.mark.parametrize("example", _EXAMPLES)
def test_each_example_of_a_settings_file_is_read_and_changes_something(example: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(example, encoding="utf-8")
    assert load_settings(file, {}) != Settings()


@pytest.mark.parametrize(
    "rows",
    [README.table("Venues"), read(HELP / "venues.md").table("Venues")],
    ids=["README", "venues"],
)
def test_a_venue_table_lists_the_venues_that_can_be_opened(rows: list[list[str]]) -> None:
    assert {name.partition(":")[0] for row in rows for name in re.findall(r"`([^`]+)`", row[0])} == set(VENUES)


@pytest.mark.parametrize("line", sorted({line for page in [*WRITTEN, read(HELP / "pictures" / "README.md")] for line in page.commands()}))
def test_each_command_line_on_a_page_is_understood(line: str) -> None:
    _, *tokens = shlex.split(line)
    app.parse_args(tokens, exit_on_error=False, print_error=False)
