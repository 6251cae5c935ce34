"""The legend, the badge, the last price and the gap bands."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.settings.calculation import CalculationSettings, ImbalanceSettings, SessionSettings
from app.storage.trade_store import Gap
from rendering.items.bars.gap_item import GapItem, visible_bands
from rendering.items.guides.badge_item import BadgeItem, badge_rect, badge_text, mode_colour, notice_rect
from rendering.items.guides.last_price_item import LastPriceItem, last_price
from rendering.items.guides.legend_item import LegendItem, legend_lines, legend_rect
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from rendering.view.frame import CellStyle, Frame
from rendering.view.layout import PaneLayout
from rendering.view.viewport import Viewport
from tests.rendering.charts import FIRST_MINUTE, StillChart, trade

THEME = load_theme()
MINUTE_NS = 60_000_000_000


def frame_of(chart: StillChart, width: int = 1600, **more: Any) -> Frame:
    layout = PaneLayout.of(width, 900, "60000.0")
    viewport = Viewport(FIRST_MINUTE, 100, 599_800, 1.6, layout.price.width, layout.price.height)
    return Frame(chart, chart.revision, 0, viewport, layout, THEME, 1, CellStyle(), Detail.DIGITS, **more)


def falling() -> StillChart:
    chart = StillChart(trade(0, 600_005, second=1))
    chart.apply(trade(0, 600_000))
    return chart


def test_the_legend_names_market_bars_rows_and_rules():
    assert legend_lines(frame_of(falling())) == ("BTCUSDT · test · 1m · rows 10 (1.0) · VA 70 % dalton · imbalance 3.0 · colour volume",)


def test_legend_names_settings_that_differ_from_the_defaults():
    chart = falling()
    imbalance = ImbalanceSettings(ratio=Decimal(4), minimum=Decimal("0.5"), zeros="ignore")
    chart.set_rules(CalculationSettings(imbalance=imbalance, time=SessionSettings(session="us-rth")))
    frame = frame_of(chart, told=("ticks 1,234,567 · ids contiguous",))
    assert legend_lines(frame)[0].endswith(
        "imbalance 4.0 min 0.5 zeros ignore · session us-rth 09:30-16:00 America/New_York · colour volume"
    )
    assert legend_lines(frame)[1] == "ticks 1,234,567 · ids contiguous"


def test_a_narrow_chart_wraps_the_legend_between_its_parts():
    lines = legend_lines(frame_of(falling(), 400))
    assert lines == ("BTCUSDT · test · 1m · rows 10 (1.0)", "VA 70 % dalton · imbalance 3.0", "colour volume")


def test_legend_is_repainted_only_when_its_text_changes(qapp):
    item, chart = LegendItem(), falling()
    item.refresh(frame_of(chart))
    item.refresh(frame_of(chart))
    assert not item.refresh(frame_of(chart))
    chart.apply(trade(0, 600_001))
    assert not item.refresh(frame_of(chart))
    assert item.refresh(frame_of(chart, told=("more",)))


@pytest.mark.parametrize(
    ("mode", "badge", "text"),
    [
        ("live", "", ""),
        ("live", "◆ DEMO", "◆ DEMO"),
        ("stale", "", "■ STALE"),
        ("offline", "", "✕ OFFLINE"),
        ("simulated", "", "◆ SIMULATED"),
        ("replay", "", "▶ REPLAY"),
    ],
)
def test_badge_names_every_mode_but_live_by_word_and_symbol(mode: Any, badge: str, text: str):
    assert badge_text(frame_of(falling(), mode=mode, badge=badge)) == text


def test_a_changed_notice_repaints_only_its_own_line(qapp):
    item, chart = BadgeItem(), falling()
    refused = frame_of(chart, mode="offline", badge="✕ DISCONNECTED", notice="refused, retrying in 10 s")
    item.refresh(refused)
    assert not item.refresh(frame_of(chart, mode="offline", badge="✕ DISCONNECTED", notice="refused, retrying in 10 s"))
    later = frame_of(chart, mode="offline", badge="✕ DISCONNECTED", notice="refused, retrying in 9 s")
    assert item.changed(refused, later) == (notice_rect(refused), notice_rect(later))
    tried = frame_of(chart, mode="stale", badge="◌ CONNECTING")
    assert item.changed(later, tried) == item.pane(tried)


def test_each_mode_has_a_colour_of_its_own():
    assert len({mode_colour(THEME, mode) for mode in ("live", "stale", "offline", "simulated", "replay")}) == 5


@pytest.mark.parametrize("width", [300, 640, 1600])
def test_badge_never_covers_legend_or_axis(width: int):
    frame = frame_of(falling(), width, mode="simulated", notice="cannot reach binance: " + "name not known " * 20)
    assert not badge_rect(frame).intersects(legend_rect(frame))
    assert badge_rect(frame).right() <= frame.layout.plot_right
    assert notice_rect(frame).left() >= 0
    assert notice_rect(frame).right() <= frame.layout.plot_right
    assert not notice_rect(frame).intersects(badge_rect(frame))
    assert legend_rect(frame).right() <= frame.layout.price.right


@pytest.mark.parametrize(
    ("mode", "token"),
    [("live", "candle_down"), ("stale", "stale"), ("offline", "stale"), ("simulated", "simulated"), ("replay", "replay")],
)
def test_last_price_is_coloured_by_mode(mode: Any, token: str):
    shown = last_price(frame_of(falling(), mode=mode))
    assert shown is not None
    assert shown.ticks == 600_000
    assert shown.colour == getattr(THEME, token)


def test_last_price_takes_the_colour_of_a_rising_bar():
    chart = falling()
    chart.apply(trade(0, 600_005))
    shown = last_price(frame_of(chart))
    assert shown is not None
    assert shown.colour == THEME.candle_up


def test_a_change_of_the_last_price_repaints_two_strips(qapp):
    item, chart = LastPriceItem(), falling()
    item.refresh(frame_of(chart))
    before = frame_of(chart)
    item.changed(before, before)
    chart.apply(trade(0, 600_002))
    regions = item.changed(before, frame_of(chart))
    assert regions is not None
    assert [region.height() for region in regions] == [34, 34]
    assert item.changed(before, frame_of(chart)) is None


def hole(start_minute: float, end_minute: float, missing: int) -> Gap:
    start, end = (round((FIRST_MINUTE + minute) * MINUTE_NS) for minute in (start_minute, end_minute))
    return Gap(1000, 999 + missing, start, end)


def test_a_gap_is_a_band_over_its_time():
    chart = falling()
    chart.holes = [hole(2.5, 4.25, 1234)]
    (band,) = visible_bands(frame_of(chart))
    assert band == (250, 425, 1234, False)
    assert band.text == "⚠ 1,234 trades missing"


def test_a_short_gap_is_wide_enough_to_be_seen():
    chart = falling()
    chart.holes = [hole(2.5, 2.5, 1)]
    (band,) = visible_bands(frame_of(chart))
    assert band == (250, 256, 1, False)
    assert band.text == "⚠ 1 trade missing"


def test_a_gap_without_a_count_reads_trades_may_be_missing():
    chart = falling()
    chart.holes = [Gap(0, -1, *((FIRST_MINUTE + minute) * MINUTE_NS for minute in (2, 3)))]
    (band,) = visible_bands(frame_of(chart))
    assert (band.missing, band.text) == (0, "⚠ trades may be missing")


def test_gaps_that_touch_on_the_screen_share_a_band():
    chart = falling()
    chart.holes = [hole(2.5, 2.51, 10), hole(2.52, 3, 5), hole(6, 7, 1)]
    assert [band.missing for band in visible_bands(frame_of(chart))] == [15, 1]


@pytest.mark.parametrize("first_is_unknown", [False, True])
def test_a_band_with_a_gap_without_a_count_reads_at_least(first_is_unknown: bool):
    chart = falling()
    first, second = hole(2.5, 2.51, 0 if first_is_unknown else 12), hole(2.52, 3, 12 if first_is_unknown else 0)
    chart.holes = [first, second]
    assert [band.text for band in visible_bands(frame_of(chart))] == ["⚠ at least 12 trades missing"]


def test_gaps_out_of_view_are_not_drawn():
    chart = falling()
    chart.holes = [hole(-20, -10, 10), hole(100, 120, 5)]
    assert visible_bands(frame_of(chart)) == ()


def test_a_filled_gap_is_repainted(qapp):
    item, chart = GapItem(), falling()
    chart.holes = [hole(2, 3, 10)]
    item.refresh(frame_of(chart))
    item.refresh(frame_of(chart))
    assert not item.refresh(frame_of(chart))
    chart.holes = []
    assert item.refresh(replace(frame_of(chart)))
