"""The stubs of packages without types: they describe only what the packages have."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

STUBS = Path(__file__).parent / "stubs"
FILES = sorted(STUBS.rglob("*.pyi"))
_NOT_THERE = object()


def _module(path: Path) -> ModuleType:
    parts = path.relative_to(STUBS).with_suffix("").parts
    return importlib.import_module(".".join(parts[:-1] if parts[-1] == "__init__" else parts))


def _described(body: list[ast.stmt], owner: object, name: str) -> Iterator[tuple[str, object, ast.stmt]]:
    """Name, runtime object and definition of each class, function and method that a stub describes."""
    for node in body:
        if not isinstance(node, (ast.ClassDef, ast.FunctionDef)) or (isinstance(node, ast.ClassDef) and node.name.startswith("_")):
            continue
        if node.name == "__buffer__":  # Python shows the buffer protocol of C types as a method from 3.12 on
            continue
        found: Any = getattr(owner, node.name, _NOT_THERE)
        yield f"{name}.{node.name}", found, node
        if isinstance(node, ast.ClassDef):
            yield from _described(node.body, found, f"{name}.{node.name}")


def _faults(path: Path) -> Iterator[str]:
    module = _module(path)
    for name, found, node in _described(ast.parse(path.read_text(encoding="utf-8")).body, module, module.__name__):
        if found is _NOT_THERE:
            yield f"{name} does not exist"
        elif isinstance(node, ast.FunctionDef) and callable(found):
            try:
                parameters = inspect.signature(found).parameters
            except ValueError:  # a constructor in C, which Python cannot look into
                continue
            given = {one.arg for one in (*node.args.args, *node.args.kwonlyargs)} - {"self"}
            if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
                yield from (f"{name} has no parameter {one}" for one in sorted(given - set(parameters)))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(STUBS)))
def test_a_stub_describes_only_what_exists(path: Path) -> None:
    assert list(_faults(path)) == []


def test_a_wrong_stub_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zlib.pyi").write_text(
        "def crc32(data: bytes, value: int = 0, /) -> int: ...\ndef crc31() -> None: ...\ndef compress(size: int): ...\n"
    )
    monkeypatch.setattr(f"{__name__}.STUBS", tmp_path)
    assert list(_faults(tmp_path / "zlib.pyi")) == ["zlib.crc31 does not exist", "zlib.compress has no parameter size"]
