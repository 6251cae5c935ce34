"""D13: the commands show a stored market without its venue, and say so in one line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.entry.cli import run
from app.errors import FeedError, VenueRefusedError, VenueUnreachableError
from app.market.market import Market
from app.settings.settings import Settings
from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter
from tests.app.storage.stores import ARCHIVE, TAPE, days_of_trades
from tests.feeds.publishers.dump_server import publisher

TRADES = days_of_trades(300, 0.1)
NOTE = "tapeprint: binance:BTCUSDT: stored trades only, 2023-11-14 00:"
REFUSALS = (
    VenueUnreachableError("no route to host"),
    VenueRefusedError("HTTP 451"),
    VenueRefusedError("HTTP 403"),
    VenueRefusedError("binance:BTCUSDT has status BREAK"),
    VenueRefusedError("binance has no symbol BTCUSDT"),
)


@pytest.fixture
def store(tmp_path: Path) -> str:
    with closing(DiskStore(tmp_path / "store")) as store, closing(TapeWriter(store, TAPE)) as writer:
        writer.insert_bulk(TRADES[:200], ARCHIVE)
        writer.insert(TRADES[200:], ARCHIVE)
    return str(tmp_path / "store")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Callable[[FeedError], None]:
    """Makes the venue refuse every market."""

    def refuse(error: FeedError) -> None:
        def opener(settings: Settings, seed: int = 1) -> Callable[[str], Awaitable[Market]]:
            async def open_market(instrument_id: str) -> Market:
                raise error

            return open_market

        # first in the module that is loaded on demand: loaded after the other it would keep this opener
        monkeypatch.setattr("app.entry.commands.backfill.market_opener", opener)
        monkeypatch.setattr("app.entry.markets.market_opener", opener)

    return refuse


def test_footprint_of_a_stored_market_needs_no_network(store: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["footprint", TAPE.id, "--store", store, "--bar", "1h"]) == 0
    said = capfd.readouterr()
    assert said.err.startswith(NOTE) and said.err.count("\n") == 1
    assert sum(json.loads(line)["trades"] for line in said.out.splitlines()) == len(TRADES)


def test_footprint_of_a_part_of_a_stored_market(store: str, capfd: pytest.CaptureFixture[str]) -> None:
    options = ["--from", "2023-11-14T01:00Z", "--to", "2023-11-14T02:00Z", "--quiet"]
    assert run(["footprint", TAPE.id, "--store", store, "--bar", "1h", *options]) == 0
    said = capfd.readouterr()
    assert (said.err, len(said.out.splitlines())) == ("", 1)


@pytest.mark.parametrize(
    "command",
    [
        ["profile", TAPE.id, "--rows", "20", "--json"],
        ["tpo", TAPE.id, "--ticks-per-row", "10", "--json"],
        ["why", TAPE.id, "--at", "2023-11-14T00:30Z", "--price", f"{int(TRADES.price_ticks[50]) / 100:.2f}", "--bar", "1d"],
    ],
    ids=lambda command: command[0],
)
def test_other_values_of_a_stored_market_need_no_network(store: str, command: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert run([*command, "--store", store]) == 0
    said = capfd.readouterr()
    assert said.err.startswith(NOTE) and said.err.count("\n") == 1 and said.out


@pytest.mark.parametrize("command", [["footprint"], ["profile", "--rows", "20"]], ids=["footprint", "profile"])
def test_a_file_still_requires_its_tick_size(tmp_path: Path, command: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "trades.csv").write_text("time,price,quantity,side\n")
    assert run([command[0], str(tmp_path / "trades.csv"), *command[1:]]) == 2
    assert capfd.readouterr().err.endswith("trades.csv: a trades file requires --tick-size\n")


def test_a_market_that_is_not_stored_is_named(store: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["footprint", "binance:ETHUSDT", "--store", store]) == 2
    assert capfd.readouterr().err == "tapeprint: instrument: binance:ETHUSDT is not in the store; stored: binance:BTCUSDT\n"


@pytest.mark.parametrize("error", REFUSALS, ids=str)
def test_snapshot_shows_stored_trades_if_the_venue_is_not_reached(
    tmp_path: Path, store: str, refused: Callable[[FeedError], None], error: FeedError, capfd: pytest.CaptureFixture[str]
) -> None:
    refused(error)
    out = tmp_path / "a.png"
    assert run(["snapshot", TAPE.id, "--out", str(out), "--store", store, "--size", "400x300", "--bar", "1h"]) == 0
    said = f"tapeprint: binance:BTCUSDT: venue not reached ({error.user_message}); stored trades only, 2023-11-14 00:"
    assert said in capfd.readouterr().err
    assert out.stat().st_size > 1000


def test_snapshot_of_a_market_that_is_not_stored_says_why(
    tmp_path: Path, refused: Callable[[FeedError], None], capfd: pytest.CaptureFixture[str]
) -> None:
    refused(REFUSALS[1])
    assert run(["snapshot", TAPE.id, "--out", str(tmp_path / "a.png"), "--store", str(tmp_path / "none")]) == 1
    assert capfd.readouterr().err == "tapeprint: HTTP 451\n"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("stored", [True, False], ids=["stored", "by its steps"])
def test_a_delisted_market_is_backfilled_from_published_files(
    tmp_path: Path,
    store: str,
    refused: Callable[[FeedError], None],
    stored: bool,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    refused(REFUSALS[4])
    steps = [] if stored else ["--tick-size", "0.01", "--lot-size", "0.00001"]
    place = store if stored else str(tmp_path / "new")

    async def story() -> int:
        async with publisher() as server:
            monkeypatch.setenv("TAPEPRINT_BINANCE_DUMPS_URL", server.url)
            span = ["--from", "2023-11-10T00:00Z", "--to", "2023-11-11T00:00Z", "--source", "dumps"]
            code = await asyncio.to_thread(run, ["backfill", TAPE.id, *span, *steps, "--store", place])
            assert any("BTCUSDT-aggTrades-2023-11-10.zip" in path for path in server.asked)
            return code

    assert asyncio.run(story()) == 1  # nothing is published there
    assert "binance:BTCUSDT: venue not reached (binance has no symbol BTCUSDT); published files only\n" in capfd.readouterr().err


def test_an_unknown_market_is_not_backfilled(
    tmp_path: Path, refused: Callable[[FeedError], None], capfd: pytest.CaptureFixture[str]
) -> None:
    refused(REFUSALS[4])
    assert run(["backfill", TAPE.id, "--from", "2023-11-10T00:00Z", "--store", str(tmp_path / "none")]) == 1
    assert capfd.readouterr().err == "tapeprint: binance has no symbol BTCUSDT\n"
