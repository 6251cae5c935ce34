"""D4, D5, D10, D11: everything fails in one run, and the store has every trade once, or lists it as missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.faults.chaos import COMMANDS
from tests.faults.chaos_story import chaos_run
from tests.faults.desk import run


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process change another's limits")
@pytest.mark.timeout(320)
def test_outage_reset_ticks_full_disk_pulled_drive_and_kills_lose_nothing(tmp_path: Path, record_property) -> None:
    """D4, D5, D10, D11: the long form, with 800,000 trades, 100 kills, damaged day files and a moved store, is in `soak`."""

    async def story() -> None:
        found = await chaos_run(tmp_path, 1, outage=3_000, kills=5, steps=6)
        for name, value in found.items():
            record_property(name, value)
        assert (found["lost"], found["doubled"], found["kills"]) == (0, 0, 5)
        assert all(found[f"of {name}"] for name in COMMANDS)

    run(story(), 300)
