"""The generated help pages match the program's own tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.entry.help_pages import pages, write

HELP = Path(__file__).parents[3] / "resources" / "help"
PAGES = pages()


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (HELP / name).read_text(encoding="utf-8") == PAGES[name], "write it again: python -m app.entry.help_pages"


def test_writing_the_pages_makes_exactly_these_files(tmp_path: Path) -> None:
    write(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == PAGES
