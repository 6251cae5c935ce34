"""D11: the journal puts files back as they were, once, and only if its import does not count."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.market.coverage import Source
from app.storage.open_folder import OpenFolder
from app.storage.tape_ranges import TapeRange, TapeRanges
from app.storage.undo_journal import UndoJournal, undo_unfinished

BEFORE = TapeRanges([TapeRange(1, 9, 1, 9, 100, 200, Source.LIVE)])
AFTER = TapeRanges([TapeRange(1, 20, 1, 20, 100, 300, Source.LIVE)])


def changed(market: Path) -> UndoJournal:
    """A journal of an import that changed, deleted and created a file."""
    (market / "trades").mkdir(parents=True)
    for name in ("a", "b"):
        (market / "trades" / name).write_text(f"old {name}")
    journal = UndoJournal(OpenFolder(market), BEFORE)
    for name in ("a", "b", "c"):
        journal.guard(market / "trades" / name)
        journal.guard(market / "trades" / name)
    for name in ("a", "c"):
        (market / "trades" / "new").write_text(f"new {name}")
        (market / "trades" / "new").replace(market / "trades" / name)
    (market / "trades" / "b").unlink()
    return journal


def content(market: Path) -> dict[str, str]:
    return {path.relative_to(market).as_posix(): path.read_text() for path in market.rglob("*") if path.is_file()}


OLD = {"trades/a": "old a", "trades/b": "old b"}


@pytest.mark.parametrize("links", [True, False], ids=["links", "copies"])
def test_undoing_puts_all_files_back(tmp_path: Path, links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not links:

        def none(*_: object, **__: object) -> None:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", none)
    changed(tmp_path).undo()
    assert content(tmp_path) == OLD


def test_undoing_puts_them_back_where_the_folder_is_by_now(tmp_path: Path) -> None:
    market = tmp_path / "market"
    journal = changed(market)
    market.rename(tmp_path / "aside")
    (market / "trades").mkdir(parents=True)
    (market / "trades" / "c").write_text("foreign")
    journal.undo()
    assert content(tmp_path / "aside") == OLD and content(market) == {"trades/c": "foreign"}


def test_the_next_writer_undoes_an_import_that_does_not_count(tmp_path: Path) -> None:
    changed(tmp_path)
    assert undo_unfinished(OpenFolder(tmp_path), BEFORE)
    assert content(tmp_path) == OLD
    assert not undo_unfinished(OpenFolder(tmp_path), BEFORE)


def test_an_import_that_counts_stays(tmp_path: Path) -> None:
    changed(tmp_path)
    assert not undo_unfinished(OpenFolder(tmp_path), AFTER)
    assert content(tmp_path) == {"trades/a": "new a", "trades/c": "new c"}


def test_a_journal_without_its_ranges_is_none(tmp_path: Path) -> None:
    changed(tmp_path)
    (tmp_path / "undo" / "ranges.json").write_text("{")
    assert not undo_unfinished(OpenFolder(tmp_path), BEFORE)
    assert not (tmp_path / "undo").exists()
