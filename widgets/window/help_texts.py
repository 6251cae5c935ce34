"""The help pages as files: their sections, titles, pictures and anchors, and a search over their lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import NamedTuple

INDEX = "index.md"
_FOLDER = resources.files("resources") / "help"
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_ENTRY = re.compile(r"^## (.+)$|^- \[[^\]]*\]\(([\w-]+\.md)\)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class HelpPage:
    """One page of the help.

    Attributes
    ----------
    name : str
        Its file name, e.g. `values.md`.
    title : str
        Its first heading.
    text : str
        Markdown.
    section : str
        The heading of the index under which it is listed; empty for the index itself.
    """

    name: str
    title: str
    text: str
    section: str


class Match(NamedTuple):
    """A line of a help page that contains the text of a search.

    Attributes
    ----------
    page : str
        Name of the page.
    line : str
        The line as it is shown.
    start : int
        Index in the line at which the text begins for the first time.
    nth : int
        Number of the line's first match among all matches on the page, from 0.
    """

    page: str
    line: str
    start: int
    nth: int


@cache
def help_pages() -> dict[str, HelpPage]:
    """All help pages by file name: the index, then the pages that the index lists, in that order."""
    index = _text(INDEX)
    pages = {INDEX: HelpPage(INDEX, _title(index), index, "")}
    section = ""
    for heading, name in _ENTRY.findall(index):
        section = heading or section
        if name:
            text = _text(name)
            pages[name] = HelpPage(name, _title(text), text, section)
    return pages


def picture(path: str) -> bytes:
    """The bytes of a picture file, by its path in the help folder, e.g. `pictures/tpo.png`."""
    return _FOLDER.joinpath(*path.split("/")).read_bytes()


def anchors(headings: Iterable[str]) -> list[str]:
    """Anchors of a page's headings by GitHub's rule.

    Letters become lower case, spaces become hyphens, punctuation is removed; a heading that repeats an earlier one gets `-1`, `-2`, ….

    >>> anchors(["Delta, CVD", "TPO", "TPO"])
    ['delta-cvd', 'tpo', 'tpo-1']
    """
    found: list[str] = []
    for heading in headings:
        anchor = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        copies = (f"{anchor}-{number}" for number in range(1, len(found) + 1))
        found.append(anchor if anchor not in found else next(copy for copy in copies if copy not in found))
    return found


def search(words: str, lines_by_page: Mapping[str, Sequence[str]]) -> Iterator[Match]:
    """The lines that contain the text `words`, in upper or lower case, page by page; none if `words` is empty."""
    pattern = re.compile(re.escape(words), re.IGNORECASE)
    for page, lines in lines_by_page.items() if words else ():
        count = 0
        for line in lines:
            if starts := [found.start() for found in pattern.finditer(line)]:
                yield Match(page, line, starts[0], count)
                count += len(starts)


def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _title(text: str) -> str:
    found = _TITLE.match(text)
    assert found is not None
    return found[1]
