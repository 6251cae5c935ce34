"""Bars reach back as far as the stored trades, with little memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from app.chart.chart import build_series
from app.market.bar_rule import BarRule, parse_bar_rule
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.price_grid import PriceGrid
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter
from tests.app.chart.test_chart import MARKET, columns, spec
from tests.app.ingest.pumps import DAY, Archive
from tests.app.ingest.test_history_loader import Pump, no_patience, pumping, written  # noqa: F401

LIMIT = 1000
BARS = ["1m", "15m", "500t", "100v", "40r"]


@pytest.fixture(autouse=True)
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.storage.trade_store._CHUNK", 64)


def pump_of(folder: Path, archive: Archive | None = None, instrument: Instrument = MARKET) -> Pump:
    pump = Pump(folder, archive, instrument)
    pump.store.limit = LIMIT
    return pump


async def settled(pump: Pump) -> None:
    pump.line.say(DAY[7000:7950])
    await pump.until(lambda: pump.store.last_id == 7950)
    pump.line.say(DAY[7950:])
    await pump.until(lambda: pump.ingest.past.asked_from_ns <= pump.chart.wanted.start_ns and pump.chart.last_key == 8000)


def shows(pump: Pump, trades: TradeBatch) -> bool:
    return columns(pump.chart.series) == columns(build_series([trades], pump.chart.spec))


def replace_price(trades: TradeBatch, index: int, price_ticks: int) -> TradeBatch:
    price = trades.price_ticks.copy()
    price[index] = price_ticks
    return TradeBatch.of(trades.time_ns, price, trades.quantity_lots, trades.side, trades.trade_id)


@pytest.mark.parametrize("bar", BARS)
def test_the_chart_shows_all_stored_bars_with_little_memory(tmp_path: Path, bar: str):
    written(tmp_path, DAY)

    async def story() -> None:
        pump = pump_of(tmp_path)
        pump.chart.replace_series(other := replace(pump.chart.spec, bar_rule=parse_bar_rule(bar)), build_series([], other), -1)
        async with pumping(pump):
            await settled(pump)
            assert pump.store.n_trades <= LIMIT
            assert shows(pump, DAY)

    asyncio.run(story())


@pytest.mark.parametrize("bar", BARS)
def test_changed_bars_and_rows_are_built_from_the_disk_too(tmp_path: Path, bar: str):
    written(tmp_path, DAY)

    async def story() -> None:
        async with pumping(pump_of(tmp_path)) as pump:
            await settled(pump)
            for rule, rows in ((parse_bar_rule(bar), 1), (BarRule(5 * 60 * 10**9), 10)):
                await pump.ingest.change_spec(pump.chart, replace(pump.chart.spec, bar_rule=rule, ticks_per_row=rows))
                assert shows(pump, DAY)

    asyncio.run(story())


def test_bars_stay_after_memory_drops_their_trades(tmp_path: Path, monkeypatch):
    """A late page that is too much for a frame has the chart built anew; what memory forgot is not touched by that."""
    monkeypatch.setattr("app.ingest.ingest._SMALL", 10)

    async def story() -> None:
        pump = pump_of(tmp_path, Archive(DAY))
        pump.ingest.past.asked_from_ns = int(DAY.time_ns[0])
        async with pumping(pump):
            for start in range(0, 7900, 100):
                pump.line.say(DAY[start : start + 100])
            pump.line.say(DAY[7950:])  # the hole before is filled in one page
            await pump.until(lambda: pump.store.last_id == 8000 and not pump.store.missing)
            assert pump.store.forgotten
            await pump.until(lambda: shows(pump, DAY))

    asyncio.run(story())


def test_trades_missing_on_disk_are_a_gap_and_not_covered(tmp_path: Path):
    written(tmp_path, DAY[:2000])
    written(tmp_path, DAY[2100:])

    async def story() -> None:
        async with pumping(pump_of(tmp_path)) as pump:
            await settled(pump)
            assert [(hole.first_id, hole.last_id) for hole in pump.chart.holes] == [(2001, 2100)]
            lacking = Span(int(DAY.time_ns[1999]) + 1, int(DAY.time_ns[2100]))
            day = Span(int(DAY.time_ns[0]), int(DAY.time_ns[-1]))
            assert day.minus([covered.span for covered in pump.chart.covered]) == [lacking]
            assert pump.chart.holes is pump.chart.holes
            assert shows(pump, DAY[(DAY.trade_id <= 2000) | (DAY.trade_id > 2100)])

    asyncio.run(story())


def test_unnumbered_stored_trades_are_covered_but_not_proven(tmp_path: Path):
    market = replace(MARKET, numbered=False)
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, market)
    first = DAY[DAY.time_ns < DAY.time_ns[3000]]
    second = DAY[DAY.time_ns >= DAY.time_ns[3100]]
    for part in (first, second):
        writer.insert_bulk(part, Source.ARCHIVE, Span(int(part.time_ns[0]), int(part.time_ns[-1]) + 1))
    writer.close()
    store.close()

    async def story() -> None:
        pump = pump_of(tmp_path, instrument=market)
        async with pumping(pump):
            pump.line.say(DAY[7000:])
            await pump.until(lambda: pump.store.n_trades)
            await pump.until(lambda: pump.ingest.past.asked_from_ns <= pump.chart.wanted.start_ns)
            assert len(pump.chart.holes) == 1 and not pump.chart.holes[0].missing
            assert not any(covered.proven for covered in pump.chart.covered)

    asyncio.run(story())


def test_rows_too_fine_for_older_bars_leave_the_chart_unchanged(tmp_path: Path, monkeypatch):
    wild = replace_price(DAY, 100, 10**8)
    written(tmp_path, wild)
    monkeypatch.setattr("app.analytics.footprint._MAX_ROWS_PER_BAR", 1 << 16)

    async def story() -> None:
        async with pumping(pump_of(tmp_path)) as pump:
            pump.line.say(wild[7000:])
            await pump.until(lambda: "older bars: rows: a bar would have" in pump.ingest.past.trouble)
            await asyncio.sleep(0.05)
            assert not pump.chart.refused
            assert pump.chart.series.n_trades >= LIMIT / 2

    asyncio.run(story())


def test_a_series_before_a_time_equals_one_of_earlier_trades():
    for bar in BARS:
        whole = build_series([DAY], replace(spec(), bar_rule=parse_bar_rule(bar)))
        cut_ns = whole.rule.period_start_ns(int(DAY.time_ns[5000]))
        older = whole.before(cut_ns)
        assert columns(older) == columns(build_series([DAY[DAY.time_ns < cut_ns]], replace(spec(), bar_rule=whole.rule)))
        before = columns(whole)
        older.append(DAY[DAY.time_ns >= cut_ns])
        assert columns(older) == columns(whole) == before


def test_a_series_before_a_time_has_the_same_grid():
    whole = build_series([DAY], spec(ticks_per_row=7))
    assert whole.before(int(DAY.time_ns[4000])).grid == whole.grid == PriceGrid(MARKET.tick_size, 7)
