"""The crosshair and its readout."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from rendering.items.bars.visible_coverage import VisibleCoverage
from rendering.items.guides.crosshair_item import CrosshairItem, pointed_at, readout_rect
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from rendering.view.frame import CellStyle, Frame
from rendering.view.layout import PaneLayout
from rendering.view.viewport import Viewport
from tests.rendering.charts import FIRST_MINUTE, MINUTE, StillChart, trade

THEME = load_theme()


def frame_of(chart: StillChart, cursor: tuple[float, float] | None, width: int = 1600) -> Frame:
    layout = PaneLayout.of(width, 900, "60000.0")
    viewport = Viewport(FIRST_MINUTE, 100, 599_800, 1.6, layout.price.width, layout.price.height)
    return Frame(chart, chart.revision, 0, viewport, layout, THEME, 1, CellStyle(), Detail.DIGITS, cursor)


def one_bar() -> StillChart:
    chart = StillChart(trade(0, 600_005, lots=3000, side=1, second=1))
    for price, lots, side, second in ((600_021, 500, -1, 2), (599_990, 1250, -1, 3), (600_004, 40, 1, 4)):
        chart.apply(trade(0, price, lots=lots, side=side, second=second))
    return chart


def y_of(chart: StillChart, ticks: float) -> float:
    return frame_of(chart, None).viewport.y(ticks)


def words(chart: StillChart, cursor: tuple[float, float]) -> list[str]:
    frame = frame_of(chart, cursor)
    pointed = pointed_at(frame, VisibleCoverage().of(frame))
    assert pointed is not None
    return [" ".join(text for text, _ in line) for line in pointed.readout]


def test_readout_shows_all_values_of_bar_and_row():
    chart = one_bar()
    bar, row = words(chart, (40, y_of(chart, 600_005)))
    assert bar == "O 60000.5 H 60002.1 L 59999.0 C 60000.4 Vol 4.790 Δ +1.290 min/max 0/+3.00 trades 4"
    assert row == "row 60000.0–60000.9 sell 0.000 buy 3.040 Δ +3.040"


def test_a_row_without_trades_reads_zero():
    chart = one_bar()
    assert words(chart, (40, y_of(chart, 600_015)))[1] == "row 60001.0–60001.9 sell 0.000 buy 0.000 Δ 0.000"
    assert words(chart, (40, y_of(chart, 600_095)))[1] == "row 60009.0–60009.9 sell 0.000 buy 0.000 Δ 0.000"


def test_readout_shows_volume_without_aggressor_as_unknown():
    chart = one_bar()
    chart.apply(trade(0, 600_005, lots=7, side=0))
    assert words(chart, (40, y_of(chart, 600_005)))[1].endswith("Δ +3.040 unknown 0.007")


def test_readout_shows_no_trades_for_an_empty_minute():
    assert words(one_bar(), (140, 400)) == ["no trades"]


def test_readout_shows_missing_and_unverified_trades():
    chart = one_bar()
    start_ns = FIRST_MINUTE * MINUTE.length_ns
    chart.covered = (CoveredSpan(Span(start_ns + 10**9, start_ns + MINUTE.length_ns), Source.LIVE, 0, 0),)
    assert words(chart, (40, 800))[0].endswith("trades 4 ⚠ trades missing in this bar")
    later = Span(start_ns + 3 * MINUTE.length_ns, start_ns + 4 * MINUTE.length_ns)
    chart.covered = (
        CoveredSpan(Span(start_ns, later.start_ns // 2 + start_ns // 2), Source.LIVE, 0, 0),
        CoveredSpan(later, Source.LIVE, 0, 0, False),
    )
    assert words(chart, (40, 800))[0].endswith("trades 4")
    assert [words(chart, (x, 800)) for x in (240, 340, 440)] == [["⚠ trades missing in this bar"], ["unverified"], ["no trades"]]


def test_readout_says_may_be_missing_when_trades_have_no_ids():
    chart = one_bar()
    start_ns = FIRST_MINUTE * MINUTE.length_ns
    chart.spec = replace(chart.spec, instrument=replace(chart.spec.instrument, numbered=False))
    chart.covered = (CoveredSpan(Span(start_ns + 10**9, start_ns + MINUTE.length_ns), Source.LIVE, 0, 0, False),)
    assert words(chart, (40, 800))[0].endswith("⚠ trades may be missing in this bar")


def test_vertical_line_is_at_mid_bar_and_its_tag_shows_the_start():
    pointed = pointed_at(frame_of(one_bar(), (12, 400)))
    assert pointed is not None
    assert pointed.x == 50
    assert pointed.time == "Wed 19 Feb 2025 21:20"


def test_price_tag_shows_the_tick_under_the_mouse():
    chart = one_bar()
    pointed = pointed_at(frame_of(chart, (40, y_of(chart, 600_007) - 0.1)))
    assert pointed is not None
    assert pointed.price == "60000.7"


def test_no_price_line_is_drawn_over_the_delta_pane():
    frame = frame_of(one_bar(), None)
    pointed = pointed_at(frame_of(one_bar(), (40, frame.layout.delta.top + 5)))
    assert pointed is not None
    assert pointed.y is None
    assert len(pointed.readout) == 1


def test_only_the_price_line_is_drawn_over_the_profile():
    frame = frame_of(one_bar(), None)
    pointed = pointed_at(frame_of(one_bar(), (frame.layout.profile.left + 5, 300)))
    assert pointed is not None
    assert (pointed.x, pointed.y, pointed.readout) == (None, 300, ())


@pytest.mark.parametrize("pane", ["price_axis", "time_axis", "delta_axis", "totals"])
def test_no_crosshair_is_drawn_over_the_axes(pane: str):
    rect = getattr(frame_of(one_bar(), None).layout, pane)
    assert pointed_at(frame_of(one_bar(), (rect.left + 2, rect.top + 2))) is None


def test_a_narrow_chart_wraps_the_readout_between_values():
    chart = one_bar()
    pointed = pointed_at(frame_of(chart, (40, y_of(chart, 600_005)), 400))
    assert pointed is not None
    lines = [" ".join(text for text, _ in line) for line in pointed.readout]
    assert lines[:3] == [
        "O 60000.5 H 60002.1 L 59999.0 C 60000.4",
        "Vol 4.790 Δ +1.290 min/max 0/+3.00 trades 4",
        "row 60000.0–60000.9 sell 0.000 buy 3.040",
    ]


@pytest.mark.parametrize("width", [300, 700, 1600])
def test_the_readout_never_covers_the_price_axis(width: int):
    chart = one_bar()
    frame = frame_of(chart, (40, 400), width)
    pointed = pointed_at(frame)
    assert pointed is not None
    assert readout_rect(frame, pointed).right() <= frame.layout.price_axis.left


def test_a_mouse_move_repaints_only_thin_regions(qapp):
    chart = one_bar()
    item = CrosshairItem()
    item.refresh(frame_of(chart, (40, 300)))
    before = frame_of(chart, (40, 301))
    item.refresh(before)
    after = frame_of(chart, (40, 310))
    regions = item.changed(before, after)
    assert regions
    assert sum(region.width() * region.height() for region in regions) < 0.05 * 1600 * 900
    assert item.changed(after, frame_of(chart, (40, 310))) is None
