"""What is asked of the past."""

from __future__ import annotations

from app.analytics.candle_fallback import CandleRange
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.profiles.period_profiles import PeriodKind, PeriodProfiles
from app.storage.candle_store import CandleStore
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades
from widgets.chart.history_requests import request_visible_history


def test_old_anchored_profile_extends_the_requested_history(qapp) -> None:
    chart = StillChart(random_trades(30, 50))
    chart.oldest_ns = 0
    scene = ChartScene(chart, load_theme(), 1600, 900)
    scene.refresh()
    request_visible_history(scene)
    assert chart.wanted.start_ns == chart.series.times.start_ns(scene.viewport.visible_bars()[0])
    anchor_ns = (FIRST_MINUTE - 500) * MINUTE.length_ns
    chart.anchors.add(anchor_ns)
    request_visible_history(scene)
    assert chart.wanted.start_ns == anchor_ns
    chart.anchors.undo()
    request_visible_history(scene)
    assert chart.wanted.start_ns > anchor_ns


def look(scene: ChartScene) -> None:
    """For a tenth of a second."""
    for _ in range(6):
        scene.refresh()
        request_visible_history(scene)


def test_profiles_request_candles_where_trades_are_missing(qapp) -> None:
    chart = StillChart(random_trades(30, 50))
    chart.candles.candle_store = CandleStore([MINUTE.length_ns])
    chart.covered = (CoveredSpan(Span((FIRST_MINUTE + 24) * MINUTE.length_ns, (FIRST_MINUTE + 30) * MINUTE.length_ns), Source.LIVE, 0, 9),)
    scene = ChartScene(chart, load_theme(), 1600, 900)
    look(scene)
    assert chart.candles.wishes == ()
    chart.anchors.add((FIRST_MINUTE - 500) * MINUTE.length_ns)
    look(scene)
    wanted = Span((FIRST_MINUTE - 500) * MINUTE.length_ns, (FIRST_MINUTE + 24) * MINUTE.length_ns)
    assert chart.candles.wishes == (CandleRange(MINUTE.length_ns, wanted),)
    chart.anchors.undo()
    chart.anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 10))
    look(scene)
    first = (FIRST_MINUTE + 24) // 10 * 10
    assert chart.candles.wishes[0] == CandleRange(MINUTE.length_ns, Span(first * MINUTE.length_ns, wanted.end_ns))
