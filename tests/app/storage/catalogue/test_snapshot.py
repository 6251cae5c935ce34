"""A snapshot of the catalogue shows what was committed, and changes nothing beside the file."""

from __future__ import annotations

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.errors import StoreError
from app.storage.catalogue import snapshot as catalogue_snapshot
from app.storage.catalogue.catalogue import FILE_NAME, Catalogue
from app.storage.catalogue.snapshot import CatalogueSnapshot, snapshot_of
from tests.app.storage.stores import TAPE


def database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE number (value INTEGER)")
    connection.execute("INSERT INTO number VALUES (1)")
    return connection


def values_in(snapshot: CatalogueSnapshot) -> list[int]:
    connection = sqlite3.connect(snapshot.uri, uri=True)
    try:
        return [row[0] for row in connection.execute("SELECT value FROM number")]
    finally:
        connection.close()


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_file_without_a_log_is_opened_in_place_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    database(path).close()
    before = files_in(tmp_path)
    snapshot = snapshot_of(path)
    assert (values_in(snapshot), snapshot.folder) == ([1], None)
    assert files_in(tmp_path) == before


def test_a_file_with_a_log_is_copied_with_it_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.sqlite"
    writer = database(path)
    before = files_in(tmp_path)
    assert before["catalogue.sqlite-wal"]
    snapshot = snapshot_of(path)
    assert snapshot.folder is not None
    assert values_in(snapshot) == [1]
    assert files_in(tmp_path) == before
    writer.execute("INSERT INTO number VALUES (2)")
    assert values_in(snapshot) == [1]  # of its moment
    snapshot.folder.cleanup()
    assert not Path(snapshot.folder.name).exists()
    writer.close()


def test_a_change_during_the_copy_begins_it_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalogue.sqlite"
    writer = database(path)
    numbers = itertools.count(2)
    copied: list[Path] = []

    def copy_while_written(source: Path, target: Path) -> None:
        if len(copied) < 3:
            writer.execute("INSERT INTO number VALUES (?)", (next(numbers),))
        copied.append(source)
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr(catalogue_snapshot, "_PAUSE_S", 0.0)
    monkeypatch.setattr(catalogue_snapshot.shutil, "copyfile", copy_while_written)
    snapshot = snapshot_of(path)
    assert snapshot.folder is not None and values_in(snapshot) == [1, 2, 3, 4]
    snapshot.folder.cleanup()
    writer.close()


def test_a_file_that_never_rests_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "catalogue.sqlite"
    writer = database(path)
    monkeypatch.setattr(catalogue_snapshot, "_PAUSE_S", 0.0)
    moments = itertools.count()
    monkeypatch.setattr(catalogue_snapshot, "_state", lambda _path: next(moments))
    with pytest.raises(StoreError, match="another program writes it all the time"):
        snapshot_of(path)
    writer.close()


@pytest.mark.parametrize("logged_changes", [False, True], ids=["closed", "with its log"])
def test_a_frozen_catalogue_has_all_and_changes_nothing(tmp_path: Path, logged_changes: bool) -> None:
    with closing(Catalogue(tmp_path, write=True)) as writing:
        writing.number_of(TAPE)
        if not logged_changes:
            writing.close()
        before = files_in(tmp_path)
        snapshot = snapshot_of(tmp_path / FILE_NAME)
        assert (snapshot.folder is not None) is logged_changes
        if snapshot.folder is not None:
            snapshot.folder.cleanup()
        with closing(Catalogue(tmp_path, write=False, frozen=True)) as frozen:
            assert [one.id for one in frozen.instruments()] == [TAPE.id]
        assert files_in(tmp_path) == before
