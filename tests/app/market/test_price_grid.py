import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import BadInputError, OffGridError
from app.market.price_grid import PriceGrid, nice_ticks_per_row, ticks_per_row_for

ROWS = json.loads((Path(__file__).parents[2] / "vectors/rows.json").read_text())["cases"]


def test_a_price_on_an_edge_belongs_to_the_row_above_it() -> None:
    grid = PriceGrid(Decimal("0.25"), 4)
    assert grid.ticks(["99.75", "100", "100.75", "101.00"]).tolist() == [399, 400, 403, 404]
    assert grid.rows(np.array([399, 400, 403, 404])).tolist() == [99, 100, 100, 101]
    assert (grid.row(403), grid.row(404)) == (100, 101)
    assert (grid.row_low_ticks(100), grid.row_text(100), grid.row_size, grid.decimals) == (400, "100.00", Decimal(1), 2)


def test_prices_are_written_with_the_venues_decimals() -> None:
    assert PriceGrid(Decimal("0.01")).text(6_183_763) == "61837.63"
    assert PriceGrid(Decimal("0.01")).price(250) == 2.5


@pytest.mark.parametrize("price", ["0", "0.00", "-1"])
def test_a_price_of_zero_or_less_is_refused(price: str) -> None:
    with pytest.raises(OffGridError, match="expected a positive price") as caught:
        PriceGrid(Decimal("0.01")).ticks(["1", price])
    assert (caught.value.index, caught.value.value) == (1, price)


def test_a_row_has_at_least_one_tick() -> None:
    with pytest.raises(BadInputError, match="ticks per row"):
        PriceGrid(Decimal(1), 0)


@pytest.mark.parametrize(("range_ticks", "wanted", "ticks", "rows"), ROWS)
def test_row_height_for_a_row_count_is_the_published_one(range_ticks: int, wanted: int, ticks: int, rows: int) -> None:
    assert ticks_per_row_for(range_ticks, wanted) == ticks
    assert -(-range_ticks // ticks) == rows


@settings(max_examples=100)
@given(st.integers(1, 3000), st.integers(1, 3000))
def test_no_other_row_height_comes_closer_to_the_row_count(range_ticks: int, wanted: int) -> None:
    def miss(ticks: int) -> int:
        return abs(-(-range_ticks // ticks) - wanted)

    found = ticks_per_row_for(range_ticks, wanted)
    raw = range_ticks / wanted
    candidates = {max(1, int(raw)), max(1, int(raw) + (raw > int(raw)))}
    assert found in candidates
    assert all(miss(found) < miss(other) or (miss(found) == miss(other) and found <= other) for other in candidates)


@pytest.mark.parametrize(("range_ticks", "rows"), [(0, 5), (5, 0), (-1, 1)])
def test_a_layout_without_rows_or_range_is_refused(range_ticks: int, rows: int) -> None:
    with pytest.raises(BadInputError, match="row layout"):
        ticks_per_row_for(range_ticks, rows)


def test_nice_row_heights_are_round_and_not_above_the_request() -> None:
    wanted = [0.2, 1, 1.9, 2, 4.9, 5, 9, 10, 19, 20, 24.9, 25, 49, 50, 99, 100, 260, 7000]
    assert [nice_ticks_per_row(ticks) for ticks in wanted] == [1, 1, 1, 2, 2, 5, 5, 10, 10, 20, 20, 25, 25, 50, 50, 100, 250, 5000]
