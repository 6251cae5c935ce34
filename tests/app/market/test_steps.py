"""Steps are joined on the finest common grid, exactly."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import StoreError
from app.market.steps import Steps, common_step, common_steps, fits, in_steps
from tests.builders import random_trades
from tests.sameness import same

sizes = st.builds(lambda mantissa, places: Decimal(mantissa).scaleb(-places), st.integers(1, 5000), st.integers(0, 18))
grids = st.builds(Steps, sizes, sizes)


def steps(tick: str, lot: str) -> Steps:
    return Steps(Decimal(tick), Decimal(lot))


@pytest.mark.parametrize(
    ("one", "other", "common"),
    [
        ("0.01", "0.1", "0.01"),
        ("0.25", "0.1", "0.05"),
        ("0.03125", "0.01", "0.00125"),
        ("10", "4", "2"),
        ("1e-18", "1000", "0.000000000000000001"),
        ("1E+2", "50", "50"),
    ],
)
def test_the_common_step_is_the_largest_that_divides_both(one: str, other: str, common: str) -> None:
    assert common_step(Decimal(one), Decimal(other)) == common_step(Decimal(other), Decimal(one)) == Decimal(common)


@given(st.lists(grids, min_size=1, max_size=5))
def test_a_common_grid_divides_all_and_no_larger_one_does(every: list[Steps]) -> None:
    found = common_steps(every)
    assert all(found.divides(one) for one in every)
    for prime in (2, 3, 5, 7, 11):
        coarser = Steps(found.tick_size * prime, found.lot_size * prime)
        assert any(one.tick_size % coarser.tick_size for one in every) and any(one.lot_size % coarser.lot_size for one in every)


@given(grids, grids)
def test_there_and_back_changes_nothing(one: Steps, other: Steps) -> None:
    trades = random_trades(1, 20, price=1000, spread=9)
    common = common_steps([one, other])
    try:
        finer = in_steps(trades, one, common, "here")
    except StoreError as error:
        assert "too large to count in steps of" in error.user_message
        return
    assert same(in_steps(finer, common, one, "here"), trades)
    factor = one.tick_size / common.tick_size
    assert [Decimal(ticks) for ticks in finer.price_ticks.tolist()] == [ticks * factor for ticks in trades.price_ticks.tolist()]


def test_a_conversion_that_is_not_exact_is_refused() -> None:
    trades = random_trades(1, 100)
    assert not fits(trades, steps("0.01", "1"), steps("0.1", "1"))
    with pytest.raises(StoreError, match=r"^here: a price is not a multiple of 0\.1$"):
        in_steps(trades, steps("0.01", "1"), steps("0.1", "1"), "here")
    with pytest.raises(StoreError, match=r"^here: a quantity is not a multiple of 1$"):
        in_steps(trades, steps("0.01", "0.1"), steps("0.01", "1"), "here")
    with pytest.raises(StoreError, match=r"^here: a price is too large to count in steps of 1E-18$"):
        in_steps(trades, steps("1", "1"), steps("1e-18", "1"), "here")


def test_steps_have_a_text_without_exponents() -> None:
    assert steps("1e-5", "1E+2").text == "tick 0.00001, lot 100"
