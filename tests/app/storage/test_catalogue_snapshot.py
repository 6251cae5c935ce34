"""A view of the catalogue as it is, which changes nothing on disk."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from app.storage.catalogue import FILE_NAME, Catalogue
from app.storage.catalogue_snapshot import snapshot_of
from tests.app.storage.stores import TAPE


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("logged_changes", [False, True], ids=["closed", "with its log"])
def test_a_frozen_catalogue_has_all_and_changes_nothing(tmp_path: Path, logged_changes: bool) -> None:
    with closing(Catalogue(tmp_path, write=True)) as writing:
        writing.number_of(TAPE)
        if not logged_changes:
            writing.close()
        before = files(tmp_path)
        snapshot = snapshot_of(tmp_path / FILE_NAME)
        assert (snapshot.folder is not None) is logged_changes
        if snapshot.folder is not None:
            snapshot.folder.cleanup()
        with closing(Catalogue(tmp_path, write=False, frozen=True)) as frozen:
            assert [one.id for one in frozen.instruments()] == [TAPE.id]
        assert files(tmp_path) == before
