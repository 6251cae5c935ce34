"""B2, B4: power cuts and bit flips: what a store still says is true, what it lacks it knows, and nothing ends the program."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from app.errors import StoreError
from app.market.coverage import Source
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.catalogue.catalogue import FILE_NAME
from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import ALL, TAPE, days_of_trades
from tests.sameness import same

TRADES = days_of_trades(1500, 1.4)
CUTS, FLIPS = 60, 120


def a_store(folder: Path) -> None:
    """A day in a file, the trades after it in the catalogue."""
    store = DiskStore(folder)
    writer = TapeWriter(store, TAPE)
    writer.insert(TRADES[:1000], Source.LIVE)
    writer.seal(int(TRADES.time_ns[-1]))
    for start in range(1000, 1500, 25):
        writer.insert(TRADES[start : start + 25], Source.LIVE)
    writer.close()
    shutil.copytree(folder, folder.with_name("snapshot"))  # as a power cut would leave it: the journal is not worked in yet
    store.close()


def assert_true(store: DiskStore) -> int:
    """What is told to be held is there, and what is there is true; how many."""
    tape = store.tape(TAPE)
    told = np.concatenate([np.arange(s.first_id, s.last_id + 1) for s in tape.intervals()] or [np.zeros(0, np.int64)])
    trades = tape.trades(ALL)
    assert set(told.tolist()) <= set(trades.trade_id.tolist())
    place = np.searchsorted(TRADES.trade_id, trades.trade_id)
    assert same(trades, TRADES[place])
    return len(trades)


def test_after_a_power_cut_there_is_what_was_committed_and_the_rest_is_known_to_be_missing(tmp_path: Path):
    """B2: the journal of the catalogue is cut or filled with noughts at any place."""
    a_store(tmp_path / "store")
    wal = (tmp_path / "snapshot" / f"{FILE_NAME}-wal").read_bytes()
    assert len(wal) > 50_000
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    counts = set()
    for case in range(CUTS):
        folder = tmp_path / f"case {case}"
        shutil.copytree(tmp_path / "snapshot", folder)
        (folder / f"{FILE_NAME}-shm").unlink(missing_ok=True)
        cut = chance.randrange(len(wal))
        torn = wal[:cut] + (b"" if case % 2 else bytes(chance.randrange(1, 5000)))
        (folder / f"{FILE_NAME}-wal").write_bytes(torn)
        store = DiskStore(folder)
        counts.add(assert_true(store))
        writer = TapeWriter(store, TAPE)
        writer.insert(TRADES, Source.BACKFILL)  # the venue is asked for what is missing
        assert same(writer.tape.trades(ALL), TRADES)
        writer.close()
        store.close()
        shutil.rmtree(folder)
    assert len(counts) > 5


@pytest.mark.parametrize("which", [FILE_NAME, f"{FILE_NAME}-wal", "day"])
def test_a_flipped_bit_or_a_hole_in_a_file_is_noticed_or_harmless(tmp_path: Path, which: str, logged):
    """B4: bits flipped and blocks lost in the catalogue, its journal and a day file."""
    a_store(tmp_path / "store")
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    refused = 0
    for case in range(FLIPS):
        folder = tmp_path / f"case {case}"
        shutil.copytree(tmp_path / "snapshot", folder)
        (folder / f"{FILE_NAME}-shm").unlink(missing_ok=True)
        victim = next(folder.glob("*/*/trades/*.parquet")) if which == "day" else folder / which
        hurt = bytearray(victim.read_bytes())
        if case % 3:
            hurt[chance.randrange(len(hurt))] ^= 1 << chance.randrange(8)
        else:
            start = chance.randrange(len(hurt))
            hurt[start : start + 512] = bytes(len(hurt[start : start + 512]))
        victim.write_bytes(hurt)
        try:
            store = DiskStore(folder)
        except StoreError:
            refused += 1
            continue
        try:
            assert_no_lie(store)
        except StoreError:
            refused += 1
        finally:
            store.close()
            shutil.rmtree(folder)
    assert refused < FLIPS or which == "day"


def assert_no_lie(store: DiskStore) -> None:
    """Trades that were never made are not told of; SQLite has no checksums, so that a flip inside a number may go unseen there."""
    tape = store.tape(TAPE)
    sealed = [path for day in tape.days() for path in tape.files(day)]
    trades = tape.trades(Span(int(TRADES.time_ns[0]), int(TRADES.time_ns[999]) + 1)) if sealed else TradeBatch.empty()
    known = np.isin(trades.trade_id, TRADES.trade_id[:1000])
    place = np.searchsorted(TRADES.trade_id, trades.trade_id[known])
    assert same(trades[known], TRADES[place])


def test_another_program_that_holds_the_catalogue_for_a_moment_is_waited_for(tmp_path: Path):
    """B5: somebody else holds the catalogue."""
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert len(store.tape(TAPE).trades(ALL)) == 0  # readers are not held up
    other.execute("COMMIT")
    other.close()
    assert writer.insert(TRADES, Source.LIVE) == 1500
    writer.close()
    store.close()
