"""Start of the program, in processes of their own: a version, a picture of the demo, and an empty plot of pyqtgraph to compare with.

CPU time counts, with all the threads of the process. Each runs with compiled modules (`.pyc`) and without any.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
TURNS = 5
MOST = 1.4
"""A picture may take this many times as long as an empty plot."""
MOST_VERSION = 0.2

_PLOT = """
import pyqtgraph
from PySide6.QtWidgets import QApplication
application = QApplication([])
plot = pyqtgraph.PlotWidget()
plot.resize(1600, 900)
plot.grab().save({out!r})
"""


def cpu_s(command: list[str], environ: dict[str, str]) -> float:
    """CPU time of a process, s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("compiled", [True, False], ids=["pyc", "no-pyc"])
def test_start_of_a_picture_and_of_a_version(benchmark: Any, tmp_path: Path, compiled: bool) -> None:
    out = str(tmp_path / "picture.png")
    commands = {
        "plot": ["-c", _PLOT.format(out=out)],
        "picture": ["-m", "app", "snapshot", "demo", "-o", out, "--quiet"],
        "version": ["-m", "app", "--version"],
    }
    environ = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPYCACHEPREFIX": str(tmp_path / "pyc")}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if not compiled:
        environ["PYTHONDONTWRITEBYTECODE"] = "1"  # and nothing is in the folder above
    least = {name: cpu_s([sys.executable, *command], environ) for name, command in commands.items()}  # the first compiles

    def turn() -> None:
        for name, command in commands.items():
            least[name] = min(least[name], cpu_s([sys.executable, *command], environ))

    benchmark.pedantic(turn, rounds=TURNS)
    ratios = {name: seconds / least["plot"] for name, seconds in least.items()}
    benchmark.extra_info.update(ratios)
    print(", ".join(f"{name} {ratio:.2f}" for name, ratio in ratios.items()))
    assert ratios["picture"] <= MOST and ratios["version"] <= MOST_VERSION, ratios
