"""The lines of candle value areas."""

from __future__ import annotations

import pytest

from app.chart.chart import Chart, ChartSpec
from app.market.bar_rule import parse_bar_rule
from app.market.session import Period
from app.market.trade import TradeBatch
from app.settings.calculation import CalculationSettings, CandleAreaSettings, SessionSettings
from app.storage.trade_store import TradeStore
from rendering.items.levels.candle_areas_item import AreaLine, CandleAreasItem
from rendering.scene.scene import ChartScene
from rendering.style.theme import load_theme
from rendering.view.frame_coords import price_y
from tests.rendering.charts import INSTRUMENT

MINUTE_NS, HOUR_NS = 60 * 10**9, 3600 * 10**9
MONDAY_NS = 1_763_942_400 * 10**9  # 24 November 2025, 00:00 UTC
DAYS = CandleAreaSettings(periods=(Period.DAY,), rows=1)


def trades(*at: tuple[float, int, int]) -> TradeBatch:
    """Trades at hours after Monday's start, with price and lots."""
    times, prices, lots = zip(*at, strict=True)
    return TradeBatch.of([round(MONDAY_NS + hour * HOUR_NS) for hour in times], prices, lots, [1] * len(at), range(1, len(at) + 1))


def scene_of(batch: TradeBatch, rules: CalculationSettings) -> ChartScene:
    store = TradeStore()
    store.insert(batch)
    chart = Chart(ChartSpec(INSTRUMENT, parse_bar_rule("1h"), 10), rules)
    chart.apply(batch, store)
    scene = ChartScene(chart, load_theme(), 1200, 700, layers=[CandleAreasItem])
    scene.show("candle-areas")
    scene.show_all()
    scene.sight.following = False  # the view stays where it is
    scene.refresh()
    return scene


def lines(scene: ChartScene) -> dict[str, AreaLine]:
    assert scene.frame is not None
    (item,) = scene.items_by_layer
    assert isinstance(item, CandleAreasItem)
    return {line.name: line for line in item.lines(scene.frame)}


def y_of(scene: ChartScene, ticks: float) -> float:
    assert scene.frame is not None
    return price_y(scene.frame, ticks + 0.5)


TWO_DAYS = trades((20, 1000, 5), (20.5, 1040, 5), (22, 1020, 3), (25, 1100, 4), (26, 1140, 4))


def test_lines_of_previous_and_current_day_start_with_the_current(qapp):
    scene = scene_of(TWO_DAYS, CalculationSettings(candle_areas=DAYS))
    found = lines(scene)
    assert list(found) == ["cPOC previous day", "cVAH previous day", "cVAL previous day", "cPOC day", "cVAH day", "cVAL day"]
    assert [found[f"c{name} previous day"].y for name in ("VAH", "POC", "VAL")] == [y_of(scene, ticks) for ticks in (1040, 1020, 1000)]
    assert [found[f"c{name} day"].y for name in ("VAH", "POC", "VAL")] == [y_of(scene, ticks) for ticks in (1140, 1120, 1100)]
    tuesday = scene.viewport.x((MONDAY_NS + 25 * HOUR_NS) // HOUR_NS)
    assert {line.left for line in found.values()} == {tuesday}
    assert [line.past for line in found.values()] == [True] * 3 + [False] * 3


def test_days_follow_the_time_zone_not_the_session(qapp):
    rules = CalculationSettings(candle_areas=DAYS, time=SessionSettings(session="09:30-16:00", zone="Asia/Tokyo"))
    scene = scene_of(TWO_DAYS, rules)  # in Tokyo it is Tuesday from 15:00 UTC on
    assert list(lines(scene)) == ["cPOC day", "cVAH day", "cVAL day"]
    assert lines(scene)["cVAH day"].y == y_of(scene, 1140)
    assert lines(scene)["cVAL day"].y == y_of(scene, 1000)


def test_weeks_begin_on_monday_and_each_period_can_be_left_out(qapp):
    scene = scene_of(
        trades((-2, 900, 1), (1, 1000, 1)), CalculationSettings(candle_areas=CandleAreaSettings(periods=(Period.WEEK, Period.MONTH)))
    )
    assert {line.rpartition(" ")[2] for line in lines(scene)} == {"week", "month"}
    assert lines(scene)["cPOC previous week"].y == y_of(scene, 900)
    scene.chart.set_rules(CalculationSettings(candle_areas=CandleAreaSettings(periods=())))
    scene.refresh()
    assert lines(scene) == {} and scene.frame is not None and scene.frame.told == ()


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("UTC", "candle value area: 1 rows, 1h bars, mean, ⚠ previous day incomplete"),
        ("Asia/Tokyo", "candle value area: 1 rows, 1h bars, mean (Asia/Tokyo), ⚠ day incomplete"),
    ],
)
def test_legend_names_method_bars_zone_and_incomplete_periods(qapp, zone: str, said: str):
    scene = scene_of(TWO_DAYS, CalculationSettings(candle_areas=DAYS, time=SessionSettings(zone=zone)))
    assert scene.frame is not None and scene.frame.told == (said,)


def test_live_trade_moves_only_the_current_period(qapp):
    scene = scene_of(TWO_DAYS, CalculationSettings(candle_areas=DAYS))
    before = lines(scene)
    scene.chart.series.append(trades((26.2, 1160, 400)))
    scene.refresh()
    after = lines(scene)
    assert {name for name in before if before[name] != after.get(name)} == {"cPOC day", "cVAH day"}
