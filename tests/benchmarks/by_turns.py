"""Compare the benchmarks of two commits in one run, by turns, so that a busy machine slows both.

    python -m tests.benchmarks.by_turns REV [--turns 3] [--files bench_cells.py,bench_frames.py] [--only WORDS]

Puts the files of the base into a temporary folder. Each file of benchmarks runs in the base, then here, and again; of each benchmark
the least median counts, which is the one that the machine disturbed least. Prints the ratios, below 1 where this checkout is faster.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.history import ROOT, commit_of, medians_in, ratios

Run = Callable[[Path, str], dict[str, float]]
"""Runs a file of benchmarks in a checkout; returns the medians in seconds, by name."""


def by_turns(base: Path, here: Path, files: Iterable[str], turns: int, run: Run) -> tuple[dict[str, float], dict[str, float]]:
    """The least median of each benchmark in both checkouts: of the base, and here."""
    least: tuple[dict[str, float], dict[str, float]] = {}, {}
    for file in files:
        for _ in range(turns):
            for checkout, found in zip((base, here), least, strict=True):
                if not (checkout / "tests" / "benchmarks" / file).exists():
                    continue
                for name, seconds in run(checkout, file).items():
                    found[name] = min(seconds, found.get(name, seconds))
    return least


def run_file(checkout: Path, file: str, only: str = "") -> dict[str, float]:
    """Run a file of benchmarks, or those that match `only` (as for pytest's -k), in a checkout; failures are shown."""
    with TemporaryDirectory() as folder:
        results = Path(folder) / "results.json"
        command = [
            *(sys.executable, "-P", "-m", "pytest", f"tests/benchmarks/{file}", "--override-ini", "addopts="),
            *("--override-ini", "python_files=bench_*.py", "--import-mode=importlib", "-p", "no:randomly", "-p", "no:cacheprovider"),
            *("-m", "not gl", "-k", only, "-q", "--no-header", "--benchmark-json", str(results)),
        ]
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}  # options of another run
        environ = own | {"PYTHONPATH": str(checkout), "QT_QPA_PLATFORM": "offscreen"}
        done = subprocess.run(command, cwd=checkout, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"{file} in {checkout}:", *done.stdout.splitlines()[-15:], sep="\n", file=sys.stderr)
        return medians_in(results) if results.exists() and results.stat().st_size else {}


def unpack(commit: str, folder: Path) -> None:
    """Put the files of a commit into a folder."""
    packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare this checkout with a commit; see the module."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.by_turns")
    parser.add_argument("base", help="commit, branch or tag to compare with")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--files", default="", help="files of benchmarks, separated by commas; default: all")
    parser.add_argument("--only", default="", help="benchmarks to run, as for pytest's -k")
    chosen = parser.parse_args(arguments)
    commit = commit_of(chosen.base)
    files = chosen.files.split(",") if chosen.files else sorted(path.name for path in Path(__file__).parent.glob("bench_*.py"))
    with TemporaryDirectory() as folder:
        unpack(commit, Path(folder))
        base, here = by_turns(Path(folder), ROOT, files, chosen.turns, partial(run_file, only=chosen.only))
    print(f"against {commit[:9]}, the least of {chosen.turns} turns:", *ratios(here, base), sep="\n")


if __name__ == "__main__":
    main()
