"""Delta is worth nothing if buyers are taken for sellers: sides end to end, and a warning where a tape tells only one."""

from __future__ import annotations

import asyncio

import pytest

from app.analytics.delta import bar_delta
from app.market.feed import FeedState
from tests.faults.desk import desk, live_venue, run
from tests.venue_emulator import Market


@pytest.mark.parametrize("market", Market)
def test_delta_of_every_bar_is_what_was_bought_less_what_was_sold(market: Market, record_property) -> None:
    """A9: the tape's own sums of aggressive buys and sells, by bar, live and of the past."""

    async def story() -> None:
        async with live_venue(market=market) as venue, desk(venue) as there:
            venue.faults.skip = 0.01
            await there.until(lambda: there.store.n_trades > 1_500)
            venue.faults.clear()
            await there.caught_up(venue)
            there.hold_against(venue)
            series, totals = there.chart.series, venue.totals(first_id=there.store.first_id, last_id=there.store.last_id)
            assert int(bar_delta(series).sum()) == totals.buy_lots - totals.sell_lots != 0
            record_property("delta, lots", int(bar_delta(series).sum()))
            record_property("bought less sold at the venue, lots", totals.buy_lots - totals.sell_lots)

    run(story())


def test_a_venue_that_calls_every_trade_a_sale_is_warned_of_while_it_does(record_property) -> None:
    """A9: m: true whoever was aggressive, for more than 5,000 trades; the line is good, the sides are not."""

    async def story() -> None:
        async with live_venue() as venue, desk(venue) as there:
            await there.until(lambda: there.well)
            assert there.status.reason == ""
            venue.faults.constant_side = True
            before = there.status.trades
            while "the venue may report sides incorrectly" not in there.status.reason:
                await venue.emit(200)
                await asyncio.sleep(0.02)
            record_property("trades until the warning", there.status.trades - before)
            assert there.status.trades - before < 15_000 and there.status.state is FeedState.LIVE
            venue.faults.clear()

    run(story())
