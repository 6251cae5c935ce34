"""Profiles are saved after changes and on closing, and restored with the market."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from structlog.testing import LogCapture

import app.profiles.profile_store
from app.market.instrument import Instrument
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.profiles.profile_store import ProfileStore

INSTRUMENT = Instrument("test", "BTC/USD", Decimal("0.1"), Decimal("0.001"))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.profiles.profile_store, "SAVE_EVERY_S", 0.005)


def file_of(folder: Path) -> Path:
    return folder / "test" / "BTC_2fUSD.json"


async def opened(book: ProfileStore, *, on_disk: bool = True) -> tuple[ChartProfiles, int]:
    """A market that is opened, looked at and closed; its anchors, and how many profiles there were at first."""
    anchors = ChartProfiles()
    async with book.autosave(INSTRUMENT, anchors, on_disk=on_disk):
        found = len(anchors.profiles)
        anchors.add(10 * found + 5)
    return anchors, found


def test_profiles_and_undo_steps_survive_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        anchors = ChartProfiles()
        async with ProfileStore(tmp_path).autosave(INSTRUMENT, anchors):
            anchors.add(5)
            anchors.show_periods(PeriodProfiles(PeriodKind.DAY))
            anchors.split_period(99)
            anchors.undo()
        again = ChartProfiles()
        async with ProfileStore(tmp_path).autosave(INSTRUMENT, again):
            assert again.history() == anchors.history()
            assert again.redo() and again.periods is not None and again.periods.cuts == {99}
            assert again.undo() and again.undo() and again.undo() and not again.undo()

    asyncio.run(story())


def test_each_change_is_written_once_and_soon(tmp_path: Path) -> None:
    async def story() -> None:
        book, anchors = ProfileStore(tmp_path), ChartProfiles()
        async with book.autosave(INSTRUMENT, anchors):
            await asyncio.sleep(0.03)
            assert book.writes == 0 and not file_of(tmp_path).exists()
            anchors.add(5)
            async with asyncio.timeout(5):
                while not book.writes:
                    await asyncio.sleep(0.001)
            other = ChartProfiles()
            async with ProfileStore(tmp_path).autosave(INSTRUMENT, other):  # as after a crash
                assert other.profiles == anchors.profiles
            await asyncio.sleep(0.03)
            anchors.select(None)  # not worth a write
            await asyncio.sleep(0.03)
        assert book.writes == 1

    asyncio.run(story())


def test_the_last_change_is_saved_on_closing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.profiles.profile_store, "SAVE_EVERY_S", 3600.0)

    async def story() -> None:
        for before in range(3):
            book = ProfileStore(tmp_path)
            assert (await opened(book))[1] == before
            assert book.writes == 1
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(story())


def test_profiles_of_simulations_and_replays_are_not_saved(tmp_path: Path) -> None:
    async def story() -> None:
        book = ProfileStore(tmp_path)
        assert [(await opened(book, on_disk=False))[1] for _ in range(3)] == [0, 1, 2]
        assert (await opened(ProfileStore(tmp_path), on_disk=False))[1] == 0
        assert list(tmp_path.iterdir()) == []

    asyncio.run(story())


def test_a_damaged_file_is_reported_renamed_and_replaced(tmp_path: Path, logged: LogCapture) -> None:
    async def story() -> None:
        await opened(ProfileStore(tmp_path))
        damaged = file_of(tmp_path).read_bytes()[:-20]
        file_of(tmp_path).write_bytes(damaged)
        book = ProfileStore(tmp_path, wall_s=lambda: 1234.0)
        anchors = ChartProfiles()
        async with book.autosave(INSTRUMENT, anchors):
            assert anchors.profiles == ()
            assert "not a profile file" in book.trouble and "renamed to BTC_2fUSD.unread-1234.json" in book.trouble
            assert "\n" not in book.trouble
            anchors.add(7)
        assert file_of(tmp_path).with_name("BTC_2fUSD.unread-1234.json").read_bytes() == damaged
        assert (await opened(ProfileStore(tmp_path)))[1] == 1

    asyncio.run(story())
    assert [entry["event"] for entry in logged.entries] == ["profiles"]


def test_a_file_that_cannot_be_read_or_renamed_is_unchanged(tmp_path: Path, logged: LogCapture, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(13, "Permission denied")

    async def story() -> None:
        file_of(tmp_path).parent.mkdir()
        file_of(tmp_path).write_bytes(b"?")
        monkeypatch.setattr(Path, "rename", refuse)
        book = ProfileStore(tmp_path)
        await opened(book)
        assert book.writes == 0 and "could not be renamed, and changes will not be saved: Permission denied" in book.trouble
        assert file_of(tmp_path).read_bytes() == b"?"
        file_of(tmp_path).unlink()
        file_of(tmp_path).mkdir()
        book = ProfileStore(tmp_path)
        await opened(book)
        assert book.writes == 0 and "cannot read profiles; changes will not be saved" in book.trouble

    asyncio.run(story())
    assert len(logged.entries) == 2


def test_a_failed_save_is_reported_and_retried(tmp_path: Path, logged: LogCapture, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        blocked = tmp_path / "test"
        blocked.write_text("a file where a folder should be")
        book, anchors = ProfileStore(tmp_path), ChartProfiles()
        monkeypatch.setattr(ProfileStore, "_read", lambda *_: (None, True))
        async with book.autosave(INSTRUMENT, anchors):
            anchors.add(5)
            async with asyncio.timeout(5):
                while not book.trouble:
                    await asyncio.sleep(0.001)
            assert book.trouble.startswith("profiles not saved")
            blocked.unlink()
            async with asyncio.timeout(5):
                while not book.writes:
                    await asyncio.sleep(0.001)
        assert book.trouble == ""

    asyncio.run(story())
    assert logged.entries
