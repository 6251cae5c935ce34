"""Random network faults, as a list that the same seed repeats."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.fault_proxy.proxy import FaultProxy
from tests.fault_proxy.toxics import Bandwidth, BlackHole, Corrupt, Latency, LimitData, Slicer, SlowClose, Toxic


@dataclass(frozen=True, slots=True)
class Step:
    """One fault, `at_s` seconds after the start for `for_s` seconds; without a toxic all connections are reset."""

    at_s: float
    for_s: float
    toxic: Toxic | None


def random_plan(seed: int, n: int, span_s: float, *, longest_s: float = 0.3, corrupt: bool = True) -> list[Step]:
    """`n` faults in the order of their times, spread over `span_s` seconds, each `longest_s` long at most.

    Without `corrupt` bytes arrive unchanged or not at all, so that no data may be lost even without encryption.
    """
    chance = random.Random(seed)
    starts = sorted(chance.uniform(0.0, span_s) for _ in range(n))
    return [Step(start, chance.uniform(0.1, 1.0) * longest_s, _toxic(chance, corrupt)) for start in starts]


def _toxic(chance: random.Random, corrupt: bool) -> Toxic | None:
    kinds: tuple[Callable[[], Toxic | None], ...] = (
        lambda: None,
        lambda: Latency(chance.uniform(0.005, 0.1), 0.005),
        lambda: Bandwidth(chance.uniform(1e4, 1e6)),
        lambda: BlackHole(),
        lambda: Slicer(chance.randrange(1, 200)),
        lambda: LimitData(chance.randrange(1, 100_000)),
        lambda: SlowClose(chance.uniform(0.01, 0.2)),
        lambda: Corrupt(10 ** chance.uniform(-6, -3)),
    )
    return chance.choice(kinds if corrupt else kinds[:-1])()


async def play(proxy: FaultProxy, plan: Sequence[Step]) -> None:
    """Apply the steps of a plan to the direction to the client, overlapping ones together; return when all are over."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()

    async def happen(step: Step) -> None:
        await asyncio.sleep(max(0.0, begun_s + step.at_s - loop.time()))
        if step.toxic is None:
            proxy.reset()
            return
        toxic = step.toxic
        proxy.down = [*proxy.down, toxic]
        try:
            await asyncio.sleep(step.for_s)
        finally:
            proxy.down = [other for other in proxy.down if other is not toxic]

    async with asyncio.TaskGroup() as steps:
        for step in plan:
            steps.create_task(happen(step))


@contextmanager
def replayable(seed: int, *what: object) -> Iterator[None]:
    """Add the seed that repeats the failure to an exception raised in the block."""
    try:
        yield
    except Exception as error:
        error.add_note(f"to have it again: seed {seed}" + "".join(f"\n  {each}" for each in what))
        raise
