"""D4, D11: the disk fails at each of its operations in turn, for a moment or from then on, and is well again later.

The number of operations is counted in a run that works, so that a new one is failed too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from app.entry.cli import run
from app.errors import SettingsError, StoreError
from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.span import Span
from app.market.trade import TradeBatch
from app.settings.settings import load_settings, save_setting
from app.storage import tape_writer as writer_module
from app.storage.disk import DiskStore
from app.storage.recorder import Recorder
from app.storage.recording_status import RecordingState
from app.storage.tape_writer import TapeWriter
from app.storage.verify import verify
from tests.app.storage.stores import ALL, FIRST_DAY, TAPE, days_of_trades
from tests.faults.failing_disk import ERRORS, FailingDisk
from tests.sameness import same

TRADES = days_of_trades(150, 1.4)
NOW_NS = FIRST_DAY * DAY_NS  # no day is over: nothing is merged beside what is tested
_MOST = 16  # operations that fail in one test, spread over the whole story
_FOLDERS = count()

pytestmark = pytest.mark.usefixtures("logged")
BROKEN = pytest.mark.parametrize("for_good", [False, True], ids=["a moment", "for good"])


def disks(story: Callable[[FailingDisk], None], *, for_good: bool) -> Iterator[FailingDisk]:
    """A disk for each operation of a story, which fails there; the story is run once without a failure first."""
    sound = FailingDisk()
    story(sound)
    assert sound.count > 3
    for place in range(for_good, sound.count, sound.count // _MOST + 1):
        yield FailingDisk(place, ERRORS[place % len(ERRORS)], for_good=for_good)


def folder_in(tmp_path: Path) -> Path:
    folder = tmp_path / str(next(_FOLDERS))
    folder.mkdir()
    return folder


def stored(folder: Path) -> TradeBatch:
    """The trades that another process sees, after a check of all that is stored."""
    with closing(DiskStore(folder)) as store, closing(TapeWriter(store, TAPE)) as writer:
        assert [finding.text for finding in verify(writer.tape) if finding.gap is None] == []
        assert not (writer.tape.folder / "undo").exists()
        assert list(folder.rglob("*.part")) == []
        return writer.tape.trades(ALL)


@BROKEN
def test_recording_goes_on_and_counts_only_what_is_on_disk(tmp_path: Path, for_good: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """D4: recording, sealing, and looking for free space."""
    monkeypatch.setattr(writer_module, "TAIL_TRADES", 100)
    first, second = TRADES[:60], TRADES[60:]

    def story(disk: FailingDisk) -> None:
        folder = folder_in(tmp_path)

        async def told() -> None:
            with disk.broken():
                disk.works = True
                with closing(DiskStore(folder)) as store:
                    recorder = Recorder(TapeWriter(store, TAPE), lambda: [TRADES], wall_ns=lambda: NOW_NS)
                    recorder.take(first, Source.LIVE)
                    assert await recorder.flush()
                    disk.works = False
                    recorder.take(second, Source.LIVE)
                    worked = await recorder.flush()
                    assert recorder.written + recorder.pending == len(TRADES)
                    assert worked is (recorder.status.state is not RecordingState.RETRYING)
                    if not worked and for_good:
                        assert not await recorder.flush()
                        assert recorder.status.state is RecordingState.NOT_RECORDING
                    disk.works = True
                    assert await recorder.flush()
                    assert (recorder.written, recorder.unrecorded, recorder.status.trouble) == (len(TRADES), 0, "")
                    await recorder.aclose()

        asyncio.run(told())
        assert same(stored(folder), TRADES)

    for disk in disks(story, for_good=for_good):
        story(disk)


def trades_file(folder: Path, trades: TradeBatch) -> str:
    rows = zip(*(column.tolist() for column in trades.columns), strict=True)
    lines = [f"{ns},{price / 100:.2f},{lots / 100_000:.5f},{'buy' if side > 0 else 'sell'},{n}" for ns, price, lots, side, n in rows]
    path = folder / "trades.csv"
    path.write_text("\n".join(["time,price,quantity,side,trade_id", *lines]) + "\n")
    return str(path)


@BROKEN
def test_an_import_is_stored_atomically_or_not_at_all(tmp_path: Path, for_good: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """D11: a disk that is full or gone in the middle of an import, of days in part stored and in part not."""
    kept = TRADES[::3]
    path = trades_file(folder_in(tmp_path), TRADES)
    options = ["--instrument", TAPE.id, "--tick-size", "0.01", "--lot-size", "0.00001", "--quiet"]

    def story(disk: FailingDisk) -> None:
        folder = folder_in(tmp_path)
        command = ["import", "csv", path, *options, "--store", str(folder)]
        with closing(DiskStore(folder)) as store, closing(TapeWriter(store, TAPE)) as writer:
            writer.insert_bulk(kept, Source.LIVE)
        with disk.broken():
            code = run(command)
        said = capfd.readouterr().err
        assert (code in {1, 2} and said.startswith("tapeprint: ") and said.count("\n") == 1) or (code == 0 and not said), said
        found = stored(folder)
        assert same(found, TRADES) or (code != 0 and same(found, kept))
        if code:
            assert run(command) == 0
            assert same(stored(folder), TRADES)

    for disk in disks(story, for_good=for_good):
        story(disk)


def test_an_import_that_was_killed_is_undone_by_the_next_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """D11, B1: killed between any two of its changes."""
    kept = TRADES[::3]

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    for days in range(3):
        folder = folder_in(tmp_path)
        with closing(DiskStore(folder)) as store, closing(TapeWriter(store, TAPE)) as writer:
            writer.insert_bulk(kept, Source.LIVE)
            with monkeypatch.context() as patch, pytest.raises(Killed), writer.atomically():
                patch.setattr(writer_module.UndoJournal, "undo", killed)
                for day in range(days):
                    start_ns = (FIRST_DAY + day) * DAY_NS
                    writer.insert_bulk(TRADES[(TRADES.time_ns >= start_ns) & (TRADES.time_ns < start_ns + DAY_NS)], Source.ARCHIVE)
                killed()
        assert same(stored(folder), kept)


def test_an_import_that_was_killed_once_it_counted_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folder_in(tmp_path)
    with closing(DiskStore(folder)) as store, closing(TapeWriter(store, TAPE)) as writer:
        writer.insert_bulk(TRADES[::3], Source.LIVE)
        monkeypatch.setattr(writer_module.UndoJournal, "close", lambda self: None)
        with writer.atomically():
            writer.insert_bulk(TRADES, Source.ARCHIVE)
    assert same(stored(folder), TRADES)


@BROKEN
def test_an_export_replaces_its_file_completely_or_not_at_all(tmp_path: Path, for_good: bool, capfd: pytest.CaptureFixture[str]) -> None:
    """D11: and leaves no other file once an export has worked."""
    store_folder = folder_in(tmp_path)
    with closing(DiskStore(store_folder)) as store, closing(TapeWriter(store, TAPE)) as writer:
        writer.insert_bulk(TRADES, Source.LIVE)
    whole: list[bytes] = []

    def story(disk: FailingDisk) -> None:
        out = folder_in(tmp_path) / "out.csv"
        out.write_bytes(b"old")
        command = ["export", TAPE.id, "--out", str(out), "--store", str(store_folder), "--quiet"]
        with disk.broken():
            code = run(command)
        said = capfd.readouterr().err
        assert (code in {1, 2} and said.startswith("tapeprint: ") and said.count("\n") == 1) or (code == 0 and not said), said
        assert out.read_bytes() == (whole or [out.read_bytes()])[0] if code == 0 else out.read_bytes() in (b"old", *whole)
        assert run(command) == 0
        whole[:] = [out.read_bytes()]
        assert list(out.parent.iterdir()) == [out]

    for disk in disks(story, for_good=for_good):
        story(disk)


@BROKEN
def test_a_settings_save_changes_its_file_completely_or_not_at_all(tmp_path: Path, for_good: bool) -> None:
    """D11: and the next start deletes what it left."""

    def story(disk: FailingDisk) -> None:
        path = folder_in(tmp_path) / "settings.toml"
        save_setting("display", "theme", "light", path)
        with disk.broken():
            try:
                save_setting("display", "theme", "dark", path)
            except SettingsError:
                assert disk.failed
        assert load_settings(path).display.theme in ("light", "dark")
        assert list(path.parent.iterdir()) == [path]

    for disk in disks(story, for_good=for_good):
        story(disk)


def test_a_bulk_insert_outside_an_import_can_be_repeated(tmp_path: Path) -> None:
    """D4: long history goes straight into files."""

    def story(disk: FailingDisk) -> None:
        folder = folder_in(tmp_path)
        with closing(DiskStore(folder)) as store, closing(TapeWriter(store, TAPE)) as writer:
            with disk.broken():
                try:
                    writer.insert_bulk(TRADES, Source.BACKFILL, Span(int(TRADES.time_ns[0]), int(TRADES.time_ns[-1]) + 1))
                except (StoreError, OSError):
                    assert disk.failed
            writer.insert_bulk(TRADES, Source.BACKFILL)
        assert same(stored(folder), TRADES)

    for disk in disks(story, for_good=False):
        story(disk)
