"""The pump: live trades continue whatever happens to history, and gaps are filled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
from structlog.testing import capture_logs

from app.chart.chart import Chart, ChartSpec, build_series
from app.errors import FeedError, GridTooFineError, VenueBusyError, VenueRefusedError, VenueUnreachableError
from app.ingest import history_loader as past_module
from app.ingest import ingest as ingest_module
from app.ingest.ingest import Ingest
from app.market.bar_rule import BarRule
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import MARKET, spec
from tests.app.ingest.pumps import DAY, HOUR_NS, Archive, Line, Pump
from tests.builders import SECOND_NS, START_NS


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past_module, "_PATIENCE_S", 0.02)
    monkeypatch.setattr(past_module, "_LOOK_EVERY_S", 0.02)


@pytest.fixture
def everything_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is fetched counts as much, and is built in another thread."""
    monkeypatch.setattr(ingest_module, "_SMALL", 0)
    monkeypatch.setattr(ingest_module, "_PIECE", 100)


@pytest.mark.parametrize("small", [0, 20_000])
def test_live_trades_and_history_join_without_a_gap(monkeypatch: pytest.MonkeyPatch, small: int):
    monkeypatch.setattr(ingest_module, "_SMALL", small)

    async def story() -> None:
        async with Pump(Archive(DAY[:7950]), hours=5) as pump:
            pump.line.say(DAY[7900:7930])
            await pump.until(lambda: pump.store.n_trades > 3000)
            pump.line.say(DAY[7930:])
            start_ns = pump.chart.wanted.start_ns
            await pump.until(lambda: pump.ingest.past.asked_from_ns == start_ns and pump.store.n_trades == (DAY.time_ns >= start_ns).sum())
            await pump.until(lambda: pump.ingest.progress is None)
            assert start_ns % HOUR_NS == 0
            assert pump.ingest.notice == ""
            pump.assert_shows(DAY[DAY.time_ns >= start_ns])

    asyncio.run(story())


def test_a_screen_at_rest_is_woken_after_trades_and_rebuilds():
    async def story() -> None:
        async with Pump(Archive(DAY)) as pump:
            shown: list[int] = []
            pump.ingest.on_change = lambda: shown.append(pump.chart.series.revision)
            pump.line.say(DAY[:100])
            await pump.until(lambda: pump.store.n_trades == 100)
            assert shown == [pump.chart.series.revision]
            await pump.ingest.change_spec(pump.chart, replace(pump.chart.spec, ticks_per_row=50))
            assert len(shown) == 2 and shown[-1] == pump.chart.series.revision

    asyncio.run(story())


def test_history_loads_newest_first_and_each_part_once():
    async def story() -> None:
        archive = Archive(DAY)
        async with Pump(archive, hours=4) as pump:
            pump.line.say(DAY[7990:])
            await pump.until(lambda: pump.ingest.past.asked_from_ns == pump.chart.wanted.start_ns)
            starts = [start for _, start, _ in archive.asked]
            assert starts == sorted(starts, reverse=True)
            assert starts[0] == int(DAY.time_ns[-1]) - 120 * SECOND_NS
            assert len(starts) < 12  # each stretch is longer than the one before
            assert pump.store.duplicates == 0

    asyncio.run(story())


def test_skipped_ids_are_fetched_and_the_chart_is_complete():
    async def story() -> None:
        archive = Archive(DAY)
        async with Pump(archive) as pump:
            pump.line.say(DAY[:100])
            pump.line.say(DAY[137:200])
            await pump.until(lambda: pump.store.n_trades == 200)
            assert archive.asked == [("between", 101, 137)]
            pump.assert_shows(DAY[:200])
            assert pump.chart.holes == ()

    asyncio.run(story())


def test_a_gap_is_on_the_chart_until_it_is_filled():
    async def story() -> None:
        archive = Archive(DAY)
        archive.gate = asyncio.Event()
        async with Pump(archive) as pump:
            pump.line.say(DAY[:100])
            pump.line.say(DAY[137:200])
            await pump.until(lambda: archive.asked)
            assert [(hole.first_id, hole.last_id) for hole in pump.chart.holes] == [(101, 137)]
            assert pump.ingest.notice == "loading 37 missing trades, 0 %   37 trades missing"
            pump.line.say(DAY[200:300])  # live goes on meanwhile
            await pump.until(lambda: pump.store.last_id == 300)
            archive.gate.set()
            await pump.until(lambda: pump.chart.holes == ())
            pump.assert_shows(DAY[:300])

    asyncio.run(story())


def test_near_gaps_share_a_request_and_far_ones_go_newest_first():
    async def story() -> None:
        archive = Archive(DAY)
        async with Pump(archive) as pump:
            held = np.ones(6000, bool)
            held[[500, 510, 520, 5000]] = False
            pump.line.say(DAY[:6000][held])
            await pump.until(lambda: pump.store.n_trades == 6000)
            assert archive.asked == [("between", 5001, 5001), ("between", 501, 521)]

    asyncio.run(story())


def test_a_gap_the_venue_cannot_fill_stays_after_four_tries():
    """A7: ids that the venue does not have."""

    async def story() -> None:
        archive = Archive(DAY[np.r_[0:110, 120:8000]])  # ids 111 to 120 do not exist
        async with Pump(archive) as pump:
            with capture_logs() as logs:
                pump.line.say(DAY[:100])
                pump.line.say(DAY[137:200])
                await pump.until(lambda: logs)
                pump.line.say(DAY[200:210])
                await pump.until(lambda: pump.store.last_id == 210)
                await asyncio.sleep(0.05)
            assert [(hole.first_id, hole.last_id) for hole in pump.chart.holes] == [(111, 120)]
            assert archive.asked == [("between", 101, 137), *[("between", 111, 120)] * 4]
            assert pump.waits == [0.5, 1.0, 2.0]
            assert pump.ingest.notice == "10 trades missing"
            assert [log["event"] for log in logs] == ["the venue no longer has these trades"]

    asyncio.run(story())


def test_a_gap_is_retried_when_the_venues_archive_lags():
    async def story() -> None:
        archive = Archive(DAY[:100])
        async with Pump(archive) as pump:
            pump.while_waiting = lambda: setattr(archive, "trades", DAY)
            pump.line.say(DAY[:100])
            pump.line.say(DAY[137:200])
            await pump.until(lambda: pump.store.n_trades == 200)
            pump.assert_shows(DAY[:200])

    asyncio.run(story())


def test_an_error_is_shown_and_retried_with_doubling_pauses():
    async def story() -> None:
        archive = Archive(DAY)
        archive.failures = [(0, VenueUnreachableError("no answer"))] * 7
        async with Pump(archive) as pump:
            told: list[str] = []
            pump.while_waiting = lambda: told.append(pump.ingest.notice)
            with capture_logs() as logs:
                pump.line.say(DAY[:100])
                pump.line.say(DAY[137:200])
                await pump.until(lambda: pump.store.n_trades == 200)
            await pump.until(lambda: not pump.ingest.past.trouble)
            assert pump.waits == [0.5, 1, 2, 4, 5, 5, 5]
            assert told[2] == "history: no answer, retrying in 2 s   37 trades missing"
            assert [log["event"] for log in logs] == ["history not loaded"] * 7

    asyncio.run(story())


def test_pages_before_an_error_stay_and_the_rest_is_requested():
    async def story() -> None:
        archive = Archive(DAY, page=10)
        archive.failures = [(2, VenueUnreachableError("cut off"))]
        async with Pump(archive) as pump:
            with capture_logs():
                pump.line.say(DAY[:100])
                pump.line.say(DAY[137:200])
                await pump.until(lambda: pump.store.n_trades == 200)
            assert archive.asked == [("between", 101, 137), ("between", 121, 137)]
            pump.assert_shows(DAY[:200])

    asyncio.run(story())


def test_a_chart_never_covers_trades_it_does_not_show_yet(monkeypatch: pytest.MonkeyPatch):
    """Else a profile would leave out the candles of their time, and have neither."""
    monkeypatch.setattr(ingest_module, "_SMALL", 0)
    claimed: list[bool] = []

    async def story() -> None:
        async with Pump(Archive(DAY), hours=1) as pump:
            rebuild, live = pump.ingest._rebuild, iter(range(7910, 8000))

            async def while_live_trades_come(chart: Chart, spec: ChartSpec) -> None:
                place = next(live)
                pump.ingest.receive(DAY[place : place + 1])
                claimed.append(claims(chart) > chart.series.n_trades)
                await rebuild(chart, spec)

            pump.ingest._rebuild = while_live_trades_come  # type: ignore[method-assign]
            pump.line.say(DAY[7900:7910])
            await pump.until(lambda: pump.ingest.past.asked_from_ns == pump.chart.wanted.start_ns)
            await pump.until(lambda: claims(pump.chart) == pump.chart.series.n_trades)

    def claims(chart: Chart) -> int:
        return sum(stretch.last_id - stretch.first_id + 1 for stretch in chart.covered)

    asyncio.run(story())
    assert claimed and not any(claimed)


def test_a_busy_venue_is_retried_after_the_time_it_requests():
    """A6: the past, busy."""

    async def story() -> None:
        archive = Archive(DAY)
        archive.failures = [(0, VenueBusyError("too many requests", retry_after_s=61))]
        async with Pump(archive, hours=1) as pump:
            with capture_logs():
                pump.line.say(DAY[7900:])
                await pump.until(lambda: pump.ingest.past.asked_from_ns == pump.chart.wanted.start_ns)
            assert pump.waits == [61]

    asyncio.run(story())


def test_live_trades_continue_after_a_venue_refuses_history():
    async def story() -> None:
        archive = Archive(DAY)
        archive.failures = [(0, VenueRefusedError("not served in your country"))]
        async with Pump(archive, hours=1) as pump:
            with capture_logs():
                pump.line.say(DAY[7000:7100])
                await pump.until(lambda: pump.ingest.past.trouble)
            pump.line.say(DAY[7200:7300])
            await pump.until(lambda: pump.store.n_trades == 200)
            assert pump.ingest.notice == "history: not served in your country   100 trades missing"
            assert len(archive.asked) == 1

    asyncio.run(story())


def test_live_trades_continue_after_an_internal_history_error():
    async def story() -> None:
        archive = Archive(DAY)
        archive.failures = [(0, ZeroDivisionError("oops"))]
        async with Pump(archive, hours=1) as pump:
            with capture_logs() as logs:
                pump.line.say(DAY[7000:7100])
                await pump.until(lambda: pump.ingest.past.trouble)
            pump.line.say(DAY[7100:7300])
            await pump.until(lambda: pump.store.n_trades == 300)
            assert pump.ingest.past.trouble == "history: stopped by an internal error, see the log"
            assert [log["error"] for log in logs] == ["ZeroDivisionError('oops')"]
            pump.assert_shows(DAY[7000:7300])

    asyncio.run(story())


def test_gaps_stay_and_live_trades_continue_without_a_history():
    async def story() -> None:
        async with Pump(None, hours=3) as pump:
            pump.line.say(DAY[:100])
            pump.line.say(DAY[110:200])
            await pump.until(lambda: pump.store.last_id == 200)
            assert pump.ingest.notice == "10 trades missing"
            assert [hole.missing for hole in pump.chart.holes] == [10]

    asyncio.run(story())


def test_history_loads_even_without_a_live_trade():
    async def story() -> None:
        async with Pump(Archive(DAY), hours=2) as pump:
            await pump.until(lambda: pump.ingest.past.asked_from_ns == pump.chart.wanted.start_ns)
            pump.assert_shows(DAY[DAY.time_ns >= pump.chart.wanted.start_ns])

    asyncio.run(story())


def test_trades_are_collected_without_a_chart():
    async def story() -> None:
        store, line = TradeStore(), Line()
        ingest = Ingest(line, Archive(DAY), store, [], history_ns=2 * HOUR_NS, wall_ns=lambda: int(DAY.time_ns[-1]))
        running = asyncio.create_task(ingest.run())
        await asyncio.sleep(0)
        line.say(DAY[7990:])
        await asyncio.sleep(0.001)
        while ingest.progress is not None:
            await asyncio.sleep(0.001)
        start_ns = (int(DAY.time_ns[-1]) - 2 * HOUR_NS) // HOUR_NS * HOUR_NS
        assert store.trades().trade_id.tolist() == DAY[DAY.time_ns >= start_ns].trade_id.tolist()
        await line.aclose()
        await asyncio.wait_for(running, 5)

    asyncio.run(story())


def test_more_history_loads_when_a_chart_requests_it():
    async def story() -> None:
        async with Pump(Archive(DAY), hours=1) as pump:
            await pump.until(lambda: pump.ingest.past.asked_from_ns == pump.chart.wanted.start_ns)
            pump.chart.wanted = replace(pump.chart.wanted, start_ns=int(DAY.time_ns[0]))
            await pump.until(lambda: pump.store.n_trades == len(DAY))
            pump.assert_shows(DAY)

    asyncio.run(story())


def test_no_more_history_is_fetched_when_memory_is_full(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("app.storage.trade_store._CHUNK", 64)

    async def story() -> None:
        archive = Archive(DAY)
        async with Pump(archive, hours=5, limit=1000) as pump:
            pump.line.say(DAY[7900:])
            await pump.until(lambda: pump.store.forgotten)
            await asyncio.sleep(0.05)
            asked = len(archive.asked)
            await asyncio.sleep(0.05)
            assert len(archive.asked) == asked
            assert "trades (memory limit)" in pump.ingest.notice and "dropped the oldest " in pump.ingest.notice
            assert pump.store.n_trades <= 1000
            assert pump.store.last_id == 8000

    asyncio.run(story())


@pytest.mark.usefixtures("everything_is_much")
def test_trades_that_arrive_during_a_rebuild_are_shown_once(monkeypatch: pytest.MonkeyPatch):
    async def story() -> None:
        pump = Pump(None)
        arriving = [DAY[200:260], DAY[300:400], DAY[240:310]]  # in order, ahead, late
        loop = asyncio.get_running_loop()

        def build_slowly(batches: list[TradeBatch], chart_spec: ChartSpec) -> object:
            while arriving:
                asyncio.run_coroutine_threadsafe(receive(arriving.pop(0)), loop).result()
            return build_series(batches, chart_spec)

        async def receive(batch: TradeBatch) -> None:
            pump.ingest.receive(batch)

        monkeypatch.setattr(ingest_module, "build_series", build_slowly)
        pump.ingest.receive(DAY[:200])
        wanted = ChartSpec(MARKET, BarRule(15 * SECOND_NS), 2)
        await pump.ingest.change_spec(pump.chart, wanted)
        assert pump.chart.spec == wanted
        assert pump.chart.generation == 1
        pump.assert_shows(DAY[:400])

    asyncio.run(story())


def test_other_bars_or_rows_are_built_from_the_store():
    async def story() -> None:
        async with Pump(None) as pump:
            pump.line.say(DAY[:3000])
            await pump.until(lambda: pump.store.n_trades)
            for bar_s, rows in ((300, 1), (300, 7), (15, 2)):
                await pump.ingest.change_spec(pump.chart, spec(bar_s, rows))
                pump.assert_shows(DAY[:3000])
            pump.line.say(DAY[3000:3100])
            await pump.until(lambda: pump.store.last_id == 3100)
            pump.assert_shows(DAY[:3100])

    asyncio.run(story())


def test_rows_too_fine_leave_the_chart_unchanged():
    async def story() -> None:
        pump = Pump(None)
        pump.chart = Chart(spec(ticks_per_row=1000))
        pump.ingest.charts = [pump.chart]
        pump.ingest.receive(TradeBatch.of([START_NS, START_NS], [1, 10_000_000], [1, 1], [1, 1], [1, 2]))
        with pytest.raises(GridTooFineError):
            await pump.ingest.change_spec(pump.chart, spec())
        pump.ingest.receive(TradeBatch.of([START_NS], [5], [1], [1], [3]))
        assert pump.chart.spec.ticks_per_row == 1000
        assert pump.chart.series.n_trades == 3

    asyncio.run(story())


def test_the_pump_ends_with_its_feed():
    async def story() -> None:
        async with Pump(Archive(DAY), hours=1) as pump:
            pump.line.say(DAY[7990:])
            await pump.line.aclose()
            await asyncio.wait_for(pump.running, 5)

    asyncio.run(story())


def test_a_feed_error_ends_the_pump_and_all_its_tasks():
    class Broken(Line):
        async def batches(self) -> AsyncIterator[TradeBatch]:
            await asyncio.sleep(0)
            raise FeedError("broken")
            yield DAY

    async def story() -> None:
        pump = Pump(Archive(DAY), hours=1)
        pump.ingest.feed = Broken()
        with pytest.raises(FeedError):
            await pump.ingest.run()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())
