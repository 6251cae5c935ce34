"""The legend text on the sources of a profile, in shares that add up to 100 %."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.profiles.placed_profile import TimeRange
from app.profiles.profile_settings import ProfileSettings, VolumeDisplay
from app.storage.candle_store import CandleStore
from rendering.items.profiles.anchored_profile_item import AnchoredProfileItem
from rendering.items.profiles.profile_source_text import _percents
from tests.candles import CandleVenue
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, random_trades
from tests.rendering.items.profiles.test_anchored_profile_item import frame_of

MINUTE_NS = MINUTE.length_ns
TAPE = random_trades(100, 20)


def minutes(start: float, end: float) -> Span:
    return Span(*(round((FIRST_MINUTE + minute) * MINUTE_NS) for minute in (start, end)))


def legend_of(
    covered: Span, anchor: float, *, told: bool = True, shown: VolumeDisplay = VolumeDisplay.SPLIT, reach: float = 0, **cover
) -> str:
    """The legend of an anchored profile with all candles of the venue loaded."""
    inside = (TAPE.time_ns >= covered.start_ns) & (TAPE.time_ns < covered.end_ns)
    chart = StillChart(TAPE[inside])
    venue = CandleVenue(
        TAPE, (MINUTE_NS, 3 * MINUTE_NS), told=told, reaches_ns=dict.fromkeys((MINUTE_NS, 3 * MINUTE_NS), minutes(reach, reach).start_ns)
    )
    chart.candles.candle_store = CandleStore(venue.lengths_ns)
    chart.covered = (CoveredSpan(covered, Source.LIVE, 0, 9, **cover),)
    chart.trades = lambda start, end: TAPE[inside & (TAPE.time_ns >= start) & (TAPE.time_ns < end)]
    key = chart.anchors.add(minutes(anchor, anchor).start_ns)
    chart.anchors.set_inputs(key, replace(ProfileSettings(), volume=shown))
    while wishes := chart.profiles.candle_requests([chart.profiles.bars_of([TimeRange(minutes(anchor, anchor).start_ns, None)])]):
        for length_ns, span in wishes:
            chart.candles.candle_store.take(length_ns, span, [venue.page_of(length_ns, span)])
    return AnchoredProfileItem().legend(frame_of(chart))


def test_shares_are_of_the_time_up_to_the_last_trade(qapp) -> None:
    assert legend_of(minutes(18, 100), 0).endswith(" · 82 % trades, 18 % 1 m candles")


def test_trades_without_proof_are_called_unverified(qapp) -> None:
    assert legend_of(minutes(18, 100), 0, proven=False).endswith("82 % trades (unverified), 18 % 1 m candles")


def test_time_without_trades_and_candles_is_missing(qapp) -> None:
    assert legend_of(minutes(50, 100), 0, reach=20).endswith("⚠ 50 % trades, 30 % 1 m candles, 20 % missing")


def test_text_shows_the_share_of_trades_when_no_candle_is_used(qapp) -> None:
    assert legend_of(minutes(50, 100), 0, reach=60).endswith("· ⚠ trades cover 50 % of its time")


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (VolumeDisplay.SPLIT, "buy/sell (candles: up/down)"),
        (VolumeDisplay.DELTA, "delta (candles: up minus down)"),
        (VolumeDisplay.TOTAL, "total"),
    ],
)
def test_candle_volume_without_aggressor_is_called_up_and_down(qapp, shown: VolumeDisplay, text: str) -> None:
    assert f" · {text} · " in legend_of(minutes(18, 100), 0, told=False, shown=shown)
    assert "(candles:" not in legend_of(minutes(18, 100), 0, shown=shown)


def test_tiny_shares_are_not_0_and_almost_full_ones_not_100_percent() -> None:
    assert _percents([10**9, 1]) == ["> 99 %", "< 1 %"]
    assert _percents([825, 175]) == ["83 %", "17 %"]
    assert _percents([7]) == ["100 %"]


@given(st.lists(st.integers(1, 10**18), min_size=1, max_size=6))
def test_shares_add_up_to_100_percent(parts: list[int]) -> None:
    numbers = {"< 1 %": 0, "> 99 %": 100}
    assert sum(numbers.get(text, int(text.split()[0]) if text[0].isdigit() else 0) for text in _percents(parts)) == 100
