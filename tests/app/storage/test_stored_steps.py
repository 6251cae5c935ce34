"""Opening a market reads the tick and lot sizes of new and changed day files only."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from app.market.bar_rule import DAY_NS
from app.storage import stored_steps as module
from app.storage.day_file import read_meta
from app.storage.disk import DiskStore
from app.storage.open_folder import OpenFolder
from app.storage.tape import Tape, day_name
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import ARCHIVE, FIRST_DAY, TAPE, days_of_trades


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the day files whose metadata were read."""
    names: list[str] = []

    def read(path: Path, within: OpenFolder | None = None):
        names.append(path.name)
        return read_meta(path, within)

    monkeypatch.setattr(module, "read_meta", read)
    return names


@pytest.fixture
def tape(tmp_path: Path) -> Tape:
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, TAPE)
    writer.insert_bulk(days_of_trades(), ARCHIVE)
    fine = replace(TAPE, tick_size=Decimal("0.005"))
    last = days_of_trades()[-5:]
    writer.insert_bulk(replace(last, trade_id=last.trade_id + 10**6, time_ns=last.time_ns + DAY_NS), ARCHIVE, steps=fine.steps)
    writer.close()
    return store.tape(TAPE)


def names(*days: int) -> list[str]:
    return [f"{day_name(FIRST_DAY + day)}.parquet" for day in days]


def test_day_files_are_read_once_and_again_after_a_change(tape: Tape, reads: list[str]) -> None:
    assert tape.finest().instrument.tick_size == Decimal("0.005")
    assert sorted(reads) == names(0, 1, 2, 3)
    reads.clear()
    assert tape.finest().instrument.tick_size == Decimal("0.005")
    assert reads == []
    path = tape.folder / "trades" / names(1)[0]
    path.write_bytes(path.read_bytes() + b"\0")
    assert tape.finest().instrument.tick_size == Decimal("0.005")
    (tape.folder / "trades" / names(3)[0]).unlink()
    assert tape.finest().instrument.tick_size == Decimal("0.01")
    assert set(reads) == set(names(1))  # which is damaged, and not listed


@pytest.mark.parametrize("damage", [b"", b"00000000\n[]", b"\xff\n\xff", b"no list"])
def test_a_damaged_list_is_made_again(tape: Tape, reads: list[str], damage: bytes) -> None:
    tape.finest()
    listed = tape.folder / "steps.json"
    sound = listed.read_bytes()
    listed.write_bytes(damage)
    reads.clear()
    assert tape.finest().instrument.tick_size == Decimal("0.005")
    assert len(reads) == 4
    assert sorted(listed.read_bytes()) == sorted(sound)


def test_a_store_open_for_reading_gets_no_list(tape: Tape, reads: list[str]) -> None:
    store = DiskStore(tape.folder.parent.parent, write=False)
    assert store.tape(TAPE).finest().instrument.tick_size == Decimal("0.005")
    assert not (tape.folder / "steps.json").exists()
    store.close()


def test_a_list_that_cannot_be_written_does_not_matter(tape: Tape, reads: list[str], caplog: pytest.LogCaptureFixture) -> None:
    (tape.folder / "steps.json").mkdir()
    assert tape.finest().instrument.tick_size == Decimal("0.005")
    assert len(reads) == 4
