"""The chaos run: everything that can fail happens to one store, step by step, with kills of commands between the steps."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import numpy as np

from tests.faults.chaos import MARKET, Chaos, Checked
from tests.faults.collector import kept_count
from tests.faults.killing_disk import KillableCommand
from tests.venue_emulator.scripted_tape import UNIT


async def chaos_run(
    folder: Path, seed: int, *, outage: int, kills: int, steps: int = 8, tell: Callable[[str], object] = lambda _text: None
) -> dict[str, object]:
    """Everything that can fail, one after another and with kills in between; return the numbers of it.

    Parameters
    ----------
    folder : Path
        For the store and the files.
    seed : int
    outage : int
        Number of trades of which the collector receives none.
    kills : int
        Number of kills, spread among all steps.
    steps : int
        Number of steps; the last two damage day files and move the store.
    tell : callable
        Gets a line after each step.
    """
    async with Chaos(folder, seed, 6_000) as chaos:
        most_owed = 0
        taken = (_outage, _finer_tick, _coarser_tick, _ids_reset, _full_disk, _pulled_drive, _damaged_days, _moved_store)[:steps]
        await chaos.run(*chaos.arguments("import"))
        for place, step in enumerate(taken):
            await step(chaos, outage)
            found = await chaos.check_by_command()
            most_owed = max(most_owed, len(found.missing))
            tell(
                f"{step.__name__.strip('_')}: {len(found.stored):,} trades stored, {len(found.missing):,} missing, {found.listed:,} listed"
            )
            await _kills(chaos, kills * (place + 1) // len(taken))
            tell(f"{sum(chaos.kills.values())} kills, {chaos.checks} checks")
        chaos.come_back()
        for _ in range(3):
            code, said = await chaos.run("verify", MARKET, "--repair")
            if code == 0:
                break
        found = await chaos.check_by_command()
        assert code == 0 and not len(found.missing), said
        await _exported(chaos, found)
        row: dict[str, object] = {"seed": seed, "trades": len(found.stored), "owed at most": most_owed}
        row |= {"kills": sum(chaos.kills.values()), **{f"of {name}": n for name, n in chaos.kills.items()}}
        return row | {"checks": chaos.checks, "lost": len(found.missing), "doubled": 0}


async def _kills(chaos: Chaos, until: int) -> None:
    """Kill commands, until there have been so many kills; check after each."""
    while sum(chaos.kills.values()) < until:
        least = min(chaos.kills.values())
        await chaos.killed(chaos.random.choice([name for name, n in chaos.kills.items() if n <= least]))
        try:
            chaos.check()
        except AssertionError as error:
            raise AssertionError(f"{error}\nafter {chaos.said}") from None


async def _collecting(chaos: Chaos) -> KillableCommand:
    """A collector that has recorded something new."""
    before = _recorded(chaos)
    process = chaos.start("collect", MARKET)
    for _ in range(600):
        await chaos.trade(20)
        await asyncio.sleep(0.05)
        if _recorded(chaos) > before:
            return process
        assert process.exit_code is None, process.said
    raise AssertionError(f"nothing recorded: {process.said}")


def _recorded(chaos: Chaos) -> int:
    return kept_count(chaos.store)


async def _end(chaos: Chaos, process: KillableCommand, code: int = 0) -> None:
    process.terminate()
    assert await chaos.ended(process, 30.0) and process.exit_code == code, process.said
    chaos.check()


async def _outage(chaos: Chaos, outage: int) -> None:
    """D5: more trades than memory holds pass by, while REST is down and stays down after the restart."""
    process = await _collecting(chaos)
    chaos.go_down()
    await chaos.trade(outage)
    process.kill()
    chaos.come_back()
    chaos.go_down(sockets=False)
    market = chaos.venue.faults.rest  # the list of symbols is served, the trades are not
    chaos.venue.faults.rest = None
    process = chaos.start("collect", MARKET)
    while not chaos.venue.connections:
        await asyncio.sleep(0.01)
        assert process.exit_code is None, process.said
    chaos.venue.faults.rest = market
    before = _recorded(chaos)
    while _recorded(chaos) <= before:
        await chaos.trade(50)
        await asyncio.sleep(0.05)
    await chaos.trade(outage // 2)  # now its memory has moved past the gap
    await asyncio.sleep(0.5)
    found = chaos.check()
    assert len(found.missing) >= outage * 0.9, f"{len(found.missing)} missing"
    assert found.listed == len(found.missing), "all listed by their ids"
    process.kill()
    chaos.come_back()


async def _finer_tick(chaos: Chaos, outage: int) -> None:
    """D2: the tick becomes finer while connected, and some more trades pass by unseen."""
    process = await _collecting(chaos)
    chaos.tape.change_tick(Decimal("0.001"))
    for _ in range(10):
        await chaos.trade(40)
        await asyncio.sleep(0.05)
    process.kill()
    await chaos.trade(outage // 10)


async def _coarser_tick(chaos: Chaos, outage: int) -> None:
    """D2: the tick becomes coarser again before what passed by on the finer one is fetched."""
    chaos.tape.change_tick(Decimal("0.1"))
    await chaos.trade(outage // 10)
    process = await _collecting(chaos)
    await chaos.complete()
    await _end(chaos, process)


async def _ids_reset(chaos: Chaos, outage: int) -> None:
    """D10: ids start again while the collector is away, and once more while it is connected."""
    await chaos.trade(outage // 10)
    chaos.tape.start_ids_again(1)
    await chaos.trade(max(2_000, outage // 10))  # ids that fall by less than a thousand within seconds are late ones
    process = await _collecting(chaos)
    await chaos.complete()
    chaos.tape.start_ids_again(1)
    for _ in range(10):
        await chaos.trade(150)
        await asyncio.sleep(0.05)
    await chaos.complete()
    await _end(chaos, process)


async def _damaged_days(chaos: Chaos, outage: int) -> None:
    """D6: day files are damaged under a collector; what they had is owed as long as the venue does not serve it, then fetched."""
    process = await _collecting(chaos)
    hurt = chaos.hurt_days(2)
    for _ in range(10):
        await chaos.trade(50)
        await asyncio.sleep(0.05)
    await _end(chaos, process)
    found = await chaos.check_by_command()
    assert hurt and all(any(path.name in line for line in found.lines) for path in hurt if path.exists()), found.lines
    chaos.go_down(sockets=False)
    await chaos.run("verify", MARKET, "--repair")
    found = await chaos.check_by_command()
    assert len(found.missing) and found.listed == len(found.missing), found.lines
    chaos.come_back()
    chaos.hurt_days(1)  # for the commands that are killed next


async def _full_disk(chaos: Chaos, outage: int) -> None:
    """D4, D11: no file may grow during a collection, an import and an export; then there is room again."""
    process = await _collecting(chaos)
    _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1_000, most))
    for _ in range(30):
        await chaos.trade(50)
        await asyncio.sleep(0.05)
    chaos.check()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
    await chaos.complete()
    await _end(chaos, process)
    for command in ("import", "export"):
        before = chaos.check()
        process = chaos.start(*chaos.arguments(command), largest=3_000)
        assert await chaos.ended(process) and process.exit_code and "Traceback" not in process.said, process.said
        assert np.array_equal(chaos.check().stored, before.stored), "all of it or nothing"


async def _pulled_drive(chaos: Chaos, outage: int) -> None:
    """D4: the drive goes away under the collector, which leaves the empty mount point as it is, and comes back."""
    process = await _collecting(chaos)
    chaos.pull_drive()
    for _ in range(60):
        await chaos.trade(50)
        await asyncio.sleep(0.05)
    assert process.exit_code is None and not chaos.store.exists(), process.said
    chaos.plug_drive()
    chaos.check()
    await chaos.complete()
    await _end(chaos, process)


async def _moved_store(chaos: Chaos, outage: int) -> None:
    """D4: the folder of the store is renamed for moments, under a collector and under imports, and swapped back."""
    aside = chaos.store.with_name("aside")
    process = await _collecting(chaos)
    for turn in range(6):
        other = chaos.start(*chaos.arguments("import")) if turn % 3 == 2 else None
        await chaos.trade(200)
        await asyncio.sleep(0.3 * chaos.random.random())
        chaos.store.rename(aside)
        await asyncio.sleep(0.03 * chaos.random.random() if turn % 4 else 0.8)
        if chaos.store.exists():  # what a program has put in its place
            chaos.store.rename(aside.with_name(f"displaced-{turn}"))
        aside.rename(chaos.store)
        assert process.exit_code is None, process.said
        if other is not None:
            assert await chaos.ended(other) and "Traceback" not in other.said, other.said
        chaos.check()
    await chaos.complete()
    await _end(chaos, process)


async def _exported(chaos: Chaos, found: Checked) -> None:
    """An export has exactly the stored trades, with the venue's ids."""
    path = chaos.store.parent.with_name("all.csv")
    code, said = await chaos.run("export", MARKET, "--out", str(path))
    assert code == 0, said
    rows = [line.split(",") for line in path.read_text().splitlines()[1:]]
    truth = chaos.venue.trades()[found.stored]
    assert [int(row[4]) for row in rows] == truth.trade_id.tolist()
    assert [int(row[0]) for row in rows] == truth.time_ns.tolist()
    assert all(Decimal(row[1]) == ticks * UNIT for row, ticks in zip(rows, truth.price_ticks.tolist(), strict=True))
