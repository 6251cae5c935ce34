"""Help pages generated from the program's own tables.

`python -m app.entry.help_pages` writes them. A test compares the files with the tables, so a page that is out of date fails the tests.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from rich.console import Console

from app.entry.cli import app
from app.settings.calculation import CalculationSettings
from app.settings.fields import FieldInfo, PlainValue, SettingsGroup, fields_of
from app.settings.settings import Settings
from widgets.commands.key_list import MOUSE
from widgets.commands.table import COMMANDS

_WIDTH = 100  # columns of the text that `--help` prints


def pages() -> dict[str, str]:
    """The text of each generated help page, by file name."""
    return {"keys.md": _keys(), "settings.md": _settings(), "calculation.md": _calculation(), "commands.md": _commands()}


def _keys() -> str:
    lines = ["# Keys and mouse", "", "`?` shows this list in the program.", ""]
    menus = dict.fromkeys(command.menu for command in COMMANDS)
    for menu in menus:
        rows = [
            (" ".join(f"`{key}`" for key in command.keys), command.tooltip) for command in COMMANDS if command.menu == menu and command.keys
        ]
        if rows:
            lines += [f"## {menu or 'On the chart'}", "", *_table(("Key", "Effect"), rows), ""]
    return _page([*lines, "## Mouse", "", *_table(("Gesture", "Effect"), MOUSE)])


def _settings() -> str:
    lines = ["# Settings", "", "`tapeprint settings --print` prints the settings in use. The settings file is TOML, e.g.:", ""]
    lines += ["```toml", "[display]", 'theme = "light"', "```", ""]
    lines += ["The settings that change values are on [their own page](calculation.md).", ""]
    return _page([*lines, *_sections(Settings)])


def _calculation() -> str:
    lines = [
        "# Calculation settings",
        "",
        "They change how values are computed. Set them in the dialog, in the settings file, or for one image",
    ]
    lines += ["with `tapeprint snapshot … --rule PATH=VALUE`.", ""]
    return _page([*lines, *_sections(CalculationSettings, full_paths=True)])


def _sections(kind: type[SettingsGroup], *, full_paths: bool = False) -> Iterator[str]:
    """Yield the Markdown lines of one table per part of the settings; a setting has its full path or its name within the part."""
    head = ("Path" if full_paths else "Setting", "Default", "Values", "Meaning")
    parts: dict[str, list[FieldInfo]] = {}
    for field in fields_of(kind):
        parts.setdefault(field.path.rpartition(".")[0], []).append(field)
    for part, fields in parts.items():
        names = (field.path if full_paths else field.path.rpartition(".")[2] for field in fields)
        rows = [(f"`{name}`", _shown(field.default), _range(field), field.help) for name, field in zip(names, fields, strict=True)]
        yield from (f"## {part}", "", *_table(head, rows), "")


def _shown(default: PlainValue) -> str:
    if isinstance(default, (list, tuple)):
        return f"`{','.join(map(str, default))}`" if default else "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`" if str(default) else "empty"


def _range(field: FieldInfo) -> str:
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices)
    if field.least is not None and field.most is not None:
        return f"{field.least:,} to {field.most:,}"
    return {bool: "`true`, `false`"}.get(field.kind, ", ".join(f"`{example}`" for example in field.examples))


def _commands() -> str:
    lines = ["# Command line", "", "Exit code 0: success; 2: invalid input; 1: any other failure.", ""]
    for name in ("", *sorted(name for name in app if not name.startswith("-"))):
        lines += [f"## tapeprint {name}".rstrip(), "", "```", *_help_of(name), "```", ""]
    return _page(lines)


def _help_of(name: str) -> Iterator[str]:
    text = io.StringIO()
    app.help_print([name] if name else [], console=Console(file=text, width=_WIDTH, color_system=None, force_terminal=False))
    yield from (line.rstrip() for line in text.getvalue().strip().splitlines())


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]] | tuple[tuple[str, ...], ...]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"


def _page(lines: list[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"


def write(folder: Path) -> None:
    """Write each generated help page into a folder, which must exist."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(str(files("resources") / "help")))
