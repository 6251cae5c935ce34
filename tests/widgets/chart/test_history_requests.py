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
from widgets.chart.history_requests import HistoryRequests


def test_old_anchored_profile_extends_the_requested_history(qapp) -> None:
    chart = StillChart(random_trades(30, 50))
    chart.oldest_ns = 0
    scene = ChartScene(chart, load_theme(), 1600, 900)
    scene.refresh()
    requests = HistoryRequests()
    requests.update(scene)
    assert chart.wanted.start_ns == chart.series.times.start_ns(scene.viewport.visible_bars()[0])
    anchor_ns = (FIRST_MINUTE - 500) * MINUTE.length_ns
    chart.anchors.add(anchor_ns)
    requests.update(scene)
    assert chart.wanted.start_ns == anchor_ns
    chart.anchors.undo()
    requests.update(scene)
    assert chart.wanted.start_ns > anchor_ns


def look(scene: ChartScene, requests: HistoryRequests) -> None:
    """For a tenth of a second, in which the chart comes to rest."""
    scene.refresh()
    for _ in range(6):
        requests.update(scene)


def test_profiles_request_candles_where_trades_are_missing(qapp) -> None:
    chart = StillChart(random_trades(30, 50))
    chart.candles.candle_store = CandleStore([MINUTE.length_ns])
    chart.covered = (CoveredSpan(Span((FIRST_MINUTE + 24) * MINUTE.length_ns, (FIRST_MINUTE + 30) * MINUTE.length_ns), Source.LIVE, 0, 9),)
    scene, requests = ChartScene(chart, load_theme(), 1600, 900), HistoryRequests()
    look(scene, requests)
    assert chart.candles.wishes == ()
    chart.anchors.add((FIRST_MINUTE - 500) * MINUTE.length_ns)
    look(scene, requests)
    wanted = Span((FIRST_MINUTE - 500) * MINUTE.length_ns, (FIRST_MINUTE + 24) * MINUTE.length_ns)
    assert chart.candles.wishes == (CandleRange(MINUTE.length_ns, wanted),)
    chart.anchors.undo()
    chart.anchors.show_periods(PeriodProfiles(PeriodKind.BARS, 10))
    look(scene, requests)
    first = (FIRST_MINUTE + 24) // 10 * 10
    assert chart.candles.wishes[0] == CandleRange(MINUTE.length_ns, Span(first * MINUTE.length_ns, wanted.end_ns))


def test_candles_are_not_computed_again_without_a_new_frame(qapp, monkeypatch) -> None:
    chart = StillChart(random_trades(30, 50))
    scene, requests = ChartScene(chart, load_theme(), 1600, 900), HistoryRequests()
    look(scene, requests)
    computed: list[int] = []
    monkeypatch.setattr(chart.profiles, "candle_requests", lambda runs: computed.append(1) or ())
    for _ in range(20):
        requests.update(scene)
    assert computed == []
    look(scene, requests)
    assert computed == [1]
