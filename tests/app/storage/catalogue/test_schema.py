"""The schema of the catalogue: what is refused, what is damaged, and what older versions become."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from app.errors import StoreError
from app.storage.catalogue import schema as catalogue_schema
from app.storage.catalogue.catalogue import FILE_NAME, Catalogue
from app.storage.catalogue.schema import DamagedCatalogueError
from app.storage.catalogue.settled import Settled


def change(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize("write", [True, False])
def test_a_catalogue_of_a_newer_version_is_refused(tmp_path: Path, write: bool) -> None:
    Catalogue(tmp_path, write=True).close()
    change(tmp_path, "PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"created by a newer Tapeprint \(schema 99, this version supports \d+\)$") as caught:
        Catalogue(tmp_path, write=write)
    assert not isinstance(caught.value, DamagedCatalogueError)  # it would be renamed


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    change(tmp_path, "CREATE TABLE theirs (a)")
    with pytest.raises(StoreError, match=r"not a Tapeprint database$") as caught:
        Catalogue(tmp_path, write=True)
    assert not isinstance(caught.value, DamagedCatalogueError)


def test_a_catalogue_without_a_table_is_damaged(tmp_path: Path) -> None:
    Catalogue(tmp_path, write=True).close()
    change(tmp_path, "DROP TABLE tail")
    with pytest.raises(DamagedCatalogueError, match=r"damaged: tables are missing$"):
        Catalogue(tmp_path, write=True)


@pytest.mark.parametrize("page", [0, 2, 3])
def test_a_damaged_page_is_noticed_on_opening(tmp_path: Path, page: int) -> None:
    Catalogue(tmp_path, write=True).close()
    content = bytearray((tmp_path / FILE_NAME).read_bytes())
    content[4096 * page : 4096 * (page + 1)] = b"\x55" * 4096
    (tmp_path / FILE_NAME).write_bytes(content)
    with pytest.raises(DamagedCatalogueError, match="damaged"):
        Catalogue(tmp_path, write=False)


def test_a_catalogue_of_the_first_version_keeps_its_rows(tmp_path, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr(catalogue_schema, "_MIGRATIONS", catalogue_schema._MIGRATIONS[:1])
        first = Catalogue(tmp_path, write=True)
        with first.transaction() as connection:
            connection.execute("INSERT INTO instrument VALUES (1, 'binance:BTCUSDT', '0.01', '0.001', '1', 1, 0)")
            connection.execute("INSERT INTO stretch VALUES (1, 5, 9, 5, 9, 100, 200, 'live')")
            connection.execute("INSERT INTO tail VALUES (1, 1, 100, 6000, 2, 1, 5)")
        first.close()
    reader = Catalogue(tmp_path, write=False)
    assert reader.settled("binance:BTCUSDT") == Settled()
    reader.close()
    for _ in range(2):
        again = Catalogue(tmp_path, write=True)
        assert [one.first_id for one in again.intervals("binance:BTCUSDT")] == [5]
        assert again.tail("binance:BTCUSDT")[0].trade_id.tolist() == [5]
        assert again.settled("binance:BTCUSDT") == Settled()
        again.close()
