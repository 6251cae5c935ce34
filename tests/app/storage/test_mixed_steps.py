"""Days on any steps are read, merged, verified and rebuilt as if all had been on the finest grid from the start."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.delta import bar_delta
from app.chart.chart import ChartSpec, build_series
from app.market.bar_rule import DAY_NS, BarRule
from app.market.instrument import Instrument
from app.market.steps import Steps, common_steps, in_steps
from app.market.trade import TradeBatch, concatenate
from app.storage.catalogue.catalogue import FILE_NAME
from app.storage.day_file import read_meta
from app.storage.disk import DiskStore, stored_instrument
from app.storage.tape_writer import TapeWriter
from app.storage.verify import verify
from tests.app.storage.stores import ALL, ARCHIVE, BYBIT, FIRST_DAY, LIVE, TAPE
from tests.builders import random_trades
from tests.sameness import same

GRIDS = [Steps(Decimal(tick), Decimal(lot)) for tick in ("0.01", "0.1", "0.25", "0.03125", "1") for lot in ("0.001", "0.00001", "1")]


@dataclass(frozen=True)
class Stretch:
    """Trades on one grid, and how they reach the store."""

    steps: Steps
    trades: TradeBatch
    bulk: bool
    seals: bool


@st.composite
def stories(draw: st.DrawFn) -> list[Stretch]:
    """Draw stretches of trades over some days, with a change of steps before each, also within a day."""
    n = draw(st.integers(1, 4))
    found: list[Stretch] = []
    at_ns, next_id = FIRST_DAY * DAY_NS, 1
    for _ in range(n):
        hours = draw(st.sampled_from([1, 7, 24, 40]))
        trades = random_trades(draw(st.integers(0, 99)), draw(st.integers(1, 40)), start_ns=at_ns, seconds=hours * 3600)
        columns = (*trades.columns[:4], trades.trade_id + next_id - 1)
        found.append(Stretch(draw(st.sampled_from(GRIDS)), TradeBatch.of(*columns), draw(st.booleans()), draw(st.booleans())))
        at_ns, next_id = int(trades.time_ns[-1]) + 1, next_id + len(trades)
    return found


def write(folder: Path, instrument: Instrument, story: list[Stretch], cuts: int) -> None:
    store = DiskStore(folder)
    for stretch in story:
        writer = TapeWriter(store, instrument.on_steps(stretch.steps))
        for start in range(0, len(stretch.trades), cuts):
            part = stretch.trades[start : start + cuts]
            (writer.insert_bulk if stretch.bulk else writer.insert)(part, ARCHIVE if stretch.bulk else LIVE)
        if stretch.seals:
            writer.seal(int(stretch.trades.time_ns[-1]))
        writer.close()
    store.close()


@given(story=stories(), cuts=st.sampled_from([9, 60]), numbered=st.booleans(), rebuilt=st.booleans())
@settings(max_examples=8, deadline=None)
def test_any_steps_over_any_days_give_the_tape_of_the_finest_grid(story: list[Stretch], cuts: int, numbered: bool, rebuilt: bool) -> None:
    """D1: any sequence of steps over days, any batching, also rebuilt."""
    instrument = replace(TAPE, numbered=numbered)
    finest = common_steps(stretch.steps for stretch in story)
    parts = [in_steps(stretch.trades, stretch.steps, finest, "") for stretch in story]
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), instrument, story, cuts)
        if rebuilt:
            store = DiskStore(Path(folder))
            writer = TapeWriter(store, stored_instrument(store, instrument.id))
            writer.seal(0)
            writer.close()
            store.close()
            (Path(folder) / FILE_NAME).unlink()
            DiskStore(Path(folder)).close()
        store = DiskStore(Path(folder), frozen=True)
        try:
            tape = store.tape(stored_instrument(store, instrument.id))
            assert tape.instrument.steps.divides(finest)
            read = tape.trades(ALL)
            assert same(read, in_steps(concatenate(parts), finest, tape.instrument.steps, ""))
            assert not [finding.text for finding in verify(store.tape(TAPE if numbered else instrument)) if finding.gap is None]
            spec = ChartSpec(instrument.on_steps(finest), BarRule(3_600 * 10**9))
            if tape.instrument.steps == finest:
                assert np.array_equal(bar_delta(build_series([read], spec)), bar_delta(build_series(parts, spec)))
        finally:
            store.close()


def test_a_finer_day_stays_readable_when_the_venue_goes_over_to_a_coarser_tick(store: DiskStore) -> None:
    finer = random_trades(1, 50, start_ns=FIRST_DAY * DAY_NS, seconds=3600)
    writer = TapeWriter(store, TAPE)
    writer.insert_bulk(finer, ARCHIVE)
    writer.close()
    coarse = TAPE.on_steps(Steps(Decimal("0.1"), Decimal("0.001")))
    writer = TapeWriter(store, coarse)
    later = random_trades(2, 50, start_ns=(FIRST_DAY + 1) * DAY_NS, seconds=3600)
    later = TradeBatch.of(*later.columns[:4], later.trade_id + 50)
    writer.insert(later, LIVE)
    assert list(verify(writer.tape)) == list(verify(writer.tape, writer)) == []
    tape = writer.tape.finest()
    assert tape.instrument == TAPE
    assert same(tape.trades(ALL), concatenate([finer, in_steps(later, coarse.steps, TAPE.steps, "")]))
    writer.close()
    (day,) = tape.files(FIRST_DAY)
    assert read_meta(day).steps == TAPE.steps


def test_a_late_trade_in_other_steps_joins_its_day(store: DiskStore) -> None:
    trades = random_trades(1, 50, start_ns=FIRST_DAY * DAY_NS, seconds=3600)
    coarse = TAPE.on_steps(Steps(Decimal("0.25"), Decimal("0.1")))
    for instrument, part in ((TAPE, trades[:30]), (coarse, trades[30:])):
        writer = TapeWriter(store, instrument)
        assert writer.insert_bulk(part, ARCHIVE) == len(part)
        writer.close()
    tape = store.tape(coarse).finest()
    (day,) = tape.files(FIRST_DAY)
    assert read_meta(day).steps == tape.instrument.steps == TAPE.steps
    assert same(tape.trades(ALL), concatenate([trades[:30], in_steps(trades[30:], coarse.steps, TAPE.steps, "")]))
    assert list(verify(tape)) == []


def test_numbers_too_large_for_a_common_grid_leave_a_day_in_parts(store: DiskStore, logged: object) -> None:
    large = TradeBatch.of([FIRST_DAY * DAY_NS], [5], [2**61], [1], [1])
    small = TradeBatch.of([FIRST_DAY * DAY_NS + 5], [5], [1], [1], [2])
    for lot, part in (("1", large), ("0.001", small)):
        writer = TapeWriter(store, TAPE.on_steps(Steps(Decimal("0.01"), Decimal(lot))))
        assert writer.insert_bulk(part, ARCHIVE) == 1
        assert list(verify(writer.tape, writer)) == []
        writer.close()
    assert len(store.tape(TAPE).files(FIRST_DAY)) == 2


@pytest.mark.parametrize("leaves_log", [False, True])
@pytest.mark.parametrize("instrument", [TAPE, BYBIT], ids=str)
def test_a_frozen_store_changes_nothing_and_sees_everything(tmp_path: Path, instrument: Instrument, leaves_log: bool) -> None:
    trades = random_trades(1, 90, start_ns=FIRST_DAY * DAY_NS, seconds=40 * 3600)
    store = DiskStore(tmp_path / "open")
    writer = TapeWriter(store, instrument)
    writer.insert_bulk(trades[:50], ARCHIVE)
    writer.insert(trades[50:], LIVE)
    shutil.copytree(tmp_path / "open", tmp_path / "store")  # as a kill would leave it: with its log
    writer.close()
    store.close()
    folder = tmp_path / ("store" if leaves_log else "open")
    assert (folder / f"{FILE_NAME}-wal").exists() == leaves_log
    before = fingerprint(folder)
    frozen = DiskStore(folder, frozen=True)
    assert same(frozen.tape(instrument).trades(ALL), trades)
    assert fingerprint(folder) == before
    frozen.close()
    assert fingerprint(folder) == before


def fingerprint(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time of change and content of each file, and time of change of each folder."""
    return {str(path): (path.stat().st_mtime_ns, b"" if path.is_dir() else path.read_bytes()) for path in [folder, *folder.rglob("*")]}
