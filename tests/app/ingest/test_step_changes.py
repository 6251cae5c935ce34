"""A venue may change its tick and lot size while connected: chart and disk are as if the finest grid had held from the start."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.delta import bar_delta
from app.chart.chart import Chart, ChartSpec, build_series
from app.ingest.ingest import Ingest
from app.market.bar_rule import DAY_NS, BarRule
from app.market.feed import FeedState, FeedStatus
from app.market.steps import Steps, common_steps, in_steps
from app.market.trade import TradeBatch, concatenate
from app.storage.disk import DiskStore, stored_instrument
from app.storage.recorder import Recorder
from app.storage.tape_writer import TapeWriter
from app.storage.trade_store import TradeStore
from app.storage.verify import verify
from tests.app.storage.stores import ALL, FIRST_DAY, TAPE
from tests.builders import random_trades
from tests.sameness import same

GRIDS = [Steps(Decimal(tick), Decimal(lot)) for tick in ("1", "0.25", "0.1", "0.01") for lot in ("1", "0.001")]


class ChangingFeed:
    """A feed that goes over to the common grid before a batch on another one, as `LiveFeed` does."""

    def __init__(self, instrument: object, batches: list[tuple[Steps, TradeBatch]]) -> None:
        self.instrument = replace(TAPE, numbered=True).on_steps(batches[0][0])
        self.status = FeedStatus(FeedState.LIVE)
        self._batches = batches

    async def batches(self) -> AsyncIterator[TradeBatch]:
        for steps, batch in self._batches:
            self.instrument = self.instrument.on_steps(common_steps([self.instrument.steps, steps]))
            yield in_steps(batch, steps, self.instrument.steps, "")
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        """Nothing to close."""


@given(
    grids=st.lists(st.sampled_from(GRIDS), min_size=1, max_size=5), size=st.integers(1, 40), seed=st.integers(0, 99), tpr=st.integers(1, 3)
)
@settings(max_examples=12, deadline=None)
def test_any_changes_while_connected_give_the_figures_of_the_finest_grid(grids: list[Steps], size: int, seed: int, tpr: int) -> None:
    """D2: in memory, on the chart and on disk."""
    trades = random_trades(seed, size * len(grids), start_ns=(FIRST_DAY + 1) * DAY_NS - 60 * 10**9, seconds=300)
    pieces = [(steps, trades[i * size : (i + 1) * size]) for i, steps in enumerate(grids)]
    finest = common_steps(grids)
    expected = concatenate([in_steps(batch, steps, finest, "") for steps, batch in pieces])
    first = TAPE.on_steps(grids[0])
    factor = int(grids[0].tick_size / finest.tick_size)

    async def story(folder: Path) -> None:
        disk = DiskStore(folder)
        writer = TapeWriter(disk, first)
        memory, chart = TradeStore(), Chart(ChartSpec(first, BarRule(60 * 10**9), tpr))
        recorder = Recorder(writer, memory.batches, wall_ns=lambda: (FIRST_DAY + 1) * DAY_NS)
        feed = ChangingFeed(first, pieces)
        ingest = Ingest(feed, None, memory, [chart], tape=disk.tape(first), recorder=recorder)
        heights: list[int] = []
        ingest.on_steps = heights.append
        await ingest.run()
        assert same(memory.trades(), expected)
        spec = ChartSpec(TAPE.on_steps(finest), BarRule(60 * 10**9), tpr * factor)
        built = build_series([expected], spec)
        assert chart.spec == spec and not chart.refused
        assert np.prod([1, *heights]) == factor
        for name in ("open", "high", "low", "close", "volume", "delta_min", "delta_max", "cell_buy", "cell_sell", "cell_unknown"):
            assert np.array_equal(getattr(chart.series, name), getattr(built, name)), name
        assert np.array_equal(bar_delta(chart.series), bar_delta(built))
        assert ("steps changed" in ingest.notice) == (finest != grids[0])
        assert disk.catalogue.instrument(TAPE.id) == TAPE.on_steps(finest)
        changes = {fact.value for fact in disk.catalogue.facts(TAPE.id) if fact.what == "tick_size"}
        assert {Decimal(value) for value in changes} >= {grids[0].tick_size, finest.tick_size}
        stored = disk.tape(stored_instrument(disk, TAPE.id))
        assert same(in_steps(stored.trades(ALL), stored.instrument.steps, finest, ""), expected)
        assert list(verify(stored)) == []
        disk.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(story(Path(folder)))
