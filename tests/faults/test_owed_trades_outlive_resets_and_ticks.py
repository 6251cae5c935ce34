"""D2, D10: what is missing is fetched also where ids have started again, or the tick was finer for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from app.errors import DecodeError
from app.ingest.store_backfill import fill_owed, store_gaps
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.steps import Steps, in_steps
from app.market.trade import TradeBatch, concatenate
from app.storage.disk import DiskStore, stored_instrument
from app.storage.epochs import raw_ids
from app.storage.tape_writer import TapeWriter
from feeds.network.rest_client import RestClient
from feeds.venues.binance.live import SPOT, BinanceHistory
from feeds.venues.binance.wire import AggregateTrade, batch_of
from feeds.venues.decoder import OddTrades, batch_of_page
from tests.faults.desk import run
from tests.sameness import same
from tests.venue_emulator import VenueEmulator
from tests.venue_emulator.scripted_tape import UNIT, ScriptedTape

ALL = Span(0, 1 << 62)
HOUR_US = 3_600_000_000
COARSE, FINE = (Instrument("binance", "BTCUSDT", Decimal(tick), Decimal("0.00001")) for tick in ("0.01", "0.001"))


@asynccontextmanager
async def history_of(tape: ScriptedTape) -> AsyncIterator[tuple[BinanceHistory, TradeBatch]]:
    """The history of a tape at the venue, and all its trades on the finest grid."""
    async with VenueEmulator(tape, speed=0.0) as venue:
        tape.change_tick(Decimal("0.01"))
        history = BinanceHistory(COARSE, SPOT, RestClient(venue.rest_url))
        yield history, venue.trades()
        await history.aclose()


def scripted(*parts: tuple[int, str, int | None]) -> ScriptedTape:
    """A tape with a part an hour: its number of trades, its tick size, and the id with which ids start again, if any."""
    tape = ScriptedTape(5)
    for place, (count, tick, first_id) in enumerate(parts):
        tape.change_tick(Decimal(tick))
        if first_id is not None:
            tape.start_ids_again(first_id)
        tape.add(count, (place - len(parts)) * HOUR_US, (place + 1 - len(parts)) * HOUR_US - 1)
    tape.change_tick(UNIT)  # in which the emulator counts
    return tape


def stored_with(folder: Path, trades: TradeBatch, *places: slice) -> tuple[DiskStore, TapeWriter]:
    """A store with some of the trades, as a feed has brought them."""
    store = DiskStore(folder)
    writer = TapeWriter(store, COARSE)
    for place in places:
        writer.insert(in_steps(trades[place], FINE.steps, COARSE.steps, ""), Source.LIVE)
    return store, writer


async def fill(writer: TapeWriter, history: BinanceHistory) -> None:
    """Fetch what is owed, newest first."""
    for row in reversed(writer.owed):
        await fill_owed(writer, history, row, tries=1)


def assert_complete(store: DiskStore, writer: TapeWriter, trades: TradeBatch) -> None:
    """Every trade is stored once, and nothing is owed."""
    assert not writer.owed and not store_gaps(writer, Span(int(trades.time_ns[0]) + 1, int(trades.time_ns[-1])))
    steps = stored_instrument(store, COARSE.id).steps
    found = store.tape(COARSE.on_steps(steps)).trades(ALL)
    found = in_steps(found, steps, FINE.steps, "")
    assert same(TradeBatch.of(*found.columns[:4], raw_ids(found.trade_id)), trades)
    writer.close()
    store.close()


@pytest.mark.parametrize("resets", [(1,), (1_000, 1)], ids=["once", "twice"])
def test_trades_around_a_reset_that_nobody_recorded_are_fetched(resets: tuple[int, ...], tmp_path: Path) -> None:
    """D10: the venue is asked by time; once it was asked for ids below the first new one, and the old ones counted as fetched."""
    tape = scripted((2_500, "0.01", None), *((2_500, "0.01", first_id) for first_id in resets))

    async def story() -> None:
        async with history_of(tape) as (history, trades):
            store, writer = stored_with(tmp_path, trades, slice(0, 700), slice(len(trades) - 300, len(trades)))
            assert [row.reason.value for row in writer.owed] == ["ids start again"]
            await fill(writer, history)
            assert_complete(store, writer, trades)

    run(story())


@pytest.mark.parametrize("width_us", [300, 900, 1_500, 3_000])
@pytest.mark.parametrize("end_us", [-1_000_000, -999_500, -999_100])
def test_ids_that_start_again_within_a_millisecond_keep_both_epochs(width_us: int, end_us: int, tmp_path: Path) -> None:
    """D10: the last old trades and the first new ones have the same time; once a thousand were stored twice, and one as another."""
    tape = ScriptedTape(0)
    tape.change_tick(Decimal("0.01"))
    tape.add(3_000, -3_000_000, end_us)
    tape.start_ids_again(1)
    tape.add(4_000, end_us + 1, end_us + width_us)
    tape.change_tick(UNIT)

    async def story() -> None:
        async with history_of(tape) as (history, trades):
            store, writer = stored_with(tmp_path, trades, slice(0, 700), slice(len(trades) - 300, len(trades)))
            for _ in range(3):
                await fill(writer, history)
            assert_complete(store, writer, trades)

    run(story())


def test_a_gap_of_before_a_reset_is_fetched_by_its_time(tmp_path: Path) -> None:
    """D10: the venue has other trades under the missing ids by now."""
    tape = scripted((3_000, "0.01", None), (500, "0.01", 1), (4_000, "0.01", 1))

    async def story() -> None:
        async with history_of(tape) as (history, trades):
            store, writer = stored_with(tmp_path, trades, slice(0, 800), slice(2_200, 3_100), slice(3_300, 7_500))
            assert len(writer.owed) == 4
            await fill(writer, history)
            assert_complete(store, writer, trades)

    run(story())


def test_a_reset_whose_end_the_venue_does_not_serve_yet_stays_owed(tmp_path: Path) -> None:
    """D10: what did not come is not taken for what does not exist."""
    tape = scripted((1_500, "0.01", None), (1_500, "0.01", 1))

    class Cut(BinanceHistory):
        async def through(self, span: Span) -> AsyncIterator[TradeBatch]:
            async for page in super().through(span):
                yield page
                return

    async def story() -> None:
        async with history_of(tape) as (history, trades):
            store, writer = stored_with(tmp_path, trades, slice(0, 100), slice(2_900, 3_000))
            cut = Cut(COARSE, SPOT, history._rest)
            await fill(writer, cut)
            assert writer.owed
            await fill(writer, history)
            assert_complete(store, writer, trades)

    run(story())


def test_trades_of_a_time_with_a_finer_tick_are_fetched(tmp_path: Path) -> None:
    """D2: the tick went from 0.01 to 0.001 and back while nobody recorded; once each of them was rejected."""
    tape = scripted((1_500, "0.01", None), (1_700, "0.001", None), (1_500, "0.01", None))

    async def story() -> None:
        async with history_of(tape) as (history, trades):
            store, writer = stored_with(tmp_path, trades, slice(0, 800), slice(len(trades) - 900, len(trades)))
            await fill(writer, history)
            assert history.odd.n == 0 and history.instrument.steps == Steps(Decimal("0.001"), COARSE.lot_size)
            assert_complete(store, writer, trades)

    run(story())


@pytest.mark.usefixtures("logged")
@pytest.mark.parametrize("count", [1, 2, 9])
@pytest.mark.parametrize("known", [0, 900], ids=["in a gap of their own", "in a long gap"])
def test_few_trades_on_a_finer_tick_are_fetched(count: int, known: int, tmp_path: Path) -> None:
    """D2, D3: once they stayed owed for ever, as one odd trade may be the venue's mistake; but it would not be served twice."""
    tape = scripted((1_500, "0.01", None), (count, "0.001", None), (1_500, "0.01", None))

    async def story() -> None:
        async with history_of(tape) as (history, trades):
            finer = np.flatnonzero(trades.price_ticks % round(COARSE.tick_size / FINE.tick_size))
            assert 0 < len(finer) <= count and finer.min() >= 1_500 and finer.max() < 1_500 + count
            first, end = (1_500 - known, 1_500 + count + known) if known else (int(finer.min()), int(finer.max()) + 1)
            store, writer = stored_with(tmp_path, trades, slice(0, first), slice(end, len(trades)))
            for _ in range(3):
                await fill(writer, history)
            assert history.odd.n <= len(finer)
            assert_complete(store, writer, trades)

    run(story())


@pytest.mark.usefixtures("logged")
def test_a_trade_at_no_venues_price_is_rejected_however_often() -> None:
    """D3: a price with many more decimals is a wrong number, not a finer tick."""
    finer: list[Instrument] = []
    odd = OddTrades()
    for _ in range(3):
        page = [AggregateTrade(1, "100.00000001", "0.5", 1_700_000_000_000, False)]
        assert not len(batch_of_page(COARSE, page, batch_of, odd, finer.append))
    assert (odd.n, finer) == (3, [])


def test_pages_by_time_have_each_trade_once_also_within_a_millisecond() -> None:
    """D10: more trades than a page within a millisecond, and pages that end within one."""
    tape = ScriptedTape(3)
    tape.add(700, -5_000_000, -4_000_000)
    tape.start_ids_again(7)
    tape.add(2_600, -3_000_000, -2_999_999)
    tape.add(1_700, -2_000_000, -1_999_000 + 3_000)
    tape.add(1_300, -1_000_000, -900_000)

    async def story() -> None:
        async with history_of(tape) as (history, trades):
            found = concatenate([page async for page in history.through(Span(int(trades.time_ns[0]), int(trades.time_ns[-1]) + 1))])
            found = in_steps(found, history.instrument.steps, FINE.steps, "")
            order = np.lexsort((found.trade_id, found.time_ns))
            assert same(found[order], trades[np.lexsort((trades.trade_id, trades.time_ns))])
            part = Span(int(trades.time_ns[300]), int(trades.time_ns[4_000]))
            inside = trades[(trades.time_ns >= part.start_ns) & (trades.time_ns < part.end_ns)]
            assert len(concatenate([page async for page in history.through(part)])) == len(inside)

    run(story())


def test_a_millisecond_that_cannot_be_served_in_full_is_an_error() -> None:
    """D10: its ids have started again since, and a page by time has a thousand of its trades."""
    tape = ScriptedTape(3)
    tape.add(2_600, -3_000_000, -2_999_999)
    tape.add(10, -2_000_000, -1_900_000)
    tape.start_ids_again(1)
    tape.add(10, -1_000_000, -900_000)

    async def story() -> None:
        async with history_of(tape) as (history, trades):
            with pytest.raises(DecodeError, match="does not serve all trades of the millisecond"):
                _ = [page async for page in history.through(Span(int(trades.time_ns[0]), int(trades.time_ns[-1]) + 1))]

    run(story())
