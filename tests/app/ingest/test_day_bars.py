"""The bars of a day are computed once, stored, and read from then on; those of missing, damaged or stale files are computed again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.analytics.footprint import FootprintSeries
from app.chart.chart import ChartSpec, build_series
from app.errors import GridTooFineError, StoreError
from app.ingest import day_bars
from app.ingest.day_bars import DayBars
from app.ingest.disk_bars import DiskBars, MemoryFloor
from app.market.bar_rule import DAY_NS, NS_PER_S, BarRule
from app.market.coverage import Source
from app.market.span import Span
from app.market.steps import Steps
from app.storage import tape as tape_module
from app.storage.disk import DiskStore
from app.storage.tape import Tape, day_name
from app.storage.tape_writer import TapeWriter
from tests.app.chart.test_chart import columns
from tests.benchmarks.bench_long_history import LongChart
from tests.benchmarks.long_store import FIRST_DAY, MARKET, LongMarket, write_store

DAYS = 6
SPEC = ChartSpec(MARKET, BarRule(60 * NS_PER_S), 50)
LAST = FIRST_DAY + DAYS - 1


@pytest.fixture
def tape(tmp_path: Path) -> Iterator[Tape]:
    write_store(tmp_path, DAYS, 1)
    store = DiskStore(tmp_path)
    yield store.tape(MARKET)
    store.close()


def in_memory(tape: Tape) -> FootprintSeries:
    return build_series([tape.trades(Span(0, 1 << 62))], SPEC)


def opened(tape: Tape, spec: ChartSpec = SPEC) -> tuple[FootprintSeries, DayBars]:
    """The bars of all days, of which the last one is in memory; and the reader of the others."""
    made: list[DayBars] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.ingest.disk_bars.DayBars", lambda *args: made.append(DayBars(*args)) or made[-1])
        last = tape.trades(Span(LAST * DAY_NS, (LAST + 1) * DAY_NS))
        series = DiskBars(tape).build(spec, FIRST_DAY * DAY_NS, MemoryFloor(int(last.trade_id[0]) - 1, LAST * DAY_NS), [last])
    return series, made[0]


def bar_file(tape: Tape, day: int) -> Path:
    return tape.folder / "bars" / "1m-50" / f"{day_name(day)}.parquet"


def test_days_are_computed_once_and_then_read(tape: Tape) -> None:
    series, files = opened(tape)
    assert (files.days_computed, files.days_read) == (DAYS - 1, 0)
    assert columns(series) == columns(in_memory(tape))
    assert files.days_read == DAYS - 1
    again, files = opened(tape)
    assert (files.days_computed, files.days_read) == (0, 0)
    assert columns(again) == columns(series)
    assert (files.days_computed, files.days_read) == (0, DAYS - 1)
    assert [path.name for path in sorted(bar_file(tape, 0).parent.iterdir())] == [
        *(f"{day_name(day)}.parquet" for day in range(FIRST_DAY, LAST)),
        "index.parquet",
    ]


def test_each_bar_rule_and_row_size_has_its_files(tape: Tape) -> None:
    opened(tape)
    for spec in (replace(SPEC, ticks_per_row=10), replace(SPEC, bar_rule=BarRule(3600 * NS_PER_S))):
        series, files = opened(tape, spec)
        assert files.days_computed == DAYS - 1
        assert columns(series) == columns(build_series([tape.trades(Span(0, 1 << 62))], spec))
    for odd in (BarRule(7 * 60 * NS_PER_S), BarRule(7 * DAY_NS), BarRule.counted(SPEC.bar_rule.kind.TRADES, 100)):
        spec = replace(SPEC, bar_rule=odd)
        found = tape.trades(Span(LAST * DAY_NS, (LAST + 1) * DAY_NS))
        series = DiskBars(tape).build(spec, FIRST_DAY * DAY_NS, MemoryFloor(int(found.trade_id[0]) - 1, LAST * DAY_NS), [found])
        assert series.older is None
        assert columns(series) == columns(build_series([tape.trades(Span(0, 1 << 62))], spec))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [Path.unlink, cut, flip, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("name", ["index.parquet", f"{day_name(FIRST_DAY + 2)}.parquet"])
def test_damaged_or_missing_files_are_made_again(tape: Tape, damage: Callable[[Path], object], name: str, logged) -> None:
    expected = columns(opened(tape)[0])
    path = bar_file(tape, 0).with_name(name)
    sound = path.read_bytes()
    damage(path)
    series, _ = opened(tape)
    assert columns(series) == expected
    assert path.read_bytes() == sound
    assert len(logged.entries) == (damage is not Path.unlink)
    again, files = opened(tape)
    assert columns(again) == expected
    assert files.days_computed == 0


def test_bars_of_changed_trades_are_computed_again(tape: Tape) -> None:
    before, files = opened(tape)
    writer = TapeWriter(DiskStore(tape.folder.parent.parent), MARKET)
    late = tape.trades(Span((FIRST_DAY + 1) * DAY_NS, (FIRST_DAY + 2) * DAY_NS))[-1:]
    writer.insert_bulk(replace(late, trade_id=late.trade_id + 10**9, price_ticks=late.price_ticks + 7), Source.ARCHIVE)
    writer.close()
    writer.tape.catalogue.close()
    series, files = opened(tape)
    assert files.days_computed == 1
    assert columns(series) == columns(in_memory(tape))
    bar_file(tape, FIRST_DAY + 1).unlink()
    assert before.older is not None
    with pytest.raises(StoreError, match=f"trades of {day_name(FIRST_DAY + 1)} have changed"):
        before.close[1500]
    assert "have changed" in before.older.trouble


def test_bars_in_another_tick_or_lot_size_are_computed_again(tape: Tape, logged) -> None:
    opened(tape)
    fine = tape.instrument.on_steps(replace_tick(tape.instrument.steps))
    series, files = opened(Tape(tape.catalogue, tape.folder.parent.parent, fine), replace(SPEC, instrument=fine))
    assert files.days_computed == DAYS - 1
    assert int(series.close[0]) == 10 * int(in_memory(tape).close[0])
    assert [entry["event"] for entry in logged.entries] == ["index of bars is made again"]


def replace_tick(steps: Steps) -> Steps:
    return steps._replace(tick_size=steps.tick_size / Decimal(10))


def test_a_store_open_for_reading_gets_no_files(tape: Tape) -> None:
    store = DiskStore(tape.folder.parent.parent, write=False)
    series, files = opened(store.tape(MARKET))
    assert columns(series) == columns(in_memory(tape))
    assert files.days_computed == 2 * (DAYS - 1)
    assert not (tape.folder / "bars").exists()
    store.close()


def test_a_disk_that_cannot_be_written_does_not_matter(tape: Tape, logged) -> None:
    (tape.folder / "bars").write_bytes(b"a file in place of the folder")
    series, _ = opened(tape)
    assert columns(series) == columns(in_memory(tape))
    assert [entry["event"] for entry in logged.entries] == ["bars of days are not stored"]


def test_rows_that_are_too_fine_are_refused(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.analytics.footprint._MAX_ROWS_PER_BAR", 1)
    with pytest.raises(GridTooFineError):
        opened(tape, replace(SPEC, bar_rule=BarRule(3600 * NS_PER_S)))


def test_forgetting_a_day_deletes_its_bars(tape: Tape) -> None:
    opened(tape)
    writer = TapeWriter(DiskStore(tape.folder.parent.parent), MARKET)
    writer.forget([FIRST_DAY + 1])
    writer.close()
    writer.tape.catalogue.close()
    assert not bar_file(tape, FIRST_DAY + 1).exists()
    assert bar_file(tape, FIRST_DAY + 2).exists()
    series, files = opened(tape)
    assert files.days_computed == 0
    assert columns(series) == columns(in_memory(tape))


def test_sums_of_years_are_stored_exactly(tape: Tape) -> None:
    made, _ = opened(tape)
    read, _ = opened(tape)
    assert made.older is not None
    assert read.older is not None
    for one, other in zip(made.older.days, read.older.days, strict=True):
        assert one[:-1] == other[:-1]
        assert one.rows is not None
        assert other.rows is not None
        assert one.rows.first_row == other.rows.first_row
        assert np.array_equal(one.rows.lots, other.rows.lots)


def test_days_with_many_rows_are_stored_without_a_profile(tape: Tape, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.analytics.older.day_summaries.MOST_ROWS", 10)
    opened(tape)
    series, files = opened(tape)
    assert files.days_computed == 0
    assert series.older is not None
    assert {day.rows for day in series.older.days} == {None}


# -- a chart over many days ----------------------------------------------------------------------


def test_opening_a_chart_and_panning_read_only_the_days_in_view(qapp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 days: the first chart reads trades of one, and a pan to the middle bars of one once they have been computed."""
    days = 40
    write_store(tmp_path, days, 1)
    read: list[str] = []
    read_day = tape_module.read_day
    monkeypatch.setattr(tape_module, "read_day", lambda path, *rest: read.append(path.name) or read_day(path, *rest))
    monkeypatch.setattr("app.ingest.history_loader._PATIENCE_S", 0.01)
    steps: list[int] = []
    build = DiskBars.build

    def stepped(disk: DiskBars, spec: ChartSpec, from_ns: int, *rest: Any) -> FootprintSeries:
        steps.append(FIRST_DAY + days - from_ns // DAY_NS)
        return build(disk, spec, from_ns, *rest)

    monkeypatch.setattr(DiskBars, "build", stepped)

    async def story(computed: int) -> None:
        async with LongChart(tmp_path, days) as chart:
            chart.store.limit = 8 * 1440
            await chart.shown_from(0.9)
            assert set(read) == {f"{day_name(FIRST_DAY + days - 1)}.parquet"}
            assert chart.chart.series.older is None
            await chart.shown_from(days / 2)
            older = chart.chart.series.older
            assert older is not None
            assert (len(older.days), older.days_read) == (days // 2 - 1, 1)
            assert len(steps) == 2
            assert chart.store.n_trades <= 2 * 1440
            assert len(set(read)) == 1 + computed
            await chart.shown_from(days)
            older = chart.chart.series.older
            assert older is not None
            assert (len(older.days), older.days_read) == (days - 1, 1)
            assert steps[1:] == [days // 2, days]  # the first step is short, to show something soon
            assert chart.chart.series.n_bars == days * 1440
            chart.anchor(days - 3.5)
            assert older.days_read == 2
            chart.show_newest()
            chart.settle()
            chart.live()
            assert older.days_read == 2
            assert np.array_equal(np.asarray(chart.chart.series.number), FIRST_DAY * 1440 + np.arange(chart.chart.series.n_bars))
        read.clear()
        steps.clear()

    asyncio.run(story(days // 2 - 1))
    monkeypatch.setattr(day_bars.DayBars, "_compute", lambda *_: pytest.fail("computed again"))
    asyncio.run(story(0))


def test_a_market_goes_on_with_the_next_day(tmp_path: Path) -> None:
    market = LongMarket(2)
    first, second = market.next_day(), market.next_day()
    assert int(first.time_ns[-1]) // DAY_NS == FIRST_DAY
    assert int(second.time_ns[0]) == (FIRST_DAY + 1) * DAY_NS
    assert int(second.trade_id[0]) == int(first.trade_id[-1]) + 1
    assert len(first) == 2880
