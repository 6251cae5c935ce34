"""B1: the collector is killed at random moments; what it had kept is there, and the next start fetches what it missed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.collector import Collector, assert_kept_whole, kept_count
from tests.faults.desk import run
from tests.faults.elsewhere import VenueElsewhere

KILLS = 4


@pytest.mark.timeout(180)
def test_a_collector_that_is_killed_again_and_again_keeps_every_trade_once(tmp_path: Path):
    """B1: SIGKILL four times, at 2,000 trades a second."""
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)

    async def story() -> None:
        async with VenueElsewhere(rate=2000, history_hours=0.02) as venue:
            kept = 0
            for _ in range(KILLS):
                async with Collector(tmp_path, venue) as collector:
                    await collector.until_kept(kept + chance.randrange(1, 3000))
                    await collector.kill()
                assert kept_count(tmp_path) >= kept
                kept = kept_count(tmp_path)
            async with Collector(tmp_path, venue) as collector:
                await collector.until_whole(kept + 5000)
            assert collector.process.returncode == 0
            assert "LIVE" in collector.said and "missing" not in collector.said
            assert await assert_kept_whole(tmp_path, venue) > kept

    run(story(), 150)
