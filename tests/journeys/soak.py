"""The window against a venue in another process, for as long as you like: `python -m tests.journeys.soak --minutes 10 --rate 1000`.

Every ten seconds a line tells memory, frames and trades. At the end the trades held are compared with the venue's own
count: 0 when none is lost or doubled, 1 otherwise.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import qasync
from PySide6.QtWidgets import QApplication

from app.entry.markets import market_opener
from app.market.bar_rule import parse_bar_rule
from app.market.span import Span
from app.settings import Data, Settings
from app.storage.disk import Tape
from app.storage.keeping import Keeping
from app.workspace import ChartChoice, Workspace
from rendering.painter_choice import choose_painter
from widgets.looks import Looks
from widgets.main_window import MainWindow


def main() -> int:
    """Run the soak; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=1000.0, help="trades a second")
    parser.add_argument("--faults-per-minute", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory-trades", type=int, default=20_000_000, help="trades kept in memory; the disk keeps all")
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.venue_emulator", "--port", str(port), "--rate", str(options.rate), "--seed", str(options.seed)]
    command += ["--history-hours", "0.1", "--connection-limit", "0", "--faults-per-minute", str(options.faults_per_minute)]
    venue = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert venue.stdout is not None and venue.stdout.readline()
        application = QApplication(["soak"])
        application.setQuitOnLastWindowClosed(False)  # we stop in order
        with tempfile.TemporaryDirectory() as folder, qasync.QEventLoop(application) as loop:
            return loop.run_until_complete(_soak(options, port, Keeping(Path(folder))))
    finally:
        venue.terminate()
        venue.wait(5)


async def _soak(options: argparse.Namespace, port: int, keeping: Keeping) -> int:
    settings = Settings(data=Data(history_hours=0.1)).with_hosts("binance", f"ws://127.0.0.1:{port}", f"http://127.0.0.1:{port}")
    rule = ChartChoice(parse_bar_rule("1m"))
    workspace = Workspace(market_opener(settings), rule, keep=keeping.of, memory_trades=options.memory_trades)
    painter = choose_painter("auto")
    window = MainWindow(workspace, Looks("dark", "blue-orange", painter.painter, painter.reason, Path("build/journal")), lambda: None)
    window.show()
    gaps: list[float] = []
    beat, last = window.frame, [time.perf_counter()]

    def timed_frame() -> None:
        now = time.perf_counter()
        gaps.append(1000 * (now - last[0]))
        last[0] = now
        beat()

    window.clock._on_frame = timed_frame  # the one place where the beat of the window can be listened to
    workspace.open("binance:BTCUSDT")
    process, started, seen = psutil.Process(), time.monotonic(), 0
    while time.monotonic() - started < 60 * options.minutes:
        await asyncio.sleep(10)
        store = workspace.store
        recent = np.array(gaps[seen:])
        seen = len(gaps)
        print(
            json.dumps(
                {
                    "s": round(time.monotonic() - started),
                    "rss_mb": round(process.memory_info().rss / 2**20, 1),
                    "trades": store.n_trades if store else 0,
                    "missing": store.missing if store else 0,
                    "frames_per_s": round(len(recent) / 10, 1),
                    "gap_ms_p50": round(float(np.median(recent)), 1),
                    "gap_ms_p99": round(float(np.percentile(recent, 99)), 1),
                    "gap_ms_max": round(float(recent.max()), 1),
                    "busy_share": round(window.clock.busy_s / (time.monotonic() - started), 3),
                    "state": workspace.status.state.value,
                    "age_ms": round((time.time_ns() - workspace.status.last_trade_ns) / 1e6, 1),
                }
            ),
            flush=True,
        )
    assert workspace.store is not None and workspace.chart is not None and workspace.market is not None
    for _ in range(600):  # let what is on its way arrive
        if not workspace.store.missing:
            break
        await asyncio.sleep(0.1)
    shown = (int(workspace.chart.series.n_trades), int(workspace.chart.series.volume.sum()))
    instrument = workspace.market.instrument
    await workspace.aclose()
    code = await asyncio.to_thread(_compare, keeping.of(instrument).tape, shown, port)
    window.close()
    keeping.close()
    return code


def _compare(tape: Tape | None, shown: tuple[int, int], port: int) -> int:
    """Hold what the disk has kept, and what the chart has shown, against the venue's own sums."""
    assert tape is not None
    ids: list[tuple[int, int]] = []
    ours = dict.fromkeys(("count", "lots", "buy_lots", "sell_lots"), 0)
    for trades in tape.batches(Span(0, 1 << 62)):
        ids.append((int(trades.trade_id[0]), int(trades.trade_id[-1])))
        ours["count"] += len(trades)
        ours["lots"] += int(trades.quantity_lots.sum())
        ours["buy_lots"] += int(trades.quantity_lots[trades.side == 1].sum())
        ours["sell_lots"] += int(trades.quantity_lots[trades.side == -1].sum())
    url = f"http://127.0.0.1:{port}/_totals?first_id={ids[0][0]}&last_id={ids[-1][1]}"
    theirs = json.loads(urllib.request.urlopen(url, timeout=60).read())
    same = all(ours[name] == theirs[name] for name in ours) and shown == (ours["count"], ours["lots"])
    size = sum(path.stat().st_size for day in tape.days() for path in tape.files(day))
    print(json.dumps({"ours": ours, "venue": theirs, "shown": shown, "equal": same, "files_mb": round(size / 1e6, 1)}), flush=True)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
