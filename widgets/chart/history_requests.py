"""Requests for the history that visible bars, profiles and alerts need."""

from __future__ import annotations

import time

from app.analytics.candle_fallback import CandleRange
from app.chart.chart import Chart
from app.market.span import Span
from rendering.items.profiles.placed_profile_views import period_views, profile_views
from rendering.scene.scene import ChartScene
from rendering.view.frame import Frame

_CANDLES_EVERY = 6  # frames: ten times a second is fast enough, and 35 period profiles take half a millisecond


class HistoryRequests:
    """Requests the trades and candles that a window's chart needs; updated once per screen frame."""

    def __init__(self) -> None:
        self._candles_for: Frame | None = None
        self._frames = 0

    def update(self, scene: ChartScene) -> None:
        """Request trades from the earliest visible bar, placed profile or alert on, and candles where trades of a profile are missing.

        No trades before `Chart.oldest_ns` are requested. Candles are requested at most every 6th call.
        """
        chart, frame, now_ns = scene.chart, scene.frame, time.time_ns()
        series = chart.series
        if series.n_bars:
            alerts_ns = chart.alerts_from_ns
            begins = [
                series.times.start_ns(scene.viewport.visible_bars()[0]),
                *(placed.start_ns for placed in chart.anchors.profiles),
            ]
            begins += [] if alerts_ns is None else [alerts_ns]
            start_ns = max(min(begins), chart.oldest_ns)
            chart.wanted = Span(min(start_ns, now_ns), now_ns)
        self._frames += 1
        if frame is not None and frame is not self._candles_for and self._frames >= _CANDLES_EVERY:
            self._candles_for, self._frames = frame, 0
            chart.candles.wishes = _candles(chart, frame)


def _candles(chart: Chart, frame: Frame) -> tuple[CandleRange, ...]:
    """Candles to request for placed profiles and period profiles in view; in an as-of view, also for placed profiles at that time."""
    runs = [chart.profiles.bars_of(placed.stretches) for placed in chart.anchors.profiles]
    views = period_views(frame) if frame.as_of is None else (*period_views(frame), *profile_views(frame))
    return chart.profiles.candle_requests([*runs, *(view.runs for view in views)])
