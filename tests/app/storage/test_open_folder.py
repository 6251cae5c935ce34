"""Paths in an open folder mean this very folder, wherever it is by now."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.storage.atomic import replacing, write_atomically
from app.storage.open_folder import OpenFolder, names_in

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows renames no folder with open files")


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[OpenFolder]:
    """A folder that was renamed to `aside` after it was opened; another one with other files is in its place."""
    path = tmp_path / "market"
    (path / "trades").mkdir(parents=True)
    for name in ("a", "b"):
        (path / "trades" / name).write_text(f"own {name}")
    with closing(OpenFolder(path)) as folder:
        assert folder.is_in_place
        path.rename(tmp_path / "aside")
        assert not folder.is_in_place
        (path / "trades").mkdir(parents=True)
        (path / "trades" / "a").write_text("foreign a")
        yield folder


def content(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_every_change_is_made_in_the_opened_folder(moved: OpenFolder, tmp_path: Path) -> None:
    trades = moved.path / "trades"
    moved.replace(trades / "a", trades / "c")
    moved.link(trades / "c", trades / "d")
    moved.unlink(trades / "b")
    moved.unlink(trades / "b")
    moved.make(moved.path / "undo" / "new")
    moved.make(moved.path / "undo" / "new")
    moved.touch(moved.path / "undo" / "new" / "e")
    write_atomically(moved.path / "cells" / "f", b"written", moved)
    write_atomically(trades / "d", b"written over", moved)
    found = {"trades/c": "own a", "trades/d": "written over", "undo/new/e": "", "cells/f": "written"}
    assert content(tmp_path / "aside") == found
    moved.remove_tree(moved.path / "undo")
    assert content(tmp_path / "aside") == {name: text for name, text in found.items() if name != "undo/new/e"}
    assert content(moved.path) == {"trades/a": "foreign a"}


def test_every_question_is_answered_from_the_opened_folder(moved: OpenFolder) -> None:
    trades = moved.path / "trades"
    assert sorted(names_in(trades, moved)) == ["a", "b"] and names_in(trades) == ["a"]
    assert moved.exists(trades / "b") and not moved.exists(trades / "c") and not moved.exists(trades / "a" / "c")
    assert moved.names(moved.path / "cells") == [] and names_in(moved.path / "cells") == []
    with moved.open(trades / "a") as file:
        assert file.read() == b"own a"
    assert moved.stat(trades / "a").st_size == 5


def test_a_failed_write_leaves_the_old_file_and_no_other(moved: OpenFolder, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), replacing(moved.path / "trades" / "a", within=moved) as file:
        file.write(b"half")
        raise RuntimeError
    assert content(tmp_path / "aside") == {"trades/a": "own a", "trades/b": "own b"}


def test_a_closed_folder_goes_by_its_path(moved: OpenFolder) -> None:
    moved.close()
    moved.close()
    with moved.open(moved.path / "trades" / "a") as file:
        assert file.read() == b"foreign a"
    assert moved.names(moved.path / "trades") == ["a"] and moved.is_in_place


def test_a_folder_in_the_same_place_is_another_one_if_it_was_made_again(tmp_path: Path) -> None:
    path = tmp_path / "market"
    path.mkdir()
    with closing(OpenFolder(path)) as folder:
        path.rmdir()
        assert not folder.is_in_place
        path.mkdir()
        assert not folder.is_in_place
