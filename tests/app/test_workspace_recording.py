"""D4: the window records as soon as the store can be opened, and ends with the number of trades that it could not record."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from app import workspace as workspace_module
from app.errors import StoreError
from app.market.bar_rule import parse_bar_rule
from app.market.instrument import Instrument
from app.storage.disk import DiskStore
from app.storage.recording_status import RecordingState
from app.storage.shared_store import MarketStore, SharedStore
from app.storage.tape_writer import TapeWriter
from app.workspace import ChartChoice, Workspace
from tests.app.storage.stores import ALL
from tests.app.test_workspace import INSTRUMENT, Feed, market, trades
from tests.app.test_workspace_offline import until
from tests.sameness import same

pytestmark = pytest.mark.usefixtures("logged")


def recorded(
    keep: Callable[[Instrument], MarketStore], story: Callable[[Workspace], Awaitable[None]], *, stays: Callable[[], bool] = lambda: False
) -> Workspace:
    """A workspace whose market brings trades at once, after a story."""

    async def told() -> Workspace:
        async def open_market(instrument_id: str):
            return market(Feed([trades()]))

        async def sleep(_seconds: float) -> None:
            while stays():
                await asyncio.sleep(0.005)
            await asyncio.sleep(0)

        workspace = Workspace(open_market, ChartChoice(parse_bar_rule("1m")), keep=keep, sleep=sleep)
        workspace.open(INSTRUMENT.id)
        try:
            await story(workspace)
        finally:
            await workspace.aclose()
        return workspace

    return asyncio.run(told())


def written(workspace: Workspace) -> int:
    recorder = workspace.ingest.recorder if workspace.ingest is not None else None
    return 0 if recorder is None else recorder.written


def test_a_repair_of_the_store_is_shown_while_the_market_is_open(tmp_path: Path) -> None:
    """D6: what was lost with a damaged catalogue must not be found out by chance."""
    with closing(DiskStore(tmp_path)):
        pass
    path = tmp_path / "catalogue.sqlite3"
    path.write_bytes(b"no catalogue")
    shared = SharedStore(tmp_path)

    async def story(workspace: Workspace) -> None:
        await until(lambda: workspace.chart is not None and written(workspace) > 0)
        assert workspace.notice.endswith("and rebuilt from the day files") and "renamed to catalogue.sqlite3.corrupt-" in workspace.notice

    recorded(shared.of, story)
    shared.close()


def test_a_store_that_opens_later_gets_all_trades(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.write_text("in the way")
    store = SharedStore(folder)

    async def story(workspace: Workspace) -> None:
        await until(lambda: workspace.store is not None and workspace.store.n_trades == 100)
        assert workspace.recording.state is RecordingState.NOT_RECORDING
        folder.unlink()
        await until(lambda: workspace.recording.text == "recording")
        await until(lambda: written(workspace) == 100)

    workspace = recorded(store.of, story, stays=folder.is_file)
    store.close()
    assert workspace.unrecorded == []
    with closing(DiskStore(folder, write=False)) as again:
        assert same(again.tape(INSTRUMENT).trades(ALL), trades())


def test_a_market_is_taken_over_from_a_program_that_ends(tmp_path: Path) -> None:
    first, ended = DiskStore(tmp_path), threading.Event()
    writer, store = TapeWriter(first, INSTRUMENT), SharedStore(tmp_path)

    async def story(workspace: Workspace) -> None:
        await until(lambda: workspace.store is not None and workspace.store.n_trades == 100)
        assert workspace.recording.state is RecordingState.ELSEWHERE
        writer.close()
        first.close()
        ended.set()
        await until(lambda: written(workspace) == 100)

    recorded(store.of, story, stays=lambda: not ended.is_set())
    store.close()


def test_a_store_that_does_not_answer_does_not_keep_the_market_from_being_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_module, "_STORE_WAIT_S", 0.01)
    store, answers = SharedStore(tmp_path), threading.Event()

    def slow(instrument: Instrument) -> MarketStore:
        assert answers.wait(10)
        return store.of(instrument)

    async def story(workspace: Workspace) -> None:
        await until(lambda: workspace.chart is not None and workspace.chart.series.n_bars)
        assert workspace.recording.text == "not recording: the disk does not answer"
        assert workspace.disk_hangs
        answers.set()
        await until(lambda: workspace.recording.text == "recording")
        assert not workspace.disk_hangs

    recorded(slow, story)
    store.close()


def test_the_end_says_how_many_trades_are_not_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = SharedStore(tmp_path)

    def full(*_: object) -> int:
        raise StoreError("database or disk is full")

    monkeypatch.setattr(TapeWriter, "insert", full)

    async def story(workspace: Workspace) -> None:
        await until(lambda: workspace.recording.state in (RecordingState.RETRYING, RecordingState.NOT_RECORDING))

    ((instrument_id, count, status),) = recorded(store.of, story).unrecorded
    store.close()
    assert (instrument_id, count, status.reason) == (INSTRUMENT.id, 100, "database or disk is full")
