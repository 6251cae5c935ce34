"""A chart on which every layer has something to draw, and the counted work of drawing a part of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from types import FrameType

from msgspec import structs
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.chart.chart import AlertLine, Chart, ChartSpec
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.settings.calculation import CalculationSettings
from app.storage.trade_store import Gap, TradeStore
from rendering.items.chart_item import ChartItem
from rendering.scene.all_layers import LAYERS
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import INSTRUMENT, MINUTE, random_trades

WIDTH, HEIGHT = 1600, 900
NOW_NS = 10**18
EVERY_OVERLAY = frozenset(layer.name for layer in LAYERS if layer.name)


def busy_scene(n_bars: int, *, as_of: int | None = None, around: int = 400, dpr: float = 1.0) -> ChartScene:
    """Every layer, over three days of trades with `n_bars` bars in view, a gap, alerts and profiles of each kind.

    With `as_of` the as-of view ends that many bars before the last; `around` is the number of ticks in view on each side of the price.
    """
    store, rules = TradeStore(), CalculationSettings()
    rules = structs.replace(rules, imbalance=structs.replace(rules.imbalance, ratio=Decimal("1.5"), stacked=2))
    chart = Chart(ChartSpec(INSTRUMENT, MINUTE, 10), rules)
    chart.apply(store.insert(random_trades(3 * 1440, 12, 2.0)), store)
    series = chart.series

    def start_ns(back: int) -> int:
        return int(series.start_ns(series.n_bars - back))

    chart.holes = (Gap(1, 5, start_ns(n_bars // 2) + 10**9, start_ns(n_bars // 2 - n_bars // 10)),)
    chart.covered = [CoveredSpan(Span(start_ns(2 * n_bars // 3), int(series.start_ns(series.n_bars - 1)) + 1), Source.LIVE, 0, 0, False)]
    close = int(series.close[-1])
    chart.alert_lines = tuple(AlertLine(float(close + 40 * step), "VAH of the day", step, step % 2 == 0) for step in range(-20, 21))
    for back in range(1, 6):
        chart.anchors.add(start_ns(back * n_bars // 6))
    for back in range(2, 6):
        chart.anchors.add(start_ns(back * n_bars // 6), start_ns(back * n_bars // 6 - n_bars // 7))
    for placed in chart.anchors.profiles[-2:]:
        chart.anchors.choose(placed)
    chart.anchors.compose()
    chart.anchors.choose(chart.anchors.profiles[1])
    chart.anchors.show_periods(PeriodProfiles(PeriodKind.BARS, max(2, n_bars // 8)))
    scene = ChartScene(chart, load_theme(), WIDTH, HEIGHT, dpr)
    scene.show_only(EVERY_OVERLAY)
    scene.set_mode("replay", "", "prices of a recording")
    if as_of is not None:
        scene.as_of.kept_ns = start_ns(as_of)
    scene.show_last(n_bars)
    scene.refresh(NOW_NS)
    pane = scene.layout.price
    scene.set_viewport(scene.viewport.fitted(close - around, close + around).panned(-6.5 * scene.viewport.bar_px, 0))
    scene.set_cursor((pane.width * 0.4, pane.height * 0.3))
    for _ in range(2):  # legends show what the frame before has found
        scene.refresh(NOW_NS)
        scene.settle()
    return scene


def drawn(item: ChartItem, parts: list[QRectF], dpr: float = 1.0) -> QImage:
    """A picture of one layer, drawn part by part."""
    image = QImage(round(WIDTH * dpr), round(HEIGHT * dpr), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(dpr)
    image.fill(0)
    with QPainter(image) as painter:
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        for part in parts:
            item.draw_part(painter, part)
    return image


def columns(bounds: QRectF, width: float) -> list[QRectF]:
    """The parts of a pane, `width` pixels wide each, from left to right."""
    found: list[QRectF] = []
    left = bounds.left()
    while left < bounds.right():
        right = min(left + width, bounds.right())
        found.append(QRectF(left, bounds.top(), right - left, bounds.height()))
        left = right
    return found


@contextmanager
def counted_calls() -> Iterator[Callable[[], int]]:
    """Count the Python calls, and those into C, made inside the block."""
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        yield lambda: calls
    finally:
        sys.setprofile(None)


def drawing_calls(item: ChartItem, part: QRectF) -> int:
    """Calls that drawing a part of a layer takes, with its caches filled."""
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_ARGB32_Premultiplied)
    with QPainter(image) as painter:
        item.draw_part(painter, part)
        with counted_calls() as calls:
            item.draw_part(painter, part)
            return calls()
