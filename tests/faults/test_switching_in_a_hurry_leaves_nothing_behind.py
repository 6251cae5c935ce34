"""Symbols and bars switched while trades fill in and lines break: the last wish is shown, and nothing else is alive."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import LogCapture

from tests.fault_proxy import replayable
from tests.faults.desk import run
from tests.faults.walk import Walk, three_markets


@pytest.mark.parametrize("seed", [1, 2])
def test_a_walk_of_switches_and_faults_leaves_one_socket_open_and_then_none(seed: int, logged: LogCapture, record_property) -> None:
    """A11, A4: 200 steps; what is shown at each rest is whole and of the symbol asked for last."""

    async def story() -> None:
        async with three_markets() as venue:
            walk = Walk(venue, seed)
            await walk.run(200)
            assert walk.looks == 4 and walk.most_sockets == 1
            assert walk.most_tasks <= 12 and walk.most_files <= 8
            record_property("steps", sum(walk.steps.values()))
            record_property("sockets at rest", walk.most_sockets)
            record_property("tasks at rest", walk.most_tasks)
            record_property("tasks and sockets left at the end", len(asyncio.all_tasks()) - walk._tasks_before)

    with replayable(seed):
        run(story())
