"""D4: the store's folder is renamed away for any operation on disk, and swapped back.

The number of operations is counted in a run without a move, so that a new one is hit too.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from app.errors import StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.trade import TradeBatch
from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter
from app.storage.verify import verify
from tests.app.storage.stores import ALL, FIRST_DAY, TAPE, days_of_trades
from tests.faults.moving_store import MovingStore
from tests.sameness import same

TRADES = days_of_trades(90, 1.4)
IN_FILES, IN_CATALOGUE, NEW = (TRADES[TRADES.trade_id % 3 == rest] for rest in (0, 1, 2))
STORED = TRADES[TRADES.trade_id % 3 < 2]
_MOST, _SPREAD = 50, 10  # moves in one test
_FOLDERS = count()

pytestmark = pytest.mark.usefixtures("logged")
PLACES = pytest.mark.parametrize("other", [False, True], ids=["nothing in its place", "another store in its place"])


def new_store(folder: Path) -> Path:
    """A store with trades of two days in files, and with others of the same days in the catalogue."""
    with closing(DiskStore(folder)) as store, closing(TapeWriter(store, TAPE)) as writer:
        writer.insert_bulk(IN_FILES, Source.ARCHIVE)
        writer.insert(IN_CATALOGUE, Source.LIVE)
    return folder


def moved(folder: Path, work: Callable[[TapeWriter], object], moving: MovingStore) -> bool:
    """Let a writer work while its store is moved; return False if that raised an error."""
    with moving.watching(), closing(DiskStore(folder)) as store, closing(TapeWriter(store, TAPE)) as writer:
        try:
            with moving.moving():
                work(writer)
        except (StoreError, OSError):
            return False
        return True


def assert_stored(folder: Path, trades: TradeBatch, when: str) -> None:
    """The store has these trades, each once, and nothing but gaps to report."""
    with closing(DiskStore(folder)) as store, closing(TapeWriter(store, TAPE)) as writer:
        assert same(writer.tape.trades(ALL), trades), f"{when}: found {len(writer.tape.trades(ALL))}, expected {len(trades)}"
        assert [finding.text for finding in verify(writer.tape) if finding.gap is None] == [], when
        assert list(folder.rglob("*.corrupt*")) == [], when


def tell(tmp_path: Path, work: Callable[[TapeWriter], object], after: TradeBatch, *, other: bool, each: bool = False) -> None:
    """Move the store away for one operation and for four of some work, and compare it with the trades to be there after it."""
    elsewhere = None
    if other:
        elsewhere = tmp_path / "elsewhere"
        with closing(DiskStore(elsewhere)) as store, closing(TapeWriter(store, TAPE)) as writer:
            writer.insert_bulk(NEW[::2], Source.ARCHIVE)
    template = new_store(tmp_path / "template")

    def told(first: int | None, length: int) -> MovingStore:
        folder = tmp_path / str(next(_FOLDERS)) / "store"
        shutil.copytree(template, folder)
        moving = MovingStore(folder, first, length, elsewhere)
        works = moved(folder, work, moving)
        assert works or first is not None
        assert_stored(folder, after if works else STORED, f"away for {moving.during} at {first}")
        shutil.rmtree(folder)
        return moving

    total = told(None, 0).count
    assert total > 30
    for length in (1, 4):
        for first in range(0, total, total // (_MOST if each and length == 1 else _SPREAD) + 1):
            assert told(first, length).during


@PLACES
def test_a_bulk_insert_stores_what_it_says(tmp_path: Path, other: bool) -> None:
    """D4: once the listing of a folder that was away for a moment was empty: the day file was overwritten with the new trades alone."""
    tell(tmp_path, lambda writer: writer.insert_bulk(TRADES, Source.BACKFILL), TRADES, other=other, each=not other)


@PLACES
def test_an_import_is_stored_in_the_store_that_it_began_in(tmp_path: Path, other: bool) -> None:
    """D4, D11: as a whole, or not at all."""

    def work(writer: TapeWriter) -> None:
        with writer.atomically():
            writer.insert_bulk(TRADES[:50], Source.ARCHIVE)
            writer.insert_bulk(TRADES[50:], Source.ARCHIVE)

    tell(tmp_path, work, TRADES, other=other)


@PLACES
def test_sealing_and_tidying_keep_every_trade(tmp_path: Path, other: bool) -> None:
    """D4: trades move from the catalogue to files of the same store."""

    def work(writer: TapeWriter) -> None:
        writer.seal(FIRST_DAY * DAY_NS)
        writer.tidy((FIRST_DAY + 3) * DAY_NS)

    tell(tmp_path, work, STORED, other=other)


def test_an_import_that_fails_is_undone_in_its_own_store(tmp_path: Path) -> None:
    """D4, D11: and nothing of another store in its place is touched."""

    class StopError(Exception):
        pass

    def work(writer: TapeWriter) -> None:
        with pytest.raises(StopError), writer.atomically():
            writer.insert_bulk(TRADES, Source.ARCHIVE)
            raise StopError

    tell(tmp_path, work, STORED, other=True)
