"""The help pages as files: all are there, in the order of the index, and searched line by line."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtGui import QImage

from tests.markdown import help_pages as files
from tests.markdown import slug
from widgets.window.help_texts import INDEX, Match, anchors, help_pages, picture, search

LINES = {"a.md": ("Delta", "no", "delta and DELTA (POC)"), "b.md": ("delta",)}


def test_every_page_is_listed_once_with_its_own_title() -> None:
    pages = help_pages()
    assert {name: (page.name, page.text) for name, page in pages.items()} == {
        file.path.name: (file.path.name, file.text) for file in files()
    }
    assert {name: page.title for name, page in pages.items()} == {
        file.path.name: file.text.splitlines()[0].removeprefix("# ") for file in files()
    }


def test_pages_come_in_the_order_and_the_sections_of_the_index() -> None:
    pages = help_pages()
    assert next(iter(pages)) == INDEX and pages[INDEX].section == ""
    index = pages[INDEX].text
    assert all(index.index(f"]({first})") < index.index(f"]({second})") for first, second in pairwise(list(pages)[1:]))
    assert all(index.index(f"## {page.section}\n") < index.index(f"]({name})") for name, page in pages.items() if page.section)
    assert (pages["first-steps.md"].section, pages["troubleshooting.md"].section) == ("Start here", "Reference")


def test_a_heading_becomes_an_anchor_by_githubs_rule() -> None:
    assert anchors(["Delta, CVD and divergences", "POC (tie)", "value_area", "Why?", "1 × 2"]) == [
        "delta-cvd-and-divergences",
        "poc-tie",
        "value_area",
        "why",
        "1--2",
    ]
    assert anchors(["Point of control (POC)"]) == [slug("Point of control (POC)")]


def test_a_repeated_heading_gets_a_number() -> None:
    assert anchors(["TPO", "TPO", "TPO-1", "TPO"]) == ["tpo", "tpo-1", "tpo-1-1", "tpo-2"]


def test_a_search_ignores_case_and_counts_matches_by_page() -> None:
    assert list(search("delta", LINES)) == [
        Match("a.md", "Delta", 0, 0),
        Match("a.md", "delta and DELTA (POC)", 0, 1),
        Match("b.md", "delta", 0, 0),
    ]


@pytest.mark.parametrize(("words", "starts"), [("(POC)", [16]), ("nothing", []), ("", []), (".", [])])
def test_a_search_takes_its_words_literally(words: str, starts: list[int]) -> None:
    assert [match.start for match in search(words, LINES)] == starts


def test_a_picture_is_read_from_the_help_folder() -> None:
    assert QImage.fromData(picture("pictures/tpo.png")).width() == 1000
