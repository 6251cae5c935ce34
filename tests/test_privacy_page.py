"""The privacy page lists exactly the hosts that the program can contact, and says when."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from app.entry.cli import app
from feeds.venues.all_venues import VENUES
from tests.markdown import HELP, ROOT, read

_FOLDERS = ("app", "feeds", "rendering", "widgets")
_URL = re.compile(r"\b(?:https?|wss?)://([\w-]+(?:\.[\w-]+)+(?::\d+)?)")
_BARE = re.compile(r"(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|xyz|vision|exchange|finance|trade)(?::\d+)?")

ROWS = read(HELP / "privacy.md").table("Hosts that are contacted")
LISTED = [re.findall(r"`([^`]+)`", row[0])[0] for row in ROWS]


def _docstrings(tree: ast.AST) -> set[int]:
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
    expressions = [statement.value for body in bodies for statement in body if isinstance(statement, ast.Expr)]
    return {id(value) for value in expressions if isinstance(value, ast.Constant)}


def hosts_in(source: str) -> Iterator[str]:
    """Hosts in the string literals of a source, with their ports; what only documents something does not count."""
    tree = ast.parse(source)
    documents = _docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield from _URL.findall(node.value)
            if _BARE.fullmatch(node.value):
                yield node.value


def hosts_of_the_program() -> set[str]:
    files = [path for folder in _FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return {host for path in files for host in hosts_in(path.read_text(encoding="utf-8"))}


def test_hosts_are_found_in_literals_and_not_in_docstrings() -> None:
    source = '"""See https://docs.example.com."""\nA, B = "wss://ws.example.com:8443/x", "api.example.io"\nC = f"https://{A}.local"\n# https://no.example.com'
    assert sorted(hosts_in(source)) == ["api.example.io", "ws.example.com:8443"]


def test_the_page_lists_exactly_the_hosts_in_the_code() -> None:
    assert len(LISTED) == len(set(LISTED))
    assert set(LISTED) == hosts_of_the_program()


@pytest.mark.parametrize("row", ROWS, ids=LISTED)
def test_each_host_has_an_owner_and_a_time(row: list[str]) -> None:
    _, who, when = row
    assert who and (when.startswith(("the same", "only for `backfill")) or re.match(r"while an? `[\w-]+:`", when))


def test_each_venue_has_a_row_that_says_when_it_is_contacted() -> None:
    whens = " ".join(when for _, _, when in ROWS if when.startswith("while"))
    assert set(re.findall(r"`([\w-]+):`", whens)) == set(VENUES)


def test_the_commands_it_names_exist() -> None:
    named = {code.split()[0] for _, _, when in ROWS for code in re.findall(r"`([a-z][^`]*)`", when) if not code.endswith(":")}
    assert named == {"backfill", "verify", "doctor"}
    assert all(app[name].help for name in named)
