"""Measure the time to the first painted chart: `python -m tests.journeys.first_paint --store DIR`.

The venue is the emulator in another process. Run it with a store of a month and with an empty one to see what the store costs at the start.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from pathlib import Path

import psutil
import qasync
from PySide6.QtWidgets import QApplication

from app.entry.markets import market_opener
from app.market.bar_rule import parse_bar_rule
from app.settings.settings import FeedSettings, Settings
from app.storage.shared_store import SharedStore
from app.workspace import ChartChoice, Workspace
from rendering.paint.painter_choice import choose_painter
from widgets.window.main_window import MainWindow
from widgets.window.window_options import WindowOptions


def main() -> int:
    """Print the seconds; return the exit code 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", type=Path, required=True)
    options = parser.parse_args()
    command = [
        sys.executable,
        "-m",
        "tests.venue_emulator",
        "--port",
        "0",
        "--rate",
        "100",
        "--history-hours",
        "3",
        "--connection-limit",
        "0",
    ]
    venue = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert venue.stdout is not None
        ws_url, rest_url = (part.partition("=")[2] for part in venue.stdout.readline().split())
        spent_s = time.time() - psutil.Process().create_time()
        begun_s = time.perf_counter()
        application = QApplication(["first paint"])
        application.setQuitOnLastWindowClosed(False)
        with qasync.QEventLoop(application) as loop:
            loop.run_until_complete(_paint(options.store, ws_url, rest_url, begun_s))
        print(f"(before the window: {spent_s:.2f} s, most of it the emulator's start)")
        return 0
    finally:
        venue.terminate()
        venue.wait(5)


async def _paint(store: Path, ws_url: str, rest_url: str, begun_s: float) -> None:
    settings = Settings(data=FeedSettings(history_hours=2)).with_hosts("binance", ws_url, rest_url)
    keeping = SharedStore(store)
    workspace = Workspace(market_opener(settings), ChartChoice(parse_bar_rule("1m")), keep=keeping.of)
    painter = choose_painter("auto")
    window = MainWindow(
        workspace, WindowOptions("dark", "blue-orange", painter.painter, painter.reason, Path("build/journal")), lambda: None
    )
    window.show()
    workspace.open("binance:BTCUSDT")
    while workspace.chart is None or workspace.ingest is None or not workspace.chart.series.n_bars:
        await asyncio.sleep(0.005)
    frames = window.view.chart_scene.frames if window.view is not None else 0
    while window.view is None or window.view.chart_scene.frames < frames + 2:
        await asyncio.sleep(0.005)
    painted_s = time.perf_counter() - begun_s
    while workspace.ingest.past.asked_from_ns > workspace.chart.wanted.start_ns:
        await asyncio.sleep(0.01)
    whole_s = time.perf_counter() - begun_s
    print(f"first painted chart {painted_s:.2f} s, two hours of history {whole_s:.2f} s, {workspace.chart.series.n_trades:,} trades")
    await workspace.aclose()
    window.close()
    keeping.close()


if __name__ == "__main__":
    sys.exit(main())
