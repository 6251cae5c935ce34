"""Run the window on a venue in another process for some time: `python -m tests.journeys.soak --minutes 10 --rate 1000`.

Every 10 s it prints a line with memory, frames and trades; with `--burst` that many trades then come at once. At the end it
compares the stored trades and the chart's sums with the venue's own: the exit code is 0 if none is missing or doubled. The last line
also has the growth of memory per hour without the loaded trades, measured after the first third of the time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import qasync
from PySide6.QtWidgets import QApplication

from app.entry.markets import market_opener
from app.market.bar_rule import parse_bar_rule
from app.market.span import Span
from app.settings.settings import FeedSettings, Settings
from app.storage.shared_store import SharedStore
from app.storage.tape import Tape
from app.workspace import ChartChoice, Workspace
from rendering.paint.painter_choice import choose_painter
from tests.faults.desk import sums
from widgets.window.main_window import MainWindow
from widgets.window.window_options import WindowOptions

_EVERY_S = 10.0
_BYTES_A_TRADE = 33


def main() -> int:
    """Run the soak; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.journeys.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=1000.0, help="trades a second")
    parser.add_argument("--burst", type=int, default=0, help="trades that come at once every ten seconds")
    parser.add_argument("--faults-per-minute", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--memory-trades", type=int, default=20_000_000, help="trades kept in memory; the disk keeps all")
    options = parser.parse_args()
    command = [sys.executable, "-m", "tests.venue_emulator", "--port", "0", "--rate", str(options.rate), "--seed", str(options.seed)]
    command += ["--history-hours", "0.1", "--connection-limit", "0", "--faults-per-minute", str(options.faults_per_minute)]
    venue = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert venue.stdout is not None
        ws_url, rest_url = (each.partition("=")[2] for each in venue.stdout.readline().split())
        application = QApplication(["soak"])
        application.setQuitOnLastWindowClosed(False)  # we stop in order
        with tempfile.TemporaryDirectory() as folder, qasync.QEventLoop(application) as loop:
            return loop.run_until_complete(_soak(options, ws_url, rest_url, SharedStore(Path(folder))))
    finally:
        venue.terminate()
        venue.communicate()


@dataclass
class Frames:
    """The times between the window's frames, in ms."""

    gaps_ms: list[float] = field(default_factory=list)
    _last_s: float = field(default_factory=time.perf_counter)

    def beat(self) -> None:
        """Record that a frame is drawn now."""
        now_s = time.perf_counter()
        self.gaps_ms.append(1000 * (now_s - self._last_s))
        self._last_s = now_s

    def taken(self) -> dict[str, float]:
        """Frame rate and times between frames since the last call; the times are cleared."""
        gaps, self.gaps_ms = np.array(self.gaps_ms or [0.0]), []
        p50, p99, most = (round(float(each), 1) for each in (*np.percentile(gaps, (50, 99)), gaps.max()))
        return {"frames_per_s": round(len(gaps) / _EVERY_S, 1), "gap_ms_p50": p50, "gap_ms_p99": p99, "gap_ms_max": most}


async def _soak(options: argparse.Namespace, ws_url: str, rest_url: str, keeping: SharedStore) -> int:
    settings = Settings(data=FeedSettings(history_hours=0.1)).with_hosts("binance", ws_url, rest_url)
    choice = ChartChoice(parse_bar_rule("1m"))
    workspace = Workspace(market_opener(settings), choice, keep=keeping.of, memory_trades=options.memory_trades)
    painter = choose_painter("auto")
    window = MainWindow(
        workspace, WindowOptions("dark", "blue-orange", painter.painter, painter.reason, Path("build/journal")), lambda: None
    )
    window.show()
    frames, draw = Frames(), window.frame

    def drawn() -> None:
        frames.beat()
        draw()

    window.clock._on_frame = drawn  # the only place where each frame of the window can be observed
    workspace.open("binance:BTCUSDT")
    process, started_s = psutil.Process(), time.monotonic()
    memory: list[tuple[float, float]] = []
    while time.monotonic() - started_s < 60 * options.minutes:
        if options.burst:
            await _ask(f"{rest_url}/_control?fault=burst&count={options.burst}")
        await asyncio.sleep(_EVERY_S)
        running_s, rss_mb = time.monotonic() - started_s, process.memory_info().rss / 2**20
        trades = workspace.store.n_trades if workspace.store else 0
        memory.append((running_s / 3600, rss_mb - trades * _BYTES_A_TRADE / 2**20))
        told = {
            "s": round(running_s),
            "rss_mb": round(rss_mb, 1),
            "trades": trades,
            "missing": workspace.store.missing if workspace.store else 0,
            **frames.taken(),
            "busy_share": round(window.clock.busy_s / running_s, 3),
            "state": workspace.status.state.value,
            "age_ms": round((time.time_ns() - workspace.status.last_trade_ns) / 1e6, 1),
        }
        print(json.dumps(told), flush=True)
    assert workspace.store is not None and workspace.chart is not None and workspace.market is not None
    for _ in range(600):  # let what is on its way arrive
        if not workspace.store.missing:
            break
        await asyncio.sleep(0.1)
    shown = (int(workspace.chart.series.n_trades), int(workspace.chart.series.volume.sum()))
    instrument = workspace.market.instrument
    await workspace.aclose()
    code = await asyncio.to_thread(_compare, keeping.of(instrument).tape, shown, rest_url, _slope(memory))
    window.close()
    keeping.close()
    return code


def _slope(memory: list[tuple[float, float]]) -> float | None:
    """Growth of memory in MB per hour, without the first third of the samples; None if there are too few."""
    later = np.array(memory[len(memory) // 3 :])
    return round(float(np.polyfit(later[:, 0], later[:, 1], 1)[0]), 2) if len(later) > 5 else None


def _compare(tape: Tape | None, shown: tuple[int, int], rest_url: str, mb_an_hour: float | None) -> int:
    """Compare the sums of the stored trades and of the chart with the venue's own, and print them; return the exit code."""
    assert tape is not None
    ids: list[int] = []
    ours = np.zeros(4, np.int64)
    for trades in tape.batches(Span(0, 1 << 62)):
        ids += [int(trades.trade_id[0]), int(trades.trade_id[-1])]
        ours += sums(trades)
    theirs = _asked(f"{rest_url}/_totals?first_id={ids[0]}&last_id={ids[-1]}")
    same = ours.tolist() == [theirs[name] for name in ("count", "lots", "buy_lots", "sell_lots")] and shown == (ours[0], ours[1])
    size = sum(path.stat().st_size for day in tape.days() for path in tape.files(day))
    told = {
        "kept": ours.tolist(),
        "venue": theirs,
        "shown": shown,
        "equal": same,
        "files_mb": round(size / 1e6, 1),
        "mb_an_hour": mb_an_hour,
    }
    print(json.dumps(told), flush=True)
    return 0 if same else 1


async def _ask(url: str) -> dict:
    return await asyncio.to_thread(_asked, url)


def _asked(url: str) -> dict:
    return json.loads(urllib.request.urlopen(url, timeout=60).read())


if __name__ == "__main__":
    sys.exit(main())
