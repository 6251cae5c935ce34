"""One process writes a market, and notices when the folder it has locked is gone."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from app.errors import StoreBusyError, StoreError
from app.storage.catalogue.owed import OwedReason
from app.storage.disk import DiskStore
from app.storage.market_lock import MarketLock
from app.storage.open_folder import OpenFolder
from app.storage.tape_writer import TapeWriter
from app.storage.verify import verify
from tests.app.storage.stores import ALL, ARCHIVE, FIRST_DAY, LIVE, TAPE, days_of_trades
from tests.sameness import same

TRADES = days_of_trades(300, 1.5)


def test_a_market_has_one_lock(store: DiskStore) -> None:
    tape = store.tape(TAPE)
    lock = MarketLock(tape)
    assert lock.is_valid and tape.open_folder is lock.folder
    with pytest.raises(StoreBusyError, match="binance:BTCUSDT is being recorded by another program"):
        MarketLock(store.tape(TAPE))
    lock.release()
    assert not lock.is_valid and tape.open_folder is None
    MarketLock(store.tape(TAPE)).release()


def test_a_lock_is_not_valid_once_its_folder_is_gone(store: DiskStore) -> None:
    lock = MarketLock(store.tape(TAPE))
    shutil.rmtree(lock.folder.path)
    assert not lock.is_valid
    lock.folder.path.mkdir()
    assert not lock.is_valid
    lock.release()


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "an older copy in its place"])
def test_what_a_lost_market_folder_had_is_owed(store: DiskStore, tmp_path: Path, replaced: bool) -> None:
    """Once it was made again in silence, and its trades still counted as stored."""
    with closing(TapeWriter(store, TAPE)) as writer:
        folder = writer.tape.folder
        writer.insert_bulk(TRADES[:100], ARCHIVE)
        shutil.copytree(folder, tmp_path / "copy")
        writer.insert_bulk(TRADES[100:200], ARCHIVE)
        writer.insert(TRADES[200:250], LIVE)
        assert not writer.reconnect()
        shutil.rmtree(folder)
        if replaced:
            shutil.copytree(tmp_path / "copy", folder)
        assert writer.reconnect() and not writer.reconnect()
        assert {row.reason for row in writer.owed} == {OwedReason.FETCH_AGAIN}
        first = 101 if replaced else 1
        assert [(row.first_id, row.last_id) for row in writer.owed] == [(first, 200)]
        assert writer.insert_bulk(TRADES, ARCHIVE) == 300 - 50 - (100 if replaced else 0)
        assert same(writer.tape.trades(ALL), TRADES) and not writer.owed
        assert [finding.text for finding in verify(writer.tape)] == []


def test_a_folder_that_fails_is_opened_again(store: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose drive was pulled stays dead when the drive is back, though it seems to be the same."""
    with closing(TapeWriter(store, TAPE)) as writer:
        writer.insert_bulk(TRADES[:100], ARCHIVE)
        folder, dead = writer.tape.open_folder, os.open(os.devnull, os.O_RDONLY)
        assert folder is not None and folder._handle is not None
        os.dup2(dead, folder._handle)
        os.close(dead)
        monkeypatch.setattr(OpenFolder, "is_in_place", True)
        for _ in range(2):
            with pytest.raises((StoreError, OSError)):
                writer.insert_bulk(TRADES[100:], ARCHIVE)
        writer.reconnect()
        assert writer.insert_bulk(TRADES[100:], ARCHIVE) == 200
        assert same(writer.tape.trades(ALL), TRADES) and writer.tape.files(FIRST_DAY)
