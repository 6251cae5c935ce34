"""Broken lines of a venue that does not number its trades: whatever is missing is owned up to, and nothing comes twice."""

from __future__ import annotations

import asyncio
import random
from contextlib import aclosing

import pytest
from structlog.testing import LogCapture

from app.errors import VenueUnreachableError
from app.market.trade import TradeBatch
from feeds.venues.live_feed import LiveFeed, StreamSpec
from tests.feeds.lines import Line, run, until, venue
from tests.feeds.venues.test_live_feed import CALM, GREETING, UNNUMBERED, PlainDecoder, trades

STEPS = 400


class Tape:
    """A market that goes on by steps of its own: a venue streams it to whoever listens and remembers the newest trades."""

    def __init__(self, chance: random.Random, page: int) -> None:
        self.chance, self.page = chance, page
        self.now = 100  # trade n happens at time n
        self.failing = 0.0
        self.over = False

    async def step(self) -> None:
        self.now += self.chance.randrange(4)
        await asyncio.sleep(0.002)

    async def recent(self) -> TradeBatch:
        await asyncio.sleep(0.001 * self.chance.random())
        if self.chance.random() < self.failing:
            raise VenueUnreachableError("down")
        return trades(*range(self.now - self.page + 1, self.now + 1))

    async def aclose(self) -> None:
        """Nothing to close."""

    async def talk(self, line: Line) -> None:
        """Trades from the moment of the subscription on, in messages of one or several; then the line breaks."""
        await line.socket.recv()
        sent, until_step = self.now, self.now + self.chance.randrange(5, 120)
        await line.tell("yes")
        while sent < until_step and not self.over:
            await asyncio.sleep(0.001)
            if self.now > sent:
                await line.tell(" ".join(map(str, range(sent + 1, self.now + 1))))
                sent = self.now
        if self.chance.random() < 0.5:
            line.reset()
        else:
            await line.socket.close()


@pytest.mark.parametrize("page", [3, 30, 300], ids=lambda page: f"page of {page}")
@pytest.mark.parametrize("seed", range(4))
def test_every_trade_comes_once_or_is_in_a_gap(seed: int, page: int, logged: LogCapture) -> None:
    told: list[int] = []

    async def read(feed: LiveFeed) -> None:
        async with aclosing(feed.batches()) as batches:
            async for batch in batches:
                told.extend(batch.time_ns.tolist())
                if random.Random(len(told)).random() < 0.1:
                    await asyncio.sleep(0.03)  # a reader that is late, so that lines end and begin meanwhile

    async def story() -> None:
        tape = Tape(random.Random(seed), page)
        tape.failing = 0.2 if seed % 2 else 0.0
        async with venue(tape.talk) as there:
            feed = LiveFeed(UNNUMBERED, StreamSpec(there.url, PlainDecoder(), GREETING), tape, CALM)
            reading = asyncio.create_task(read(feed))
            await until(lambda: feed.status.connects == 1)
            for _ in range(STEPS):
                await tape.step()
            tape.over = True
            reading.cancel()
            await asyncio.wait([reading])
            gaps = feed.status.gaps
            missing = set(range(min(told), max(told))) - set(told)
            assert all(any(time in gap for gap in gaps) for time in missing), "what is missing is owned up to"
            assert len(told) == len(set(told)), "nothing comes twice"
            assert feed.status.connects > 3
            for gap in gaps:
                assert not [time for time in told if gap.start_ns < time < gap.end_ns], "a gap holds nothing that was told"
            if page == 300 and not seed % 2:
                assert missing == set() and gaps == ()
            if page == 3:
                assert missing, "the test would see it"

    run(story())
