"""One market at a time: opened, changed and closed, with plain asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
from structlog.testing import LogCapture

from app.alerts.alert_store import AlertStore
from app.chart.chart import Chart
from app.errors import BadInputError, VenueBusyError, VenueRefusedError, VenueUnreachableError
from app.market.bar_rule import parse_bar_rule
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument
from app.market.market import Market
from app.market.span import Span
from app.market.trade import TradeBatch
from app.profiles.profile_store import ProfileStore
from app.settings.calculation import CalculationSettings, ValueAreaSettings
from app.storage.recording_status import OFF, RECORDING
from app.storage.shared_store import SharedStore
from app.workspace import ChartChoice, Workspace
from tests.app.ingest.pumps import Archive

INSTRUMENT = Instrument("test", "BTC", Decimal("0.1"), Decimal("0.001"))
START_NS = 1_700_000_040 * 10**9


@dataclass
class Feed:
    """A feed that yields the given pages, then waits until it is closed."""

    pages: list[TradeBatch] = field(default_factory=list)
    instrument: Instrument = INSTRUMENT
    status: FeedStatus = field(default_factory=lambda: FeedStatus(FeedState.LIVE))
    closed: bool = False
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    async def batches(self) -> AsyncIterator[TradeBatch]:
        for page in self.pages:
            yield page
        await self._bell.wait()

    async def aclose(self) -> None:
        self.closed = True
        self._bell.set()


def trades(n: int = 100) -> TradeBatch:
    at = np.arange(n)
    return TradeBatch.of(START_NS + at * 10**9, 640_000 + at % 7, 1 + at % 3, np.where(at % 2, 1, -1), at)


def market(feed: Feed) -> Market:
    return Market(feed.instrument, feed, None, 0, usual_price_ticks=640_000)


def workspace(open_market: Callable[[str], Awaitable[Market]], waits: list[float] | None = None) -> Workspace:
    async def no_wait(seconds: float) -> None:
        if waits is not None:
            waits.append(seconds)
        await asyncio.sleep(0)

    return Workspace(open_market, ChartChoice(parse_bar_rule("1m")), wall_s=lambda: 100.0, sleep=no_wait)


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


def others() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


class NoRecentTrades(Archive):
    """A venue that answers with an empty page."""

    async def since(self, start_ns: int, before_id: int | None = None) -> AsyncIterator[TradeBatch]:
        yield TradeBatch.empty()


def test_a_market_without_recent_trades_gets_a_row_size_for_its_usual_price() -> None:
    async def story() -> None:
        feed = Feed([])

        async def opener(_: str) -> Market:
            return Market(feed.instrument, feed, NoRecentTrades(trades()), 0, usual_price_ticks=640_000)

        desk = workspace(opener)
        desk.open("test:BTC")
        await until(lambda: desk.chart is not None)
        assert desk.chart is not None and desk.chart.spec.ticks_per_row == 50
        await desk.aclose()

    asyncio.run(story())


def test_an_opened_market_gets_a_row_size_for_its_price() -> None:
    async def story() -> None:
        feed = Feed([trades()])

        async def opener(_: str) -> Market:
            return market(feed)

        desk = workspace(opener)
        desk.open("test:BTC")
        assert desk.chart is None and desk.status.state is FeedState.CONNECTING
        await until(lambda: desk.chart is not None and desk.chart.series.n_trades == 100)
        assert desk.chart is not None and desk.chart.spec.ticks_per_row == 50
        assert desk.status is feed.status
        await desk.aclose()
        assert feed.closed and not others()

    asyncio.run(story())


def test_an_unreachable_venue_is_retried_with_growing_pauses(logged: LogCapture) -> None:
    async def story() -> None:
        feed, waits = Feed([trades()]), list[float]()
        failures = [VenueUnreachableError("host refuses connections")] * 7
        failures.insert(2, VenueBusyError("slow down", retry_after_s=77.0))
        seen = []

        async def opener(_: str) -> Market:
            seen.append(desk.status)
            if failures:
                raise failures.pop(0)
            return market(feed)

        desk = workspace(opener, waits)
        desk.open("test:BTC")
        await until(lambda: desk.chart is not None)
        assert waits == [1, 2, 77.0, 8, 16, 30, 30, 30]
        assert seen[1].state is FeedState.DISCONNECTED
        assert (seen[1].reason, seen[1].retry_at_s) == ("host refuses connections", 101.0)
        await desk.aclose()

    asyncio.run(story())
    assert len(logged.entries) == 8


def test_a_refusal_or_an_invalid_market_is_final() -> None:
    async def story() -> None:
        for error in (VenueRefusedError("knows no symbol X"), BadInputError("venue: found 'x'")):

            async def opener(_: str, error: Exception = error) -> Market:
                raise error

            desk = workspace(opener)
            desk.open("test:X")
            await until(lambda desk=desk: desk.status.state is FeedState.STOPPED)
            assert desk.status.reason == str(error)
            await desk.aclose()
            assert not others()

    asyncio.run(story())


def test_opening_markets_quickly_leaves_only_the_last_open() -> None:
    async def story() -> None:
        feeds: list[Feed] = []

        async def opener(_: str) -> Market:
            await asyncio.sleep(0)
            feeds.append(Feed([trades()]))
            return market(feeds[-1])

        desk = workspace(opener)
        for number in range(20):
            desk.open(f"test:{number}")
            for _ in range(number % 5):
                await asyncio.sleep(0)
        await until(lambda: desk.chart is not None and desk.chart.series.n_trades == 100)
        assert desk.instrument_id == "test:19"
        assert [feed.closed for feed in feeds].count(False) == 1 and not feeds[-1].closed
        await desk.aclose()
        assert all(feed.closed for feed in feeds) and not others()

    asyncio.run(story())


def test_changed_bars_and_rows_have_the_same_trades() -> None:
    async def story() -> None:
        async def opener(_: str) -> Market:
            return market(Feed([trades(600)]))

        desk = workspace(opener)
        desk.change(ticks_per_row=7)  # before there is a chart: for the first one
        desk.open("test:BTC")
        await until(lambda: desk.chart is not None and desk.chart.series.n_trades == 600)
        chart = desk.chart
        assert chart is not None and chart.spec.ticks_per_row == 7
        volume = int(chart.series.volume.sum())
        desk.change(bar_rule=parse_bar_rule("5m"), ticks_per_row=2)
        await until(lambda: chart.spec.ticks_per_row == 2)
        assert chart.spec.bar_rule == parse_bar_rule("5m")
        assert chart.series.n_trades == 600 and int(chart.series.volume.sum()) == volume
        await desk.aclose()

    asyncio.run(story())


def test_settings_apply_to_the_open_chart_and_the_next_one() -> None:
    async def story() -> None:
        async def opener(_: str) -> Market:
            return market(Feed([trades()]))

        desk = workspace(opener)
        desk.set_rules(CalculationSettings(value_area=ValueAreaSettings(percent=60)))
        for percent in (60, 80):
            desk.open("test:BTC")
            await until(lambda: desk.chart is not None and desk.chart.series.n_trades == 100)
            assert desk.chart is not None and desk.chart.figures.percent == percent
            desk.set_rules(CalculationSettings(value_area=ValueAreaSettings(percent=80)))
            assert desk.chart.figures.percent == desk.rules.value_area.percent == 80
        await desk.aclose()

    asyncio.run(story())


def test_two_changes_in_a_row_both_apply() -> None:
    async def story() -> None:
        async def opener(_: str) -> Market:
            return market(Feed([trades(600)]))

        desk = workspace(opener)
        desk.open("test:BTC")
        await until(lambda: desk.chart is not None and desk.chart.series.n_trades == 600)
        chart = desk.chart
        assert chart is not None
        desk.change(bar_rule=parse_bar_rule("5m"))
        desk.change(ticks_per_row=2)
        await until(lambda: chart.spec.ticks_per_row == 2)
        assert chart.spec.bar_rule == parse_bar_rule("5m")
        await desk.aclose()

    asyncio.run(story())


def test_a_second_program_reads_what_the_first_one_records(tmp_path: Path):
    first, second = SharedStore(tmp_path), SharedStore(tmp_path)

    async def watching(keeping: SharedStore | None, page: TradeBatch) -> Workspace:
        async def open_market(_: str) -> Market:
            return market(Feed([page]))

        space = Workspace(open_market, ChartChoice(parse_bar_rule("1m")), keep=keeping.of if keeping else None)
        space.open("test:BTC")
        await until(lambda: space.chart is not None and space.chart.series.n_trades)
        return space

    async def story() -> None:
        page = trades(300)
        writing = await watching(first, page[:200])
        assert writing.recording == RECORDING
        await asyncio.to_thread(time.sleep, 0.4)
        reading = await watching(second, page[200:])
        assert reading.recording.text == "test:BTC is being recorded by another program"
        assert reading.ingest is not None and reading.chart is not None
        reading.chart.wanted = Span(START_NS, START_NS + 10**12)
        reading.ingest.past.asked_from_ns = int(page.time_ns[200])
        await until(lambda: reading.chart.series.n_trades == 300)
        plain = await watching(None, page)
        assert plain.recording == OFF
        for space in (writing, reading, plain):
            await space.aclose()
        assert not others()

    asyncio.run(story())
    first.close()
    second.close()


def test_alerts_of_the_open_market_are_added_fired_and_deleted(tmp_path: Path):
    async def story() -> None:
        feed = Feed([trades(10)])
        more = asyncio.Event()

        async def batches() -> AsyncIterator[TradeBatch]:
            yield trades(10)
            await more.wait()
            yield trades(30)[10:]
            await asyncio.Event().wait()

        feed.batches = batches  # type: ignore[method-assign]

        async def open_market(_: str) -> Market:
            return market(feed)

        book = AlertStore(tmp_path / "alerts.json")
        space = Workspace(open_market, ChartChoice(parse_bar_rule("1m")), alerts=book)
        assert space.alerts.add_at(640_005) == "No chart loaded yet"
        space.open("test:BTC")
        await until(lambda: space.chart is not None and space.chart.series.n_trades)
        assert space.chart is not None
        assert space.alerts.add_at(640_004).startswith("Alert at 64000.4")
        assert space.alerts.add_at(700_000).startswith("Alert at 70000.0")
        assert [line.ticks for line in space.chart.alert_lines] == [640_004, 700_000]
        more.set()
        await until(lambda: book.fired_count)
        assert book.unannounced()[0].text == "test:BTC touched 64000.4"
        space.alerts.show()
        assert [line.ticks for line in space.chart.alert_lines] == [700_000]
        assert space.alerts.delete_nearest(1) == "Deleted alert 2: price 70000.0: touch"
        assert space.alerts.delete_nearest(1) == "No price alert to delete"
        await space.aclose()
        assert AlertStore(tmp_path / "alerts.json").reached("test:BTC").time_ns == int(trades(30).time_ns[-1])
        assert (tmp_path / "fired.jsonl").read_text().count("touched 64000.4") == 1

    asyncio.run(story())


def test_profiles_return_when_the_market_is_opened_again(tmp_path: Path, logged: LogCapture) -> None:
    async def opened(desk: Workspace) -> Chart:
        desk.open("test:BTC")
        await until(lambda: desk.chart is not None and desk.chart.series.n_trades == 100)
        assert desk.chart is not None
        return desk.chart

    async def story() -> None:
        async def opener(_: str) -> Market:
            return market(Feed([trades()]))

        def desk() -> Workspace:
            return Workspace(opener, ChartChoice(parse_bar_rule("1m")), profiles=ProfileStore(tmp_path, wall_s=lambda: 5.0))

        first = desk()
        (await opened(first)).anchors.add(START_NS)
        again = await opened(first)
        assert [placed.start_ns for placed in again.anchors.profiles] == [START_NS]
        again.anchors.rename(1, "London open")
        await first.aclose()
        second = desk()
        assert [placed.name for placed in (await opened(second)).anchors.profiles] == ["London open"]
        await second.aclose()
        (tmp_path / "test" / "BTC.json").write_text("{")
        third = desk()
        assert (await opened(third)).anchors.profiles == ()
        assert "renamed to BTC.unread-5.json" in third.notice
        await third.aclose()
        assert not others()

    asyncio.run(story())
    assert [entry["event"] for entry in logged.entries] == ["profiles"]
