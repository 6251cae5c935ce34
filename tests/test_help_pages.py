"""Papers and help pages: every link leads somewhere, and every file and name they mention exists."""

from __future__ import annotations

import ast
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.markdown import HELP, PAPERS, ROOT, Page, help_pages, papers, read, slug

PICTURES = HELP / "pictures"
PAGES = [*papers(), *help_pages()]
NAMING = [read(ROOT / name) for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "GLOSSARY.md")]
_TOPS = ("app", "feeds", "rendering", "widgets", "resources", "tests")
_MOST_BYTES = 150_000
_NAME = re.compile(r"[A-Z]\w*[a-z]\w*(\.\w+)?|[a-z]\w*_\w+|_?[A-Z]{4,}")


def _pages(pages: list[Page]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", pages, ids=[page.path.stem for page in pages])


# -- links ---------------------------------------------------------------------------------------


def test_an_anchor_is_made_by_githubs_rule() -> None:
    assert slug("Point of control (POC)") == "point-of-control-poc"
    assert slug("Bid and ask: 1 × 2") == "bid-and-ask-1--2"


@_pages(PAGES)
def test_each_link_of_a_page_leads_somewhere(page: Page) -> None:
    assert list(_broken(page)) == []


def _broken(page: Page) -> Iterator[str]:
    for link in page.links:
        if re.match(r"https?://", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.path if not name else page.path.parent / name
        if not target.is_file() or (anchor and anchor not in read(target).anchors):
            yield link


@_pages(help_pages())
def test_a_help_page_links_to_help_pages_and_pictures_only(page: Page) -> None:
    """They are shown by the program, which has nothing else."""
    assert [link for link in page.links if not re.fullmatch(r"([a-z-]+\.md)?(#[\w-]+)?|pictures/[a-z-]+\.png", link)] == []


@_pages(help_pages())
def test_a_help_page_is_plain_markdown_with_one_title(page: Page) -> None:
    prose = re.sub(r"`[^`\n]+`", "", page.prose)
    assert re.findall(r"</?[a-zA-Z!][^>]*>|&\w+;", prose) == []
    assert page.text.startswith("# ") and len(re.findall(r"^# ", page.prose, re.MULTILINE)) == 1


def test_the_index_lists_every_help_page() -> None:
    listed = {link for link in read(HELP / "index.md").links if link.endswith(".md")}
    assert listed == {page.path.name for page in help_pages()} - {"index.md"}


# -- pictures ------------------------------------------------------------------------------------


def test_each_picture_is_shown_and_small_and_has_its_command() -> None:
    there = {path.name for path in PICTURES.glob("*.png")}
    shown = {Path(link).name for page in help_pages() for link in page.links if link.endswith(".png")}
    made = {Path(tokens[tokens.index("-o") + 1]) for tokens in map(shlex.split, read(PICTURES / "README.md").commands())}
    assert there == shown == {path.name for path in made}
    assert {path.parent for path in made} == {Path("resources/help/pictures")}
    assert [path.name for path in PICTURES.glob("*.png") if path.stat().st_size > _MOST_BYTES] == []


# -- names ---------------------------------------------------------------------------------------


@_pages(NAMING)
def test_each_file_and_folder_of_a_paper_exists(page: Page) -> None:
    diffed = {path for _, block in page.blocks for path in re.findall(r"^--- a/(\S+)$", block, re.MULTILINE)}
    named = {code.rstrip("/") for code in page.code if re.fullmatch(rf"({'|'.join(_TOPS)})/[\w./-]*", code)}
    assert named and [path for path in sorted(named | diffed) if not (ROOT / path).exists()] == []


@_pages(NAMING)
def test_each_module_of_a_paper_exists(page: Page) -> None:
    dotted = [code for code in page.code if re.fullmatch(rf"({'|'.join(_TOPS)})(\.\w+)+", code)]
    assert [name for name in dotted if not _module_exists(name)] == []


def _module_exists(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or place.is_dir()


@_pages(NAMING)
def test_each_name_of_a_paper_is_defined_in_the_program(page: Page) -> None:
    names = {name for code in page.code if _NAME.fullmatch(name := code.partition("/")[0]) and not code.startswith("TAPEPRINT_")}
    defined, inside = definitions()
    missing = [name for name in names if name.partition(".")[0] not in defined]
    missing += [name for name in names if "." in name and name.partition(".")[2] not in inside[name.partition(".")[0]]]
    assert names and sorted(missing) == []


@pytest.mark.parametrize("step", re.findall(r"`([\w.]+)`[^`.;]{0,40}\(`([\w/]+\.py)`\)", read(ROOT / "ARCHITECTURE.md").prose))
def test_a_name_with_its_file_is_defined_there(step: tuple[str, str]) -> None:
    name, path = step
    assert name.rpartition(".")[2] in set(_names(path)), f"{name} in {path}"


def test_the_architecture_names_every_folder() -> None:
    text = read(ROOT / "ARCHITECTURE.md").text
    folders = [path.parent for top in _TOPS[:4] for path in (ROOT / top).rglob("__init__.py")]
    assert [str(folder) for folder in folders if not _is_named(folder, text)] == []


def _is_named(folder: Path, text: str) -> bool:
    place = folder.relative_to(ROOT)
    return f"`{place.as_posix()}/`" in text or len(place.parts) == 1 or place.parent.as_posix() == "feeds/venues"


@cache
def definitions() -> tuple[set[str], dict[str, set[str]]]:
    """All names that the program's files define, and for each class what it has."""
    defined: set[str] = set()
    inside: dict[str, set[str]] = defaultdict(set)
    for top in _TOPS[:4]:
        for path in (ROOT / top).rglob("*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            defined |= set(_names_of(tree))
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    inside[node.name] |= set(_names_of(node))
    return defined, inside


def _names(path: str) -> Iterator[str]:
    return _names_of(ast.parse((ROOT / path).read_text(encoding="utf-8")))


def _names_of(tree: ast.AST) -> Iterator[str]:
    """Classes, functions, parameters and whatever is assigned, at any depth; columns of arrays are words of text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value


def test_all_papers_are_there() -> None:
    assert [path.name for path in (*PAPERS, ROOT / "LICENSE") if not path.is_file()] == []
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in licence and "Copyright 2026 The Tapeprint authors" in licence
