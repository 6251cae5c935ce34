"""A recording can be opened again and again; speed and pause carry over."""

from __future__ import annotations

import asyncio
import math

import numpy as np
import pytest

from app.chart.chart import build_series
from app.entry.markets import market_opener
from app.entry.player import Player, Recording, ReplayStart
from app.errors import BadInputError
from app.market.feed import FeedState
from app.settings.settings import Settings
from app.workspace import ChartChoice, Workspace
from tests.app.chart.test_chart import MARKET, MINUTE, columns
from tests.builders import SECOND_NS, START_NS, random_trades

TRADES = random_trades(5, 3000)
END_NS = int(TRADES.time_ns[-1])


def player(**start: object) -> Player:
    return Player(Recording(MARKET, TRADES), ReplayStart(**start))  # type: ignore[arg-type]


async def played(market_player: Player, seconds: float = 0.05) -> np.ndarray:
    """Ids of what comes in the first moments after opening."""
    market = market_player.market()
    ids: list[int] = []
    try:
        async with asyncio.timeout(seconds):
            async for batch in market.feed.batches():
                ids += batch.trade_id.tolist()
    except TimeoutError:
        await market.feed.aclose()
    return np.array(ids)


def test_a_paused_replay_opens_with_its_first_trade():
    assert asyncio.run(played(player(paused=True))).tolist() == TRADES.trade_id[TRADES.time_ns == TRADES.time_ns[0]].tolist()


def test_a_replay_opened_again_starts_at_the_first_trade():
    one = player(speed=math.inf)
    assert len(asyncio.run(played(one))) == len(asyncio.run(played(one))) == 3000


def test_a_jump_back_sets_the_start_of_the_next_opening():
    one = player(paused=True)
    one.jump(END_NS)
    asyncio.run(played(one))
    one.jump(END_NS)
    middle = START_NS + 300 * SECOND_NS
    assert one.now_ns == END_NS
    assert not one.jump(middle)
    assert asyncio.run(played(one)).tolist() == TRADES.trade_id[TRADES.time_ns <= middle].tolist()
    assert one.now_ns == middle
    assert len(asyncio.run(played(one))) < 10, "the wish was for one opening"


def test_a_jump_ahead_plays_on_without_reopening():
    one = player(paused=True)
    assert one.jump(END_NS)
    assert one.now_ns == END_NS


def test_speed_and_pause_carry_over_when_reopened():
    one = player()
    one.speed = 20.0
    one.pause()
    one.market()
    assert (one.speed, one.paused) == (20.0, True)
    one.resume()
    one.market()
    assert (one.paused, one.ended) == (False, False)


def test_the_workspace_shows_a_complete_replay():
    async def story() -> None:
        one = player(speed=math.inf)
        workspace = Workspace(market_opener(Settings(), player=one), ChartChoice(MINUTE, 1))
        workspace.open(one.instrument_id)
        async with asyncio.timeout(5):
            while not one.ended:
                await asyncio.sleep(0.005)
        assert workspace.chart is not None
        assert columns(workspace.chart.series) == columns(build_series([TRADES], workspace.chart.spec))
        assert workspace.status.state is FeedState.REPLAY
        assert workspace.status.reason == "end of recording"
        await workspace.aclose()

    asyncio.run(story())


def test_an_unknown_replay_raises_an_error():
    with pytest.raises(BadInputError, match="replay:OTHER is not the open replay"):
        asyncio.run(market_opener(Settings(), player=player())("replay:OTHER"))
