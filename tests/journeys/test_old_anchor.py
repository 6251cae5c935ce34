"""An anchor older than the trades held: candles stand in at once, and trades take their place as they come."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.analytics.bar_coverage import BarState
from rendering.items.bars.visible_coverage import VisibleCoverage
from rendering.items.profiles.anchored_profile_item import AnchoredProfileItem
from rendering.items.profiles.placed_profile_views import profile_views
from rendering.view.frame import Frame
from tests.journeys.desks import live
from tests.journeys.stories import at_the_window, tell, until
from tests.venue_emulator import GeneratedTape, VenueEmulator
from widgets.window.main_window import MainWindow

HOUR_NS = 3600 * 10**9
MINUTE_NS = 60 * 10**9
_LONG_S = 60.0  # thousands of candles and trades, on a busy machine


def tape() -> GeneratedTape:
    """Four days of the past, some twenty trades a minute in it."""
    return GeneratedTape(4, 50, history_s=4 * 86_400, history_rate=0.05)


def frame_of(window: MainWindow) -> Frame:
    assert window.view is not None and window.view.chart_scene.frame is not None
    return window.view.chart_scene.frame


def legend(window: MainWindow) -> str:
    return AnchoredProfileItem().legend(frame_of(window))


def states_at(window: MainWindow, time_ns: int) -> set[int]:
    """What the ribbon would show of the bars from a time on."""
    frame = frame_of(window)
    viewport = frame.viewport.with_bar_at(frame.chart.series.times.number(time_ns), 0)
    found = VisibleCoverage().of(replace(frame, viewport=viewport))
    return set() if found is None else {*found.state.tolist()}


async def until_live(window: MainWindow) -> None:
    await until(lambda: window.view is not None and window.status_bar.state.text() == "● LIVE")


def test_an_anchor_three_days_back_is_filled_by_candles_and_then_by_trades(qtbot: QtBot, tmp_path: Path) -> None:
    async def story() -> None:
        async with VenueEmulator(tape()) as venue, at_the_window(live(tmp_path, venue)) as window:
            await until_live(window)
            chart = frame_of(window).chart
            await until(lambda: chart.covered and chart.oldest_ns)
            oldest_ns, chart.oldest_ns = chart.oldest_ns, time.time_ns() - HOUR_NS  # trades of the last hour alone, for now
            anchor_ns = (time.time_ns() - 72 * HOUR_NS) // MINUTE_NS * MINUTE_NS
            chart.anchors.add(anchor_ns)
            await until(lambda: "1 m candles" in legend(window) and "⚠" not in legend(window), _LONG_S)
            (view,) = profile_views(frame_of(window))
            assert view.figures is not None and view.figures.candles.whole and view.figures.candles.aggressors

            def whole() -> bool:
                """Whether the profile holds every lot since the anchor, at this moment."""
                truth, inputs = venue.trades(), view.placed.inputs
                found = chart.profiles.of(chart.anchors.profiles[0].stretches, inputs.rows, inputs.percent, inputs.method)
                expected = truth.quantity_lots[(truth.time_ns >= anchor_ns) & (truth.trade_id <= int(chart.covered[-1].last_id))]
                return found is not None and found.rows.profile.volume == int(expected.sum())

            await until(whole, _LONG_S)
            assert "% trades" in legend(window)
            assert states_at(window, anchor_ns + HOUR_NS) == {BarState.CANDLES}
            chart.oldest_ns = oldest_ns  # now all that the venue tells in bearable time
            before = view.figures.candles.lacking_ns
            await until(lambda: chart.covered[0].span.start_ns < time.time_ns() - 47 * HOUR_NS, _LONG_S)
            await until(lambda: "1 m candles" in legend(window) and "⚠" not in legend(window), _LONG_S)
            (view,) = profile_views(frame_of(window))
            assert view.figures is not None and view.figures.candles.lacking_ns < before - 40 * HOUR_NS
            await until(whole, _LONG_S)
            chart.oldest_ns = anchor_ns - HOUR_NS
            await until(lambda: legend(window).endswith("trades, complete"), _LONG_S)
            await until(whole, _LONG_S)
            assert states_at(window, anchor_ns + HOUR_NS) == {BarState.ALL}

    tell(story())
