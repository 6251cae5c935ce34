"""D13: what is stored can be looked at without its venue, and goes live by itself once the venue answers."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from app.errors import BadInputError, FeedError, TapeprintError, VenueRefusedError, VenueUnreachableError
from app.market.bar_rule import parse_bar_rule
from app.market.feed import FeedState
from app.market.market import Market
from app.storage.disk import DiskStore, stored_instrument
from app.storage.shared_store import SharedStore
from app.storage.tape_writer import TapeWriter
from app.workspace import ChartChoice, Workspace
from tests.app.storage.stores import ALL, ARCHIVE, TAPE, days_of_trades
from tests.app.test_workspace import Feed
from tests.sameness import same

pytestmark = pytest.mark.usefixtures("logged")
TRADES = days_of_trades(300, 0.5)
REFUSALS = (
    VenueUnreachableError("no route to host"),
    VenueRefusedError("HTTP 451: the venue does not serve this region"),
    VenueRefusedError("HTTP 403"),
    VenueRefusedError("binance:BTCUSDT has status BREAK"),
    VenueRefusedError("binance has no symbol BTCUSDT"),
    FeedError("an answer that nobody expected"),
    BadInputError("tick size: found 0"),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with closing(DiskStore(tmp_path / "store")) as store, closing(TapeWriter(store, TAPE)) as writer:
        writer.insert_bulk(TRADES[:200], ARCHIVE)
        writer.insert(TRADES[200:], ARCHIVE)
    return tmp_path / "store"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


class Venue:
    """A venue that refuses with an error, until `error` is None."""

    def __init__(self, error: TapeprintError | None) -> None:
        self.error, self.asked = error, 0
        self.feed = Feed(instrument=TAPE)

    async def open(self, instrument_id: str) -> Market:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Market(TAPE, self.feed, None, 0, usual_price_ticks=int(TRADES.price_ticks[-1]))


def looked_at(folder: Path, venue: Venue, story: Callable[[Workspace], Awaitable[None]], *, record: bool = True) -> None:
    async def told() -> None:
        store = SharedStore(folder, record=record)

        async def asleep(_seconds: float) -> None:
            await asyncio.Event().wait()  # no attempt but those that the user wants

        workspace = Workspace(venue.open, ChartChoice(parse_bar_rule("1h")), keep=store.of, stored=store.stored, sleep=asleep)
        workspace.open(TAPE.id)
        try:
            await story(workspace)
        finally:
            await workspace.aclose()
            store.close()

    asyncio.run(told())


def shows_all(workspace: Workspace) -> bool:
    return workspace.chart is not None and int(workspace.chart.series.trades.sum()) == len(TRADES)


@pytest.mark.parametrize("error", REFUSALS, ids=str)
def test_a_stored_market_is_shown_and_goes_live_in_place(folder: Path, error: TapeprintError, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.workspace._VENUE_WAIT_S", 600.0)  # shown because of the refusal, not of a silence
    venue = Venue(error)

    async def story(workspace: Workspace) -> None:
        await until(lambda: shows_all(workspace))
        offline = workspace.chart
        assert workspace.status.state in (FeedState.DISCONNECTED, FeedState.STOPPED)
        assert workspace.status.reason == f"offline: stored trades only, binance not reached: {error.user_message}"
        assert workspace.recording.text == ""
        workspace.try_now()
        await until(lambda: venue.asked == 2)
        venue.error = None
        await until(lambda: workspace.status.state in (FeedState.DISCONNECTED, FeedState.STOPPED))
        workspace.try_now()
        await until(lambda: workspace.chart is not offline)
        assert (workspace.status.state, workspace.recording.text) == (FeedState.LIVE, "recording")
        asked = venue.asked
        workspace.try_now()  # it is live: nothing to try
        assert venue.asked == asked

    looked_at(folder, venue, story)


def test_a_market_that_is_not_stored_only_says_why(tmp_path: Path) -> None:
    async def story(workspace: Workspace) -> None:
        await until(lambda: workspace.status.state is FeedState.STOPPED)
        await asyncio.sleep(0.05)
        assert (workspace.chart, workspace.status.reason) == (None, "HTTP 451: the venue does not serve this region")

    looked_at(tmp_path / "none", Venue(REFUSALS[1]), story)


def test_a_venue_that_does_not_answer_is_not_waited_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.workspace._VENUE_WAIT_S", 0.01)

    class Silent(Venue):
        async def open(self, instrument_id: str) -> Market:
            await asyncio.Event().wait()
            raise AssertionError

    async def story(workspace: Workspace) -> None:
        await until(lambda: shows_all(workspace))
        assert workspace.status.reason == "offline: stored trades only, binance not reached: opening binance:BTCUSDT"

    looked_at(folder, Silent(None), story)


# -- read-only media -----------------------------------------------------------------------------


@contextmanager
def read_only(source: Path) -> Iterator[Path]:
    """A copy of a store that nobody can write: on a file system mounted read-only, or without the permission."""
    place = source.with_name("media")
    place.mkdir()
    if os.geteuid() == 0:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", place], check=True)
    try:
        shutil.copytree(source, place, dirs_exist_ok=True)
        if os.geteuid() == 0:
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        else:
            for path in (place, *place.rglob("*")):
                path.chmod(0o555 if path.is_dir() else 0o444)
        yield place
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", place], check=True)
        else:
            for path in (place, *place.rglob("*")):
                path.chmod(0o755)


needs_read_only = pytest.mark.skipif(not shutil.which("mount"), reason="no mount: nothing can be made read-only here")


@needs_read_only
@pytest.mark.parametrize("closed", [True, False], ids=["closed", "with its log"])
def test_a_store_on_read_only_media_is_read(folder: Path, closed: bool) -> None:
    with closing(DiskStore(folder)) as busy:  # its newest trades are in SQLite's log
        if not closed:
            busy.catalogue.set_minute_cell_ticks(TAPE.id, 7)
            assert folder.joinpath("catalogue.sqlite3-wal").stat().st_size
        else:
            busy.close()
        with read_only(folder) as media:
            before = {path: path.stat().st_mtime_ns for path in media.rglob("*")}
            with closing(DiskStore(media, write=False)) as store:
                assert same(store.tape(stored_instrument(store, TAPE.id)).trades(ALL), TRADES)
                assert closed or store.catalogue.minute_cell_ticks(TAPE.id) == 7
            shared = SharedStore(media)
            found = shared.of(TAPE)
            assert found.tape is not None and same(found.tape.trades(ALL), TRADES)
            assert found.writer is None and found.recording.text.startswith("not recording: ")
            assert shared.stored(TAPE.id) is not None
            shared.close()
            assert {path: path.stat().st_mtime_ns for path in media.rglob("*")} == before


@needs_read_only
def test_a_market_on_read_only_media_is_shown_without_its_venue(folder: Path) -> None:
    async def story(workspace: Workspace) -> None:
        await until(lambda: shows_all(workspace))
        assert workspace.chart is not None
        assert np.array_equal(workspace.chart.series.volume.sum(), TRADES.quantity_lots.sum())

    with read_only(folder) as media:
        looked_at(media, Venue(REFUSALS[0]), story)
