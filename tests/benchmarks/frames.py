"""Measure real frames in a real window, one case per process.

    python -m tests.benchmarks.frames detail|dense|overview pan|live [--painter raster|gl]

Opens a chart of 1920 x 1080, changes it, lets it paint, and prints one line `RESULT {...}`: `sus` is the mean
time of a frame in ms, `p50` and `p95` are percentiles of single frames, `cpu_ms` is the processor time of a frame, `setup_s` the time
from the start of the process to the first painted frame, `rss` the memory in MB. A pan moves on to bars that have not been in view.
`dense` and `overview` force digits and cells at sizes at which the program would show less.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication

from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from tests.benchmarks.market_of_cells import CASES, FIRST_BAR, LOW_ROW, CellMarket
from widgets.chart.chart_view import ChartView

WIDTH, HEIGHT = 1920, 1080
PAN_PX = 6
FORCED = {"dense": Detail.DIGITS, "overview": Detail.CELLS, "text_1200": Detail.DIGITS, "cells_100000": Detail.CELLS}


def scene_of(name: str, dpr: float = 1.0) -> tuple[CellMarket, ChartScene]:
    """The market and the scene of a case, which shows its first bars and fills the window."""
    case = CASES[name]
    market = CellMarket(case)
    scene = ChartScene(market, load_theme(), WIDTH, HEIGHT, dpr)
    scene.fixed_detail = FORCED.get(name)
    scene.refresh()
    pane = scene.layout.price
    viewport = replace(scene.viewport, bar_px=pane.width / case.bars, tick_px=pane.height / case.rows, low_ticks=float(LOW_ROW))
    scene.set_viewport(viewport.with_bar_at(FIRST_BAR, 0.0))
    return market, scene


def main(arguments: list[str] | None = None) -> dict:
    """Run one case, print its result, and return it; see the module."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.frames")
    parser.add_argument("case", choices=("detail", "dense", "overview"))
    parser.add_argument("change", choices=("pan", "live"))
    parser.add_argument("--painter", choices=("raster", "gl"), default="raster")
    parser.add_argument("--frames", type=int, default=200)
    chosen = parser.parse_args(arguments)

    app = QApplication.instance() or QApplication(sys.argv[:1])
    market, scene = scene_of(chosen.case)
    view = ChartView(scene, use_gl=chosen.painter == "gl")
    if chosen.painter == "gl":
        scene.install_gl(_gl_failed)
    scene.set_painter(chosen.painter)
    view.resize(WIDTH, HEIGHT)
    view.show()
    if chosen.change == "live":
        scene.set_viewport(scene.viewport.with_bar_at(FIRST_BAR + CASES[chosen.case].spare_bars, 0.0))
    painted = _count_paints(view)
    for _ in range(30):  # the first frames fill caches
        scene.refresh()
        app.processEvents()
    setup_s = time.time() - _process_start_s()
    times, cpu = [], time.process_time()
    painted.clear()
    for _ in range(chosen.frames):
        started = time.perf_counter()
        if chosen.change == "pan":
            scene.set_viewport(scene.viewport.panned(-PAN_PX, 0))
        else:
            market.trade()
        scene.refresh()
        app.processEvents()
        times.append((time.perf_counter() - started) * 1000)
    cpu = time.process_time() - cpu
    if len(painted) < chosen.frames:
        raise SystemExit(f"expected {chosen.frames} painted frames, found {len(painted)}")
    result = {
        "frames": chosen.frames,
        "sus": round(sum(times) / chosen.frames, 3),
        "p50": round(float(np.percentile(times, 50)), 3),
        "p95": round(float(np.percentile(times, 95)), 3),
        "cpu_ms": round(cpu * 1000 / chosen.frames, 3),
        "setup_s": round(setup_s, 2),
        "rss": round(_rss_mb(), 1),
    }
    print("RESULT", json.dumps(result))
    view.close()
    return result


def _count_paints(view: ChartView) -> list[int]:
    """A list that grows with each painted frame."""
    painted: list[int] = []

    class Watcher(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if event.type() == QEvent.Type.Paint:
                painted.append(1)
            return False

    view.viewport().installEventFilter(Watcher(view))
    return painted


def _gl_failed(reason: str) -> None:
    raise SystemExit(f"OpenGL does not work here: {reason}")


def _process_start_s() -> float:
    """Time when this process started, in seconds since 1970; the import time of this module if the system does not provide it."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
        boot = next(int(line.split()[1]) for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime"))
    except (OSError, StopIteration, ValueError):
        return _READ_AT
    return boot + ticks / os.sysconf("SC_CLK_TCK")


def _rss_mb() -> float:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


_READ_AT = time.time()

if __name__ == "__main__":
    main()
