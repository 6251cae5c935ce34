"""Counts the work of frames: exact, equal on every machine, and so never flaky where a time would be.

`python -m tests.rendering.work` prints the table of ceilings for `test_work_counts`, from what it counts and 5 %.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication

from app.analytics.footprint import FootprintSeries
from app.chart.chart import Chart, ChartSpec
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore
from rendering.items.bars.footprint_item import FootprintItem
from rendering.items.chart_item import ChartItem
from rendering.paint import tiles
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import INSTRUMENT, MINUTE, random_trades
from widgets.chart.chart_view import ChartView

FRAMES = 24
FRAME_NS = 16_666_667
ALL = frozenset(layer.name for layer in LAYERS if layer.name)
_HERE = Path(__file__).resolve().parents[2]
_OURS = tuple(str(_HERE / folder) for folder in ("app", "rendering", "widgets"))
_INLINED = {"<listcomp>", "<dictcomp>", "<setcomp>"}  # no calls any more from Python 3.12 on
_WIDTH, _HEIGHT, _PAN_PX = 1600, 900, 24.0


class Work(NamedTuple):
    """The work of one frame, on average.

    Attributes
    ----------
    calls : float
        Calls of our Python functions.
    asked, drawn : float
        Layers that were given the frame, and times that a layer drew.
    exposed : float
        Share of the view that was painted.
    encoded : float
        Share of the view that was drawn into tiles.
    columns : float
        Columns of bars and cells that were read.
    """

    calls: float
    asked: float
    drawn: float
    exposed: float
    encoded: float
    columns: float


class WorkedChart:
    """A chart of ten hours in a view, whose frames are 1/60 s apart and whose deferred work never runs out of time."""

    def __init__(self, shown: frozenset[str] | None = None, layers: Sequence[type[ChartItem]] = LAYERS) -> None:
        self.store, self.chart = TradeStore(), Chart(ChartSpec(INSTRUMENT, MINUTE, 10))
        self.chart.apply(self.store.insert(random_trades(600, 60)), self.store)
        self.scene = ChartScene(self.chart, load_theme(), _WIDTH, _HEIGHT, layers=layers)
        if shown is not None:
            self.scene.show_only(shown)
        for item in self.scene.items_by_layer:
            if isinstance(item, FootprintItem):
                item.raster._clock = lambda: 0.0
        self.view = ChartView(self.scene)
        self.view.resize(_WIDTH, _HEIGHT)
        self.view.show()
        self.now_ns, self.frame_number = 10**18, 0
        self.settle()

    def settle(self) -> None:
        """Draw frames until nothing is left to do."""
        self.frame()
        self.scene.settle()
        while self.scene.idle(60.0):
            pass
        while self.frame():
            pass

    def frame(self) -> bool:
        """Draw one frame; return False if nothing was asked."""
        self.now_ns, self.frame_number = self.now_ns + FRAME_NS, self.frame_number + 1
        asked = self.scene.refresh_if_changed(self.now_ns)
        QApplication.processEvents()
        return asked

    def trade(self) -> None:
        """Draw a frame after a trade in the last bar."""
        last = self.chart.series.n_bars - 1
        self._take(int(self.chart.series.start_ns(last)) + MINUTE.length_ns - 1)

    def bar(self) -> None:
        """Draw a frame after the first trade of a bar."""
        self._take(int(self.chart.series.start_ns(self.chart.series.n_bars - 1)) + MINUTE.length_ns)

    def pan(self) -> None:
        """Draw a frame after a move of the view into the past."""
        self.scene.set_viewport(self.scene.viewport.panned(_PAN_PX, 0))
        self.frame()

    def hover(self) -> None:
        """Draw a frame after a move of the mouse."""
        self.scene.set_cursor((300.0 + 7 * (self.frame_number % 40), 200.0 + 3 * (self.frame_number % 40)))
        self.frame()

    def _take(self, time_ns: int) -> None:
        close, number = int(self.chart.series.close[-1]), self.frame_number
        trade_id = int(self.store.last_id or 0) + 1
        batch = TradeBatch.of([time_ns], [close + number % 3 - 1], [1 + number % 50], [1], [trade_id])
        self.chart.apply(self.store.insert(batch), self.store)
        self.frame()


CASES: dict[str, Callable[[WorkedChart], object]] = {
    "unchanged": WorkedChart.frame,
    "hover": WorkedChart.hover,
    "trade": WorkedChart.trade,
    "bar": WorkedChart.bar,
    "pan": WorkedChart.pan,
}


def work_of(worked: WorkedChart, case: str) -> Work:
    """The average work of a frame of one case, over `FRAMES` frames after some to warm up."""
    for _ in range(4):
        CASES[case](worked)
    with _counted(worked) as counts:
        for _ in range(FRAMES):
            CASES[case](worked)
    return Work(*(count / FRAMES for count in counts()))


@contextmanager
def _counted(worked: WorkedChart) -> Iterator[Callable[[], Work]]:
    """Within the block, count; afterwards the counts are complete."""
    asked, encode = ChartItem.refresh.__code__, {tiles.draw_block.__code__, tiles.draw_last_bar.__code__}
    draws = {type(item).draw.__code__ for item in worked.scene.items_by_layer}
    columns = {type(vars(FootprintSeries)[name]).__get__.__code__ for name in ("close", "cell_buy")}
    found = dict.fromkeys(Work._fields, 0.0)
    ours: dict[CodeType, bool] = {}
    screen = _WIDTH * _HEIGHT

    class Painted(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if isinstance(event, QPaintEvent):
                found["exposed"] += sum(rect.width() * rect.height() for rect in event.region()) / screen  # type: ignore[attr-defined]
            return False

    def count(frame: FrameType, event: str, _arg: object) -> None:
        if event != "call":
            return
        code = frame.f_code
        if code not in ours:
            ours[code] = code.co_filename.startswith(_OURS) and code.co_name not in _INLINED
        found["calls"] += ours[code]
        found["asked"] += code is asked
        found["drawn"] += code in draws
        found["columns"] += code in columns
        if code in encode:
            found["encoded"] += frame.f_locals["block"].size / screen

    painted = Painted(worked.view)
    worked.view.viewport().installEventFilter(painted)
    sys.setprofile(count)
    try:
        yield lambda: Work(**found)
    finally:
        sys.setprofile(None)
        worked.view.viewport().removeEventFilter(painted)


def main() -> None:
    """Print the table of ceilings."""
    _application = QApplication.instance() or QApplication([])
    for name, shown in (("usual", None), ("all overlays", ALL)):
        for case in CASES:
            ceilings = (_rounded(1.05 * value) for value in work_of(WorkedChart(shown), case))
            print(f'    ("{name}", "{case}"): Work({", ".join(ceilings)}),')


def _rounded(value: float) -> str:
    return f"{math.ceil(value)}" if value > 20 or not value else f"{math.ceil(100 * value) / 100:g}"


if __name__ == "__main__":
    main()
