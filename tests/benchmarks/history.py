"""The history of the benchmarks: one JSON file per commit, outside the repository, and ratios against a base.

    python -m tests.benchmarks.history build/benchmarks.json build/benchmarks-gl.json [--base REV]

Stores the medians of these results of pytest-benchmark under the commit that is checked out, and prints how they compare with the
base: by default the newest commit before this one that has been measured. Results of different days differ by what else the machine
does; `python -m tests.benchmarks.by_turns` compares two commits in one run. The folder is that of TAPEPRINT_BENCHMARKS, by default
`tapeprint/benchmarks` in the user's data folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs

ROOT = Path(__file__).parents[2]

Medians = Mapping[str, float]
"""Seconds by the name of the benchmark."""


def medians_in(results: Path) -> dict[str, float]:
    """The median of each benchmark in a result of pytest-benchmark, in seconds."""
    found = json.loads(results.read_text(encoding="utf-8"))["benchmarks"]
    return {benchmark["fullname"].rpartition("/")[2]: benchmark["stats"]["median"] for benchmark in found}


def record(folder: Path, commit: str, medians: Medians) -> Path:
    """Add medians to the file of a commit; those of the same name are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{commit}.json"
    before = recorded(folder, commit)
    entry = {"commit": commit, "machine": f"{platform.machine()}, {os.cpu_count()} cores", "medians_s": {**before, **medians}}
    path.write_text(json.dumps(entry, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def recorded(folder: Path, commit: str) -> dict[str, float]:
    """The medians of a commit; empty if it has not been measured."""
    path = folder / f"{commit}.json"
    return json.loads(path.read_text(encoding="utf-8"))["medians_s"] if path.exists() else {}


def ratios(medians: Medians, base: Medians) -> list[str]:
    """A line for each benchmark of either, in order of name: its ratio to the base, below 1 where it is faster."""
    width = max((len(name) for name in {*medians, *base}), default=0)
    lines: list[str] = []
    for name in sorted({*medians, *base}):
        if name not in base:
            lines.append(f"{name:<{width}}  {1e3 * medians[name]:10.3f} ms  not in the base")
        elif name not in medians:
            lines.append(f"{name:<{width}}  only in the base")
        else:
            lines.append(f"{name:<{width}}  {1e3 * medians[name]:10.3f} ms  {medians[name] / base[name]:6.2f} of the base")
    return lines


def commit_of(revision: str) -> str:
    """The full hash of a revision of this repository."""
    return _git("rev-parse", "--verify", f"{revision}^{{commit}}").strip()


def last_measured(folder: Path, commits: Sequence[str]) -> str | None:
    """The first of some commits that has been measured."""
    return next((commit for commit in commits if recorded(folder, commit)), None)


def main(arguments: Sequence[str] | None = None) -> None:
    """Record results and print their ratios; see the module."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.history")
    parser.add_argument("results", type=Path, nargs="+")
    parser.add_argument("--base", help="commit, branch or tag to compare with")
    chosen = parser.parse_args(arguments)
    folder = Path(os.environ.get("TAPEPRINT_BENCHMARKS") or platformdirs.user_data_path("tapeprint", appauthor=False) / "benchmarks")
    medians: dict[str, float] = {}
    for path in chosen.results:
        medians |= medians_in(path)
    print(record(folder, commit_of("HEAD"), medians))
    base = commit_of(chosen.base) if chosen.base else last_measured(folder, _git("rev-list", "--max-count=500", "HEAD~1").split())
    if base is None or not recorded(folder, base):
        print(f"no results of {chosen.base or 'an earlier commit'} to compare with")
        return
    print(f"against {base[:9]}:", *ratios(medians, recorded(folder, base)), sep="\n")


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
