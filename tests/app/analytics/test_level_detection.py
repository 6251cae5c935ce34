"""Levels of bars, profiles, nodes and sessions, with the prices that end them."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import ImbalanceRule, imbalances
from app.analytics.level_detection import (
    DetectedLevel,
    LevelKind,
    levels_of_bars,
    levels_of_nodes,
    levels_of_profile,
    levels_of_tpo,
    touched,
    traded_above,
    traded_below,
)
from app.analytics.level_expiry import ALWAYS, NEVER
from app.analytics.profile import VolumeProfile
from app.analytics.tpo import TpoProfile
from app.analytics.value_area import ValueAreaMethod
from app.analytics.volume_nodes import VolumeNodes
from app.market.bar_rule import BarRule
from app.market.price_grid import PriceGrid
from app.market.trade import BUY, SELL
from tests.builders import SECOND_NS, trades_of


def test_a_touch_needs_a_bar_from_at_most_the_top_to_at_least_the_bottom() -> None:
    assert touched(LevelKind.HVN, 20, 24) == DetectedLevel(LevelKind.HVN, 20, 24, low_at_most=24, high_at_least=20)


def test_trading_above_needs_a_high_of_a_tick_more() -> None:
    assert traded_above(LevelKind.POOR_HIGH, 24) == DetectedLevel(LevelKind.POOR_HIGH, 24, 24, ALWAYS, 25)
    assert traded_above(LevelKind.STACKED_SELL, 24, 20) == DetectedLevel(LevelKind.STACKED_SELL, 20, 24, ALWAYS, 25)
    assert traded_above(LevelKind.STACKED_SELL, 24, 0).bottom == 0


def test_trading_below_needs_a_low_of_a_tick_less() -> None:
    assert traded_below(LevelKind.POOR_LOW, 20) == DetectedLevel(LevelKind.POOR_LOW, 20, 20, 19, NEVER)
    assert traded_below(LevelKind.STACKED_BUY, 20, 24) == DetectedLevel(LevelKind.STACKED_BUY, 20, 24, 19, NEVER)


def test_the_numbers_of_the_kinds_never_change() -> None:
    names = "POC VAH VAL HVN LVN SINGLE_PRINTS POOR_HIGH POOR_LOW UNFINISHED_HIGH UNFINISHED_LOW STACKED_BUY STACKED_SELL"
    assert [kind.name for kind in LevelKind] == names.split()
    assert list(LevelKind) == list(range(12))


# -- bars --------------------------------------------------------------------------------------


def found(rows: list[tuple[float, int, int, int]], *, zones_end: str = "touch", height: int = 1, stacked: int = 3, first: int = 0):
    series = FootprintSeries(BarRule(60 * SECOND_NS), PriceGrid(Decimal("0.1"), height))
    series.append(trades_of(rows))
    marks = imbalances(series, first, series.n_bars, ImbalanceRule(stacked=stacked))
    return levels_of_bars(series, first, series.n_bars, marks, stacked, zones_end)


UNFINISHED = [(0, 100, 5, BUY), (1, 100, 5, SELL), (2, 103, 5, BUY), (3, 103, 5, SELL)]


def test_an_auction_is_unfinished_where_both_sides_traded_at_the_extreme() -> None:
    assert found(UNFINISHED) == [
        (0, traded_below(LevelKind.UNFINISHED_LOW, 100)),
        (0, traded_above(LevelKind.UNFINISHED_HIGH, 103)),
    ]


@pytest.mark.parametrize("left_out", range(4))
def test_an_auction_with_one_side_at_the_extreme_is_finished(left_out: int) -> None:
    rows = [row for place, row in enumerate(UNFINISHED) if place != left_out]
    kind = LevelKind.UNFINISHED_HIGH if left_out < 2 else LevelKind.UNFINISHED_LOW
    assert [level.kind for _, level in found(rows)] == [kind]


def test_an_unfinished_high_is_the_high_and_not_the_edge_of_its_row() -> None:
    rows = [(0, 100, 5, BUY), (1, 117, 5, BUY), (2, 116, 5, SELL)]  # rows of five ticks: 115 to 119
    assert found(rows, height=5) == [(0, traded_above(LevelKind.UNFINISHED_HIGH, 117))]


def test_levels_are_those_of_the_given_bars_in_their_order() -> None:
    later = [(60 + second, price, lots, side) for second, price, lots, side in UNFINISHED]
    assert [bar for bar, _ in found([*UNFINISHED, *later])] == [0, 0, 1, 1]
    assert [bar for bar, _ in found([*UNFINISHED, *later], first=1)] == [1, 1]


BUYING = [*((0, price, 1, SELL) for price in (100, 101, 102)), *((1, price, 9, BUY) for price in (101, 102, 103))]
SELLING = [*((0, price, 1, BUY) for price in (101, 102, 103)), *((1, price, 9, SELL) for price in (100, 101, 102))]


def zones(rows: list[tuple[float, int, int, int]], **how: object) -> list[tuple[int, DetectedLevel]]:
    return [one for one in found(rows, **how) if one[1].kind in (LevelKind.STACKED_BUY, LevelKind.STACKED_SELL)]  # type: ignore[arg-type]


def test_a_stacked_zone_ends_with_a_touch_of_its_ticks() -> None:
    assert zones(BUYING) == [(0, touched(LevelKind.STACKED_BUY, 101, 103))]
    assert zones(SELLING) == [(0, touched(LevelKind.STACKED_SELL, 100, 102))]


def test_a_stacked_zone_ends_with_a_close_beyond_its_far_side() -> None:
    assert zones(BUYING, zones_end="close") == [(0, traded_below(LevelKind.STACKED_BUY, 101, 103))]
    assert zones(SELLING, zones_end="close") == [(0, traded_above(LevelKind.STACKED_SELL, 102, 100))]


def test_a_zone_needs_as_many_rows_as_are_set() -> None:
    assert zones(BUYING, stacked=4) == []


def test_a_zone_of_higher_rows_goes_to_the_last_tick_of_its_top_row() -> None:
    rows = [(second, 5 * (price - 100) + 100, lots, side) for second, price, lots, side in BUYING]
    assert zones(rows, height=5) == [(0, touched(LevelKind.STACKED_BUY, 105, 119))]  # rows 105 to 119


# -- profiles and nodes --------------------------------------------------------------------------


def profile_of(rows: list[int], first_row: int) -> VolumeProfile:
    buy = np.array(rows, np.int64)
    return VolumeProfile(first_row, buy, np.zeros_like(buy), np.zeros_like(buy))


@pytest.mark.parametrize(
    ("height", "poc", "vah", "val"),
    [(1, 12, 13, 11), (2, 25, 28, 22), (4, 50, 56, 44), (5, 62, 70, 55)],  # POC: row 12; the area: rows 11 to 13
)
def test_the_poc_is_a_middle_tick_and_the_area_ends_at_row_edges_except_in_rows_of_one_tick(
    height: int, poc: int, vah: int, val: int
) -> None:
    profile = profile_of([1, 4, 9, 4, 1], 10)
    levels = list(levels_of_profile(profile, height, 70, ValueAreaMethod.SINGLE))
    assert levels == [touched(LevelKind.POC, poc, poc), touched(LevelKind.VAH, vah, vah), touched(LevelKind.VAL, val, val)]


def test_the_value_area_follows_percentage_and_method() -> None:
    profile = profile_of([1, 4, 9, 4, 1], 10)
    everything = list(levels_of_profile(profile, 1, 100, ValueAreaMethod.SINGLE))
    assert [level.bottom for level in everything[1:]] == [14, 10]
    skewed = profile_of([3, 3, 9, 2, 3, 0], 10)  # 60 % are 12 of 20 lots: pair by pair down to row 10, row by row to row 11
    by_method = {method: [level.bottom for level in levels_of_profile(skewed, 1, 60, method)][1:] for method in ValueAreaMethod}
    assert by_method[ValueAreaMethod.DALTON] == [12, 10] and by_method[ValueAreaMethod.SINGLE] == [12, 11]


def test_nodes_are_middle_ticks_that_no_bar_ends() -> None:
    nodes = VolumeNodes(np.array([3, 8]), np.array([5]))
    assert list(levels_of_nodes(nodes, 4)) == [
        DetectedLevel(LevelKind.HVN, 14, 14, NEVER, ALWAYS),
        DetectedLevel(LevelKind.HVN, 34, 34, NEVER, ALWAYS),
        DetectedLevel(LevelKind.LVN, 22, 22, NEVER, ALWAYS),
    ]


# -- sessions ----------------------------------------------------------------------------------


def letters(*rows: str, first_row: int = 50, low: int = 0, high: int = 0) -> TpoProfile:
    """A session from its rows, lowest first, `A.C` for a row with the letters A and C."""
    marks = np.array([[sign != "." for sign in row] for row in rows])
    n = marks.shape[1]
    return TpoProfile(0, 1, first_row, marks, np.full(n, high), np.full(n, low))


SESSION = letters("A..", "AB.", ".B.", "..C", ".BC", ".B.", "A..")  # single prints: rows 52, 53 and 55


def prints(last_price: int, height: int = 1) -> list[DetectedLevel]:
    return [level for level in levels_of_tpo(SESSION, height, last_price) if level.kind is LevelKind.SINGLE_PRINTS]


def test_each_run_of_single_prints_is_one_zone() -> None:
    assert [(level.bottom, level.top) for level in prints(60)] == [(52, 53), (55, 55)]


@pytest.mark.parametrize(("last_price", "ends"), [(54, (52, NEVER)), (53, (53, 52)), (52, (53, 52)), (51, (ALWAYS, 53))])
def test_single_prints_end_at_the_row_far_from_the_close(last_price: int, ends: tuple[int, int]) -> None:
    zone = prints(last_price)[0]
    assert (zone.low_at_most, zone.high_at_least) == ends  # inside the zone: with a touch


def test_single_prints_of_higher_rows_go_to_their_last_tick() -> None:
    low, _ = prints(10_000, height=5)
    assert (low.bottom, low.top, low.low_at_most) == (260, 269, 264)  # rows 52 and 53: ticks 260 to 269
    high, _ = prints(0, height=5)
    assert high.high_at_least == 265


def test_a_poor_high_or_low_is_the_traded_extreme() -> None:
    both = letters("AB.", "ABC", ".BC", low=501, high=523)
    assert list(levels_of_tpo(both, 10, 510)) == [traded_above(LevelKind.POOR_HIGH, 523), traded_below(LevelKind.POOR_LOW, 501)]


def test_a_session_without_prints_and_poor_extremes_has_no_levels() -> None:
    assert list(levels_of_tpo(letters("A..", "ABC", "..C"), 1, 51)) == []
