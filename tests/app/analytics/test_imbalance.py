import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import RATIO_300_PERCENT, RATIO_300_PERCENT_MORE, ImbalanceRule, imbalances, stacked_zones
from app.errors import BadInputError
from app.market.decimals import to_steps
from app.market.trade import BUY, SELL, TradeBatch
from tests.builders import series_of, trade_batches, trades_of
from tests.oracles.imbalances import imbalanced_rows, stacked_runs

CASES = json.loads((Path(__file__).parents[2] / "vectors/imbalance.json").read_text())["cases"]
RULES = st.builds(
    ImbalanceRule,
    ratio=st.sampled_from([Decimal(1), Decimal("1.5"), Decimal(3), Decimal("3.0"), Decimal(4), Decimal("0.333")]),
    minimum_lots=st.sampled_from([0, 1, 3, 40]),
    zeros=st.sampled_from(["count", "ignore"]),
    stacked=st.integers(1, 4),
)


def one_bar(rows: Mapping[int, tuple[int, int]], second: float = 0) -> list[tuple[float, int, int, int]]:
    """Trades of one bar with cells {row: (sell, buy)}."""
    sold = [(second, row, sell, SELL) for row, (sell, _) in rows.items() if sell]
    return sold + [(second, row, buy, BUY) for row, (_, buy) in rows.items() if buy]


def marked_rows(series: FootprintSeries, bar: int, rule: ImbalanceRule) -> tuple[list[int], list[int]]:
    """Rows of one bar that are marked, buy and sell."""
    found = imbalances(series, bar, bar + 1, rule)
    first_row = int(series.first_row[bar])
    return (found.buy.nonzero()[0] + first_row).tolist(), (found.sell.nonzero()[0] + first_row).tolist()


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_imbalances_equal_the_published_examples(case: dict) -> None:
    lots = {int(row): tuple(to_steps(both, Decimal("0.001")).tolist()) for row, both in case["rows"].items()}
    series = series_of(trades_of(one_bar(lots)))
    assert marked_rows(series, 0, ImbalanceRule(Decimal(case["ratio"]), zeros=case["zeros"])) == (case["buy"], case["sell"])


def test_the_ratio_presets_are_three_and_four_times() -> None:
    assert (RATIO_300_PERCENT, RATIO_300_PERCENT_MORE) == (3, 4)
    assert ImbalanceRule().ratio == 3


def test_one_lot_short_of_the_ratio_is_not_enough() -> None:
    rule = ImbalanceRule(Decimal("2.5"))
    assert marked_rows(series_of(trades_of(one_bar({1: (4, 1), 2: (1, 10)}))), 0, rule) == ([2], [])
    assert marked_rows(series_of(trades_of(one_bar({1: (4, 1), 2: (1, 9)}))), 0, rule) == ([], [])


def test_the_minimum_applies_to_the_dominant_side_only() -> None:
    series = series_of(trades_of(one_bar({1: (2, 0), 2: (1, 10)})))
    assert marked_rows(series, 0, ImbalanceRule(minimum_lots=10)) == ([2], [])
    assert marked_rows(series, 0, ImbalanceRule(minimum_lots=11)) == ([], [])


def test_rows_of_neighbouring_bars_are_never_compared() -> None:
    series = series_of(trades_of(one_bar({10: (1, 0)}) + one_bar({11: (0, 900)}, 60) + one_bar({10: (900, 0)}, 120)))
    for bar in range(3):
        assert marked_rows(series, bar, ImbalanceRule()) == ([], [])
    found = imbalances(series, 0, 3, ImbalanceRule())
    assert not found.buy.any()
    assert not found.sell.any()


def test_products_beyond_64_bits_are_compared_exactly() -> None:
    big = 3 * 10**18
    assert marked_rows(series_of(trades_of(one_bar({1: (10**18, 1), 2: (1, big)}))), 0, ImbalanceRule(Decimal("3.0"))) == ([2], [])
    precise = ImbalanceRule(Decimal("3.000000000000000001"))
    assert marked_rows(series_of(trades_of(one_bar({1: (10**18, 1), 2: (1, big)}))), 0, precise) == ([], [])


def test_three_rows_in_a_row_make_a_stacked_zone() -> None:
    stairs = dict.fromkeys(range(5), (1, 9))
    zones = stacked_zones(series_of(trades_of(one_bar(stairs))), 0, 1, ImbalanceRule())
    assert [column.tolist() for column in zones] == [[0], [1], [4], [BUY]]
    assert not len(stacked_zones(series_of(trades_of(one_bar(stairs))), 0, 1, ImbalanceRule(stacked=5)).bar)


def test_zones_have_the_index_of_their_bar_in_the_series() -> None:
    trades = one_bar({5: (1, 1)}) + one_bar(dict.fromkeys(range(4), (9, 1)), 60) + one_bar(dict.fromkeys(range(8, 12), (1, 9)), 120)
    series = series_of(trades_of(trades))
    assert [column.tolist() for column in stacked_zones(series, 1, 3, ImbalanceRule())] == [[1, 2], [0, 9], [2, 11], [SELL, BUY]]


def test_no_bars_have_no_marks() -> None:
    series = series_of(trades_of(one_bar({1: (1, 1)})))
    assert [len(marks) for marks in imbalances(series, 1, 1, ImbalanceRule())] == [0, 0]
    assert [len(column) for column in stacked_zones(series, 1, 1, ImbalanceRule())] == [0, 0, 0, 0]


@pytest.mark.parametrize("ratio", ["0", "-1", "NaN", "Infinity"])
def test_a_ratio_that_is_not_positive_is_refused(ratio: str) -> None:
    with pytest.raises(BadInputError, match="imbalance ratio"):
        ImbalanceRule(Decimal(ratio))


def test_a_stack_of_zero_rows_is_refused() -> None:
    with pytest.raises(BadInputError, match="stacked"):
        ImbalanceRule(stacked=0)


@settings(max_examples=120)
@given(trade_batches(), RULES, st.integers(1, 3))
def test_imbalances_and_zones_equal_the_oracle(trades: TradeBatch, rule: ImbalanceRule, ticks_per_row: int) -> None:
    series = series_of(trades, ticks_per_row=ticks_per_row)
    found, buys, sells, zones = imbalances(series, 0, series.n_bars, rule), [], [], []
    for bar in range(series.n_bars):
        first_row, buy, sell, _ = series.bar_cells(bar)
        sides = imbalanced_rows(buy.tolist(), sell.tolist(), rule)
        for marked, side, rows in ((buys, BUY, sides[0]), (sells, SELL, sides[1])):
            marked += [int(series.cell_start[bar]) + row for row in rows]
            zones += [(bar, first_row + low, first_row + high, side) for low, high in stacked_runs(rows, rule.stacked)]
    assert found.buy.nonzero()[0].tolist() == buys
    assert found.sell.nonzero()[0].tolist() == sells
    stacked = stacked_zones(series, 0, series.n_bars, rule)
    assert list(zip(*(column.tolist() for column in stacked), strict=True)) == zones
