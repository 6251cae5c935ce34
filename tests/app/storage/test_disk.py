"""The store is opened, refused, or rebuilt from its day files."""

from pathlib import Path

import pytest

from app.errors import BadInputError, StoreError
from app.storage.catalogue.catalogue import FILE_NAME, Catalogue
from app.storage.catalogue.schema import DamagedCatalogueError
from app.storage.disk import DiskStore, stored_instrument
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import ALL, ARCHIVE, BYBIT, LIVE, TAPE, days_of_trades


def test_an_empty_store_has_no_markets_and_no_trades(store):
    assert store.instruments() == []
    assert len(store.tape(TAPE).trades(ALL)) == 0
    assert store.tape(TAPE).covered() == []


@pytest.mark.parametrize("hurt", [b"", b"no database at all, but text of some length" * 30, None])
def test_a_damaged_catalogue_is_renamed_and_rebuilt_from_files(tmp_path: Path, logged, hurt):
    """B4: the catalogue is lost, foreign or hurt."""
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    trades = days_of_trades()
    writer.insert(trades[:2500], LIVE)
    writer.seal(int(trades.time_ns[-1]))
    writer.insert_bulk(trades[2600:], ARCHIVE)
    writer.close()
    store.close()
    path = tmp_path / FILE_NAME
    if hurt is None:
        whole = bytearray(path.read_bytes())
        whole[4096:8192] = bytes(4096)
        path.write_bytes(whole)
    elif hurt:
        path.write_bytes(hurt)
    else:
        path.unlink()
    store = DiskStore(tmp_path)
    if hurt != b"":
        assert "rebuilt from the day files" in store.repaired
        assert len(list(tmp_path.glob(f"{FILE_NAME}.corrupt-*"))) == 1
    assert [(c.first_id, c.last_id, c.source) for c in store.tape(TAPE).covered()] == [(1, 2500, LIVE), (2601, 3000, ARCHIVE)]
    assert len(store.tape(TAPE).trades(ALL)) == 2900
    store.close()


@pytest.mark.parametrize("times", [1, 2])
def test_a_store_that_cannot_be_rebuilt_closes_its_files(tmp_path: Path, monkeypatch, logged, times: int):
    """The catalogue that is set aside is closed first, and so is the new one if that fails as well."""
    opened: list[Catalogue] = []
    closed: list[Catalogue] = []
    monkeypatch.setattr(Catalogue, "close", lambda self, close=Catalogue.close: (closed.append(self), close(self)))

    def rebuild(catalogue: Catalogue, *_: object) -> None:
        opened.append(catalogue)
        if len(opened) <= times:
            raise DamagedCatalogueError("spoilt")

    monkeypatch.setattr("app.storage.disk.rebuild_catalogue", rebuild)
    if times == 1:
        DiskStore(tmp_path).close()
    else:
        with pytest.raises(DamagedCatalogueError):
            DiskStore(tmp_path)
    assert len(opened) == 2 and closed == opened


def test_opening_a_missing_store_for_reading_raises_an_error(tmp_path: Path):
    with pytest.raises(StoreError, match="no store in "):
        DiskStore(tmp_path / "nowhere", write=False)


def test_a_file_in_place_of_the_store_folder_raises_an_error(tmp_path: Path):
    (tmp_path / "store").write_text("in the way")
    with pytest.raises(StoreError, match="store"):
        DiskStore(tmp_path / "store")


def test_a_store_that_is_only_read_does_not_replace_a_damaged_catalogue(store, tmp_path: Path):
    store.close()
    (tmp_path / "store" / FILE_NAME).write_bytes(b"no database at all, but text of some length" * 30)
    with pytest.raises(DamagedCatalogueError, match="damaged, or not a Tapeprint catalogue"):
        DiskStore(tmp_path / "store", write=False)
    assert list((tmp_path / "store").glob("*corrupt*")) == []


def test_a_stored_instrument_is_found_by_its_id(store):
    with pytest.raises(BadInputError, match=r"^instrument: binance:BTCUSDT is not in the store; stored: none$"):
        stored_instrument(store, "binance:BTCUSDT")
    for instrument in (TAPE, BYBIT):
        store.catalogue.number_of(instrument)
    assert stored_instrument(store, "bybit:BTCUSDT") == BYBIT
    with pytest.raises(BadInputError, match=r"stored: binance:BTCUSDT, bybit:BTCUSDT$"):
        stored_instrument(store, "okx:BTCUSDT")
