"""The check of words finds what it forbids, and nothing in what it allows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.words import hits_in, hits_of

ROOT = Path(__file__).parents[1]


def test_the_code_uses_the_words_of_the_glossary() -> None:
    assert [f"{hit.path.relative_to(ROOT)}:{hit.line}: {hit.text}: {hit.reason}" for hit in hits_of(ROOT)] == []


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ('label = "the prices in sight"', "text"),
        ('label = f"{n} holes are left"', "text"),
        ('def draw():\n    """What is drawn."""', "doc"),
        ('class Shown:\n    """The prices in sight."""', "doc"),
        ("def keeping_gaps(): ...", "name"),
        ("class LookBook: ...", "name"),
    ],
)
def test_a_replaced_word_is_found_where_a_reader_sees_it(tmp_path: Path, source: str, kind: str) -> None:
    file = tmp_path / "some.py"
    file.write_text(source, encoding="utf-8")
    assert [hit.kind for hit in hits_in(file, "app.some")] == [kind]


@pytest.mark.parametrize(
    "source",
    [
        'label = "the prices in view"',
        'raise ValueError("what nobody sees")',
        'def _private():\n    """What is drawn."""',
        "def whole_numbers(): ...",
    ],
)
def test_what_a_reader_does_not_see_is_free(tmp_path: Path, source: str) -> None:
    file = tmp_path / "some.py"
    file.write_text(source, encoding="utf-8")
    assert list(hits_in(file, "app.some")) == []
