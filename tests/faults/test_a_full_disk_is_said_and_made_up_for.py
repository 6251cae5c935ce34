"""B3: a disk without room: charts and the collector go on, say so, and make up for it once there is room."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.faults.collector import Collector, assert_kept_whole, kept_count
from tests.faults.desk import run
from tests.faults.elsewhere import VenueElsewhere

resource = pytest.importorskip("resource", reason="the room is taken away by a limit of Unix")
ROOM = 120_000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process change another's limits")
@pytest.mark.timeout(120)
def test_a_collector_without_room_goes_on_and_keeps_everything_once_there_is_room(tmp_path: Path):
    """B3: no file may grow any more, for some seconds."""

    async def story() -> None:
        async with VenueElsewhere(rate=1500, history_hours=0.02) as venue:
            async with Collector(tmp_path, venue) as collector:
                await collector.until_kept(500)
                _, hard = resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, (ROOM, hard))
                kept = -1
                async with asyncio.timeout(20):
                    while kept != (kept := kept_count(tmp_path)):  # until nothing more is written
                        await asyncio.sleep(1.5)
                assert collector.process.returncode is None
                resource.prlimit(collector.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
                await collector.until_whole(kept + 4000)
            assert collector.process.returncode == 0
            assert "trades not recorded" in collector.said
            assert await assert_kept_whole(tmp_path, venue) > kept + 4000

    run(story(), 100)
