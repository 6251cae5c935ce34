"""`tapeprint verify` changes nothing on disk; `--repair` puts aside only what is damaged."""

from __future__ import annotations

import random
import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from app.entry.cli import run
from app.market.bar_rule import DAY_NS
from app.market.steps import Steps
from app.market.trade import TradeBatch
from app.storage.catalogue.catalogue import FILE_NAME
from app.storage.disk import DiskStore, stored_instrument
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import ALL, ARCHIVE, FIRST_DAY, LIVE, TAPE
from tests.app.storage.test_mixed_steps import fingerprint
from tests.builders import random_trades

_GRIDS = [Steps(Decimal(tick), Decimal(lot)) for tick, lot in (("0.01", "0.00001"), ("0.1", "0.001"), ("0.25", "1"), ("1", "1"))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store with four days on four grids, the last one in the tail, and its log as a kill leaves it."""
    store = DiskStore(tmp_path / "open")
    for day, steps in enumerate(_GRIDS):
        trades = random_trades(day, 60, start_ns=(FIRST_DAY + day) * DAY_NS, seconds=80_000)
        trades = TradeBatch.of(*trades.columns[:4], trades.trade_id + 60 * day)
        writer = TapeWriter(store, TAPE.on_steps(steps))
        _ = writer.insert(trades, LIVE) if day == 3 else writer.insert_bulk(trades, ARCHIVE)
        if day == 3:
            shutil.copytree(tmp_path / "open", tmp_path / "store")
        writer.close()
    store.close()
    return tmp_path / "store"


def test_days_on_four_grids_are_whole_and_untouched(folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """D1: by verify, with and without repair, and by export."""
    assert (folder / f"{FILE_NAME}-wal").stat().st_size
    before = fingerprint(folder)
    assert run(["verify", "--store", str(folder)]) == 0
    assert run(["verify", TAPE.id, "--store", str(folder), "--quiet"]) == 0
    out, err = capfd.readouterr()
    assert out == "" and err == f"tapeprint: {TAPE.id}: 3 day files, 0.0 MB, complete\n"
    assert fingerprint(folder) == before
    assert run(["verify", "--store", str(folder), "--repair"]) == 0
    assert not list(folder.rglob("*.corrupt*"))
    assert run(["export", TAPE.id, "-o", str(tmp_path / "all.csv"), "--store", str(folder), "--quiet"]) == 0
    assert len((tmp_path / "all.csv").read_text().splitlines()) == 241


@pytest.mark.parametrize("seed", range(12))
def test_verify_of_a_damaged_store_changes_nothing(folder: Path, seed: int, logged: object, capfd: pytest.CaptureFixture[str]) -> None:
    """D1: not a byte, nor a time, of any file or folder."""
    chance = random.Random(seed)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in (".parquet", ".sqlite3"))
    for path in chance.sample(files, chance.choice([1, 2])):
        content = bytearray(path.read_bytes())
        kind = chance.choice(["bytes", "cut", "gone"]) if path.name != FILE_NAME else "bytes"
        if kind == "gone":
            path.unlink()
        elif kind == "cut":
            path.write_bytes(content[: chance.randrange(len(content))])
        else:
            for _ in range(40):
                content[chance.randrange(len(content))] ^= 0xFF
            path.write_bytes(content)
    before = fingerprint(folder)
    assert run(["verify", "--store", str(folder), "--quiet"]) in (0, 1)
    assert fingerprint(folder) == before
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err


def test_a_damaged_catalogue_is_told_and_left_until_repair(folder: Path, capfd: pytest.CaptureFixture[str], logged: object) -> None:
    (folder / f"{FILE_NAME}-wal").unlink()
    (folder / f"{FILE_NAME}-shm").unlink(missing_ok=True)
    (folder / FILE_NAME).write_bytes(b"not a catalogue " * 300)
    before = fingerprint(folder)
    assert run(["verify", "--store", str(folder), "--quiet"]) == 1
    out = capfd.readouterr().out
    assert out.count("\n") == 1 and "damaged" in out and out.endswith("repair with --repair\n")
    assert fingerprint(folder) == before
    assert run(["verify", "--store", str(folder), "--repair", "--quiet"]) == 0
    assert "rebuilt from the day files" in capfd.readouterr().err
    store = DiskStore(folder, frozen=True)
    assert len(store.tape(stored_instrument(store, TAPE.id)).trades(ALL)) == 180
    store.close()


def test_repair_puts_aside_only_the_damaged_day(folder: Path, capfd: pytest.CaptureFixture[str], logged: object) -> None:
    days = sorted(folder.glob("*/*/trades/*.parquet"))
    days[0].write_bytes(days[0].read_bytes()[:-9])
    assert run(["verify", "--store", str(folder), "--quiet"]) == 1
    assert capfd.readouterr().out.startswith(f"cannot read {days[0]}: ")
    assert sorted(folder.glob("*/*/trades/*")) == days
    assert run(["verify", "--store", str(folder), "--quiet", "--repair"]) == 1
    assert [path.name for path in sorted(folder.glob("*/*/trades/*"))] == [f"{days[0].name}.corrupt", *(day.name for day in days[1:])]
