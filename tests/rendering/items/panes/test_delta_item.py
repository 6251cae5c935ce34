"""Delta columns and the volume row under the bars."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from app.analytics.delta import bar_delta
from rendering.items.panes.delta_item import DeltaItem, largest_delta, visible_columns
from rendering.style.text import Labels
from rendering.style.theme import load_theme
from rendering.view.detail import Detail
from rendering.view.frame import CellStyle, Frame
from rendering.view.layout import PaneLayout
from rendering.view.viewport import Viewport
from tests.rendering.charts import FIRST_MINUTE, StillChart, random_trades, trade

THEME = load_theme()


def frame_of(chart: StillChart, *, first_bar: float = 0.0, bar_px: float = 100, dpr: float = 1) -> Frame:
    layout = PaneLayout.of(1600, 900, "60000.0")
    viewport = Viewport(FIRST_MINUTE + first_bar, bar_px, 599_800, 1.6, layout.price.width, layout.price.height)
    return Frame(chart, chart.revision, 0, viewport, layout, THEME, dpr, CellStyle(), Detail.DIGITS)


def three_bars() -> StillChart:
    chart = StillChart(trade(0, 600_000, lots=300, side=1))
    chart.apply(trade(1, 600_000, lots=500, side=-1))
    chart.apply(trade(3, 600_000, lots=100, side=1))  # no trade in the third minute
    return chart


def test_a_column_is_as_wide_as_its_bar_minus_a_gap():
    columns = visible_columns(frame_of(three_bars()), 0, 3)
    assert columns.left.tolist() == [0, 100, 300]
    assert columns.width.tolist() == [99, 99, 99]
    assert columns.up.tolist() == [300, 0, 100]
    assert columns.down.tolist() == [0, 500, 0]
    assert columns.volume.tolist() == [300, 500, 100]


def test_columns_share_their_left_edges_with_bars_at_any_scale():
    frame = frame_of(three_bars(), bar_px=37.3, dpr=1.5)
    columns = visible_columns(frame, 0, 3)
    assert columns.left.tolist() == [
        int(x) for x in frame.pixels.bar_x([FIRST_MINUTE, FIRST_MINUTE + 1, FIRST_MINUTE + 3]) - frame.pixels.left
    ]


def test_bars_narrower_than_a_pixel_show_the_largest_deltas():
    chart = StillChart(random_trades(400, 10))
    frame = frame_of(chart, bar_px=0.25)
    columns = visible_columns(frame, 0, 400)
    delta = bar_delta(chart.series)
    assert columns.width.tolist() == [1] * 100
    assert columns.left.tolist() == list(range(100))
    assert columns.up.tolist() == [max(0, int(delta[i : i + 4].max())) for i in range(0, 400, 4)]
    assert columns.down.tolist() == [max(0, -int(delta[i : i + 4].min())) for i in range(0, 400, 4)]


def test_the_scale_is_the_largest_delta_in_view():
    chart = three_bars()
    assert largest_delta(frame_of(chart)) == 500
    assert largest_delta(frame_of(chart, first_bar=2)) == 100
    assert largest_delta(frame_of(chart, first_bar=90)) == 0


@pytest.mark.parametrize("dpr", [1, 2])
def test_buying_goes_up_and_selling_goes_down(qapp, dpr: int):
    frame = frame_of(three_bars(), dpr=dpr)
    image = picture(frame)
    pane, theme = frame.layout.delta, frame.theme
    middle = round((pane.top + pane.height / 2) * dpr)
    half = (pane.height / 2 - 4) * dpr

    def colours_at(x: int) -> tuple[int, int]:
        """Pixels coloured above and below the middle line, away from the texts."""
        column = [image.pixel(x, y) for y in range(pane.top * dpr, pane.bottom * dpr)]
        return column.count(theme.buy.argb), column.count(theme.sell.argb)

    up, down = colours_at(3 * dpr)
    assert (up, down) == (pytest.approx(half * 0.6, abs=2), 0)
    up, down = colours_at(103 * dpr)
    assert (up, down) == (0, pytest.approx(half, abs=2))
    assert colours_at(203 * dpr) == (0, 0)
    assert image.pixel(3 * dpr, middle - dpr - 1) == theme.buy.argb


def test_the_volume_row_is_coloured_by_rank(qapp):
    frame = frame_of(three_bars())
    image = picture(frame)
    y, ramp = frame.layout.volume.top + 3, frame.theme.volume_ramp
    steps = [ramp.index(next(c for c in ramp if c.argb == image.pixel(x, y))) for x in (303, 3, 103)]
    assert steps == sorted(steps) and len(set(steps)) == 3


def test_live_trade_repaints_only_the_last_column(qapp):
    chart = StillChart(random_trades(12, 50))
    chart.apply(trade(12, 600_000, lots=5, second=1))
    item = DeltaItem()
    item.refresh(frame_of(chart))
    before = frame_of(chart)
    item.changed(before, before)
    chart.apply(trade(12, 600_000, lots=1))
    after = frame_of(chart)
    region = item.changed(before, after)
    assert region is not None
    assert (region.left(), region.right()) == (1200, after.layout.plot_right)
    assert item.changed(after, frame_of(chart)) is None


def test_a_new_largest_delta_repaints_all_columns(qapp):
    chart = three_bars()
    item = DeltaItem()
    item.refresh(frame_of(chart))
    before = frame_of(chart)
    item.changed(before, before)
    chart.apply(trade(3, 600_000, lots=900, side=1))
    assert item.changed(before, frame_of(chart)) == item.pane(before)


def picture(frame: Frame) -> QImage:
    item = DeltaItem()
    item.refresh(frame)
    size = frame.layout.width, frame.layout.height
    image = QImage(round(size[0] * frame.dpr), round(size[1] * frame.dpr), QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(frame.dpr)
    image.fill(0)
    painter = QPainter(image)
    item.draw(painter, frame, QRectF(0, 0, *size))
    painter.end()
    return image


@pytest.mark.parametrize("first_bar", [0.3, 0.5, 0.7])
def test_numbers_cut_by_an_edge_are_left_out(qapp, monkeypatch: pytest.MonkeyPatch, first_bar: float):
    frame = frame_of(three_bars(), first_bar=first_bar)
    written: list[tuple[float, float]] = []

    def record(labels: Labels, painter: QPainter, x: float, y: float, text: str, colour: object, align: float = 0.0) -> None:
        if align:
            written.append((x - align * labels.width(text), x + (1 - align) * labels.width(text)))

    monkeypatch.setattr(Labels, "draw", record)
    picture(frame)
    assert written and all(frame.layout.volume.left <= left and right <= frame.layout.volume.right for left, right in written)


@pytest.mark.parametrize(("n_bars", "told"), [(1, "volume 0.300 · 1 bar"), (2, "volume 0.800 · 2 bars")])
def test_totals_show_the_number_of_bars(qapp, monkeypatch: pytest.MonkeyPatch, n_bars: int, told: str):
    chart = StillChart(trade(0, 600_000, lots=300, side=1))
    if n_bars == 2:
        chart.apply(trade(1, 600_000, lots=500, side=-1))
    written: list[str] = []
    monkeypatch.setattr(Labels, "draw", lambda labels, painter, x, y, text, colour, align=0.0: written.append(text))
    picture(frame_of(chart))
    assert told in written
