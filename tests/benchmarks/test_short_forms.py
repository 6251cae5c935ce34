"""Every benchmark in a short form: one that is not run does not notice when it no longer fits the program.

The sizes are small and the limits on times are lifted; what a benchmark checks besides is checked here too.
"""

from __future__ import annotations

import importlib
import inspect
import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
SHORT: dict[str, dict[str, object]] = {
    "bench_alerts": {"_HOURS": 1, "_TRADES": 600, "_BATCHES": 2, "_ALERTS": 40, "_MOST_US": math.inf},
    "bench_as_of": {"_HOVERS": 3, "_PANS": 2, "_PER_BAR": 4},
    "bench_cells": {"SIZES": {"quiet": 2_000, "busy": 2_000, "crash": 2_000}, "HOUR_TRADES": 600, "MONTH_TRADES": 2_400, "BATCHES": 2},
    "bench_feed": {"SECONDS": 0.3},
    "bench_frames": {"WANTED": {}, "NAIVE_FRAMES": 1, "FRAMES": 3},
    "bench_import": {"ROWS": 2_000},
    "bench_long_history": {"_DAYS": 12, "_PER_MINUTE": 1, "_MEMORY_TRADES": 8_000, "_MONTH_DAYS": 3, "_ANCHOR_DAYS": 7, "_LIVE": 2},
    "bench_many_charts": {"FRAMES": 8, "WARM_UP": 6, "QUIET_S": 0.5, "MOST_IDLE": math.inf, "MOST_OF_ONE": math.inf},
    "bench_overlays": {"_FRAMES": 2, "_BAR_FRAMES": 2, "_WARM_UP": 1, "_PER_BAR": 4, "_HOUR": 30, "_MONTH": 200},
    "bench_profiles": {"DAYS": 2, "PER_MINUTE": 2, "DRAGS": 3},
    "bench_start": {"TURNS": 1, "MOST": math.inf, "MOST_VERSION": math.inf},
}
"""The constants of each benchmark that differ."""
OWN_PROCESS = {"bench_feed"}
"""These run in a process of their own, as a program would: their connections end with it."""
LONG = {("bench_as_of", "minutes"): 90, ("bench_as_of", "in_sight"): 60}
"""Parameters that are too large, with the largest value that is used instead."""


class Once:
    """A stand-in for the fixture of pytest-benchmark that runs everything once."""

    def __init__(self) -> None:
        self.extra_info: dict[str, object] = {}
        self.ran = 0

    def pedantic(self, work: Callable[..., Any], args: tuple[object, ...] = (), rounds: int = 1, **_: object) -> Any:
        self.ran += 1
        return work(*args)


def cases() -> Iterator[Any]:
    """Short forms of each benchmark, in which each value of each of its parameters occurs."""
    for path in sorted(FOLDER.glob("bench_*.py")):
        try:
            module = importlib.import_module(f"tests.benchmarks.{path.stem}")
        except ModuleNotFoundError as error:
            if error.name not in {"polars", "duckdb", "pytest_benchmark"}:
                raise
            yield pytest.param(path.stem, "", {}, marks=pytest.mark.skip(f"{error.name} is missing: it is in the dependency group bench"))
            continue
        for name, function in vars(module).items():
            if name.startswith("test_") and callable(function):
                for number, (values, marks) in enumerate(parameters(function)):
                    yield pytest.param(path.stem, name, values, marks=marks, id=f"{path.stem}-{name.removeprefix('test_')}-{number}")


def parameters(function: Callable[..., object]) -> Iterator[tuple[dict[str, object], list[pytest.MarkDecorator]]]:
    """Combinations of a benchmark's parameters in which each value occurs, with their marks."""
    tables: list[list[tuple[dict[str, object], list[pytest.MarkDecorator]]]] = []
    for mark in getattr(function, "pytestmark", []):
        if mark.name == "parametrize":
            names, table = mark.args[0], []
            for row in mark.args[1]:
                marks = list(row.marks) if hasattr(row, "marks") else []
                row = row.values if hasattr(row, "marks") else row if isinstance(names, tuple) else (row,)
                table.append((dict(zip(names if isinstance(names, tuple) else (names,), row, strict=True)), marks))
            tables.append(table)
    for number in range(max([1, *map(len, tables)])):
        combination = [table[number % len(table)] for table in tables]
        yield (
            {name: value for values, _ in combination for name, value in values.items()},
            [mark for _, marks in combination for mark in marks],
        )


@pytest.mark.parametrize(("module_name", "name", "values"), list(cases()))
def test_benchmark_runs(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, module_name: str, name: str, values: Mapping[str, object]
):
    module = importlib.import_module(f"tests.benchmarks.{module_name}")
    for constant, value in SHORT[module_name].items():
        assert hasattr(module, constant), constant
        monkeypatch.setattr(module, constant, value)
    if module_name in OWN_PROCESS:
        constants = "; ".join(f"module.{constant} = {value!r}" for constant, value in SHORT[module_name].items())
        program = f"import {module.__name__} as module, {__name__} as short; {constants}; module.{name}(short.Once(), **{dict(values)!r})"
        done = subprocess.run([sys.executable, "-W", "always::ResourceWarning", "-c", program], capture_output=True, text=True, timeout=100)
        assert (done.returncode, done.stderr) == (0, "")
        return
    function, benchmark = getattr(module, name), Once()
    most = {parameter: LONG[module_name, parameter] for parameter in values if (module_name, parameter) in LONG}
    given = {**values, **{parameter: min(values[parameter], largest) for parameter, largest in most.items()}}
    for wanted in inspect.signature(function).parameters:
        if wanted == "benchmark":
            given[wanted] = benchmark
        elif wanted == "month":
            given[wanted] = module.Month()
        elif wanted not in given:
            given[wanted] = request.getfixturevalue(wanted)
    function(**given)
    assert benchmark.ran or "benchmark" not in given
