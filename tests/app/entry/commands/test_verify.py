"""`tapeprint verify` changes nothing on disk; `--repair` puts aside only what is damaged."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.entry.cli import run
from app.entry.commands import verify as verify_module
from app.errors import DecodeError
from app.ingest.store_backfill import fill_owed
from app.market.bar_rule import DAY_NS
from app.market.steps import Steps
from app.market.trade import TradeBatch
from app.storage.catalogue.catalogue import FILE_NAME
from app.storage.disk import DiskStore, stored_instrument
from app.storage.tape_writer import TapeWriter
from tests.app.chart.test_chart import MARKET
from tests.app.ingest.pumps import DAY, Line
from tests.app.ingest.test_owed_queue import Mistaken
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


class _Untrusted(Mistaken):
    """A venue whose answers all fail."""

    async def between(self, first_id: int, last_id: int) -> AsyncIterator[TradeBatch]:
        self.asked.append(("between", first_id, last_id))
        raise DecodeError("no JSON")
        yield TradeBatch.empty()


@pytest.mark.parametrize("archive", [Mistaken(DAY), _Untrusted(DAY)], ids=["one of three", "each"])
def test_repair_goes_on_to_older_trades_where_the_venue_answers_wrongly(
    archive: Mistaken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], logged: object
) -> None:
    """D6: once nothing older was fetched. Only the first wrong answer is waited for."""
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, MARKET)
    for part in (DAY[:500], DAY[600:700], DAY[1_000:1_500], DAY[2_000:2_100]):
        writer.insert(part, LIVE)
    writer.close()
    store.close()

    async def opened(_name: str) -> SimpleNamespace:
        return SimpleNamespace(history=archive, feed=Line())

    monkeypatch.setattr(verify_module, "market_opener", lambda _settings: opened)
    monkeypatch.setattr(verify_module, "fill_owed", partial(fill_owed, sleep=lambda _seconds: asyncio.sleep(0)))
    assert run(["verify", MARKET.id, "--store", str(tmp_path), "--repair"]) == 1
    out, err = capfd.readouterr()
    wrong = isinstance(archive, _Untrusted)
    assert out.count("\n") == (3 if wrong else 1) and f"{MARKET.id}: 500 trades missing, ids 1501 to 2000, " in out
    assert ("300 missing trades downloaded" in err) is ("100 missing trades downloaded" in err) is not wrong
    assert err.count("some trades could not be downloaded: ") == (3 if wrong else 1)
    assert [first_id for _, first_id, _ in archive.asked] == [1501] * 6 + [701, 501]
