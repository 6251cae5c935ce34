"""Search texts, docstrings and names for words that the glossary has replaced: `python -m tests.words`, part of `make lint`.

There are three kinds of hits: `text` (string literals that a user can see), `doc` (first lines of docstrings) and `name` (public
modules, classes, functions and methods). Exceptions are the names in `ALLOWED_NAMES`, each with its reason.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

FOLDERS = ("app", "feeds", "rendering", "widgets")

TEXT = {
    r"anew|afresh": "archaic: write 'again' or 'from the start'",
    r"otherwise": "write 'else', 'different' or name the case",
    r"(?:let|lets|letting) go": "write 'drop', 'discard', 'delete' or 'cancel'",
    r"(?:take|takes|taken|took) (?:away|off|it again|it back)": "write 'delete', 'undo' or 'redo'",
    r"(?:put|set|puts|sets) aside": "write 'renamed', 'moved' or 'rejected'",
    r"on end": "write 'consecutive'",
    r"(?:in|out of) sight": "write 'in view' or 'visible'",
    r"nobody|somebody|whoever|anybody": "name the subject, or use the passive",
    r"(?:tells?|told|telling)(?! (?:\w+ )?apart\b)|says|said|saying": "software reports, shows, fires or returns; it does not speak",
    r"knows|knew": "software has, supports or contains; it does not know",
    r"wish|wishes|wants|wanted": "software requests or requires",
    r"kept(?! up\b)": "write 'stored', 'recorded', 'cached' or 'remembered': kept has four meanings",
    r"held(?! (?:against|up|down)\b)": "write 'loaded' (in memory) or 'stored' (on disk)",
    r"stretch|stretches": "write 'range' or 'time range'",
    r"holes?": "write 'gap'",
    r"pieces?": "write 'part', 'range', 'file' or 'segment'",
    r"lacks?|lacking": "write 'missing' or 'has no'",
    r"of no (?!more\b)[a-z]+": "write 'without …' or 'zero …'",
    r"(?:that is|what is|that are|it is|which is) (?:none|no [A-Za-z]+)": "write 'not a …' or 'invalid'",
    r"so many": "write a number or 'this many'",
    r"how often": "a frequency; of a factor write 'how many times'",
    r"at present": "write 'now' or 'currently'",
    r"looked (?:at|through)|looks? (?:at|through|again)|a look": "write 'scan', 'check', 'refresh' or 'view'",
    r"lives|live until|living": "of a level write 'active'",
    r"hurt|mend|mends|mending": "write 'damaged', 'fix' or 'repair'",
    r"behind the (?:point|veil|moment)|(?<!far )(?<!tell )(?<!told )(?<!trades )apart(?=[.,;])": "write 'decimal places', 'after' or 'separate'",  # noqa: E501
    r"whole(?! (?:numbers?|days?|minutes?|hours?|candles?|ticks?|screen|bars?|month|months|range))": "write 'complete'",
    r"(?<!in )the past": "write 'history'",
    r"(?<!significant )figures?": "write 'value'",
    r"as in(?! (?:the|a|an|any)\b)": "write 'e.g.' or 'such as'",
    r"cannot be (?:written|read|used|reached|changed)|be had": "active: 'cannot write …', 'cannot reach …'",
    r"on the wall": "write 'local time'",
    r"chosen|choose (?=the profile|a profile)": "UI word: 'select', 'selected'",
}
DOC_ONLY = {
    r"^(?:What|Where|How|Which|Who|Whom|Whose|Of|From|Those|Under) .*": "a clause: begin with a verb or a noun phrase",
}
DOC_SKIPS = (r"lives", r"cannot be", r"as in", r"chosen", r"(?<!significant )figures?", r"whole")  # right, or not worth it, in docstrings
NAMES = {
    "look": "nine meanings: scan, style, refresh, sample, view",
    "looks": "write options or style",
    "looking": "write scan",
    "kept": "write stored or cached",
    "keeping": "write store or cache",
    "held": "write loaded or stored",
    "told": "write seen, reported or fired",
    "tell": "write report, fire or show",
    "telling": "write firing",
    "tellable": "write fillable",
    "say": "write show",
    "stretch": "write range",
    "stretches": "write ranges",
    "piece": "write segment, range or file",
    "pieces": "write segments, ranges or files",
    "hole": "write gap",
    "holes": "write gaps",
    "beside": "a preposition is no name",
    "beyond": "write offscreen",
    "wish": "write request or spec",
    "wishes": "write requests",
    "wanted": "write requested",
    "standing": "write status or active",
    "waiting": "write armed, queue or pending",
    "reaching": "write retry",
    "passing": "write crossing",
    "anew": "write again or rebuild",
    "whole": "write complete or atomic",
    "past": "write history",
    "sight": "write view",
    "ground": "write fill or background",
    "room": "write pane or size",
    "ledger": "write levels",
    "book": "the order book",
    "desk": "write actions",
    "tones": "write palette or colours",
    "described": "write settings group",
    "moments": "write times",
    "figures": "write values",
    "garbage": "write gc",
    "letgo": "write delete",
}
NAME_PAIRS = {
    ("let", "go"): "write delete or drop",
    ("put", "aside"): "write move or reject",
    ("set", "aside"): "write rename",
    ("behind", "the"): "write after",
}
ALLOWED_NAMES = {
    "whole_numbers": "the mathematical term",
    "whole_months": "months of which every day is asked for; a source has files of months and of days",
    "beside": "a place: to the right of a pane or of a field",
    "waiting_page": "the page that is shown while the market opens",
    "WaitingPage": "the page that is shown while the market opens",
}
NOT_SHOWN = re.compile(r"\b(SELECT|INSERT|DELETE|UPDATE|CREATE TABLE|PRAGMA|BEGIN)\b|#version|font-weight|<p style")
NOT_USER = {
    "ValueError",
    "TypeError",
    "RuntimeError",
    "KeyError",
    "AssertionError",
    "TypeVar",
    "NotImplementedError",
    "compile",
    "getLogger",
}


class Hit(NamedTuple):
    """A word to replace: its file and line, the kind and text of the place, and what to write."""

    path: Path
    line: int
    kind: str
    text: str
    reason: str


def literal(node: ast.AST) -> str | None:
    """The literal text of a string or f-string, with `{}` for each value; None for other nodes."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


def hits_in(path: Path, name: str) -> Iterator[Hit]:
    """All hits of one file; `name` is its dotted name."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    yield from (*_names(path, name, tree), *_docs(path, tree), *_texts(path, tree, parents))


def _names(path: Path, name: str, tree: ast.Module) -> Iterator[Hit]:
    found = [(1, name.rpartition(".")[2])]
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            found.append((node.lineno, node.name))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found += [(inner.lineno, inner.name) for inner in node.body if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for line, public in found:
        if public.startswith("_") or public in ALLOWED_NAMES:
            continue
        words = re.findall(r"[a-z]+|[A-Z][a-z]*", public)
        words = [word.lower() for word in words]
        for word in words:
            if word in NAMES:
                yield Hit(path, line, "name", public, f"'{word}': {NAMES[word]}")
                break
        for pair in pairwise(words):
            if pair in NAME_PAIRS:
                yield Hit(path, line, "name", public, f"'{' '.join(pair)}': {NAME_PAIRS[pair]}")


def _docs(path: Path, tree: ast.Module) -> Iterator[Hit]:
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if getattr(node, "name", "").startswith("_") or not (doc := ast.get_docstring(node)):
            continue
        first, line = doc.split("\n")[0], node.body[0].lineno
        plain = re.sub(r"`[^`]*`", "``", first)
        yield from _matches(path, line, "doc", first, plain, {**DOC_ONLY, **{k: v for k, v in TEXT.items() if not k.startswith(DOC_SKIPS)}})


def _texts(path: Path, tree: ast.Module, parents: dict[ast.AST, ast.AST]) -> Iterator[Hit]:
    for node in ast.walk(tree):
        if (text := literal(node)) is None or " " not in text.strip() or NOT_SHOWN.search(text):
            continue
        parent = parents.get(node)
        if isinstance(parent, (ast.Expr, ast.JoinedStr, ast.Assert, ast.FormattedValue)):
            continue
        call = parent
        while call is not None and not isinstance(call, (ast.Call, ast.stmt)):
            call = parents.get(call)
        if isinstance(call, ast.Call) and (_called(call) in NOT_USER or ast.unparse(call.func).startswith("_log.")):
            continue
        yield from _matches(path, node.lineno, "text", text, text, TEXT)


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _matches(path: Path, line: int, kind: str, text: str, searched: str, words: dict[str, str]) -> Iterator[Hit]:
    for pattern, reason in words.items():
        bounded = pattern if pattern.startswith("^") else rf"\b(?:{pattern})\b"
        if match := re.search(bounded, searched, re.IGNORECASE if not pattern.startswith("^") else 0):
            yield Hit(path, line, kind, text, f"'{match[0].split()[0] if pattern.startswith('^') else match[0]}': {reason}")
            return


def hits_of(root: Path) -> list[Hit]:
    """All hits below a folder, by file and line."""
    hits: list[Hit] = []
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            hits += hits_in(path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return hits


def main() -> int:
    """Print every hit; return 1 if there are any, else 0."""
    root = Path(__file__).parents[1]
    hits = hits_of(root)
    for hit in hits:
        print(f"{hit.path.relative_to(root)}:{hit.line}: {hit.kind}: {hit.text[:110]!r}: {hit.reason}")
    return bool(hits)


if __name__ == "__main__":
    sys.exit(main())
