"""A store in a folder of its own, and the writer of one market."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import TAPE


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DiskStore]:
    store = DiskStore(tmp_path / "store")
    yield store
    store.close()


@pytest.fixture
def writer(store: DiskStore) -> Iterator[TapeWriter]:
    writer = TapeWriter(store, TAPE)
    yield writer
    writer.close()
