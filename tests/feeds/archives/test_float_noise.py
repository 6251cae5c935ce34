"""Float noise of other programs is rounded and counted, and real digits are never touched."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.entry.cli import run
from app.errors import TradeFileError
from feeds.archives.float_noise import coarsest_step, rounded_to_steps, without_noise
from feeds.archives.trade_file import read_trade_file

PRICE, QUANTITY = repr(45123.1 + 0.2), repr(0.7 + 0.1)
"""45123.299999999996 and 0.7999999999999999, as another program adds up in binary."""
CASE = f"time,price,quantity,side\n1764590400000,{PRICE},{QUANTITY},buy\n"


def texts(*values: str) -> pa.Array:
    return pa.array(values, pa.string())


def cleaned(*values: str) -> tuple[list[str], int]:
    found, count = without_noise(texts(*values))
    return found.to_pylist(), count


def test_noise_is_read_as_the_decimal_that_it_stands_for(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """T5: a known tick rounds a price, and an unknown lot is guessed from what the quantities stand for."""
    path = tmp_path / "noise.csv"
    path.write_text(CASE)
    found = read_trade_file(path, Decimal("0.1"))
    assert (found.trades.price_ticks.tolist(), found.trades.quantity_lots.tolist()) == ([451233], [8])
    assert (found.instrument.lot_size, found.noise) == (Decimal("0.1"), 2)
    assert run(["footprint", str(path), "--tick-size", "0.1"]) == 0
    assert "rounded 2 values with float noise, e.g. 0.30000000000000004; lots of 0.1" in capfd.readouterr().err
    store = ["--instrument", "mine:X", "--tick-size", "0.1", "--lot-size", "0.1", "--store", str(tmp_path / "store")]
    assert run(["import", "csv", str(path), *store]) == 0
    assert "2 values with float noise" in capfd.readouterr().err


def test_a_millionth_of_a_step_is_noise_and_more_is_not(tmp_path: Path) -> None:
    step = Decimal("0.1")
    assert [rounded_to_steps(texts(text), step)[1] for text in ("0.3000001", "0.30000011", "0.2999999", "0.3", "x", "")] == [
        1,
        0,
        1,
        0,
        0,
        0,
    ]
    path = tmp_path / "off.csv"
    path.write_text(CASE.replace(PRICE, "45123.300001"))
    with pytest.raises(TradeFileError, match=r"line 2: found price 45123\.300001, expected a multiple of 0\.1"):
        read_trade_file(path, step)


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=20), st.integers(1, 9))
def test_sums_of_decimals_in_binary_are_recognised(numbers: list[int], places: int) -> None:
    """T5: whatever a program adds up, its decimals come back, and the least step is theirs."""
    exact = [Decimal(number).scaleb(-places) + Decimal("0.1") for number in numbers]
    found, _ = without_noise(texts(*(repr(float(Decimal(number).scaleb(-places)) + 0.1) for number in numbers)))
    assert [Decimal(text) for text in found.to_pylist()] == exact


@given(st.lists(st.integers(1, 10**20), min_size=1, max_size=20), st.integers(0, 18))
def test_long_exact_decimals_stay_as_they_are_next_to_their_like(numbers: list[int], places: int) -> None:
    written = [f"{Decimal(number).scaleb(-places):f}" for number in (*numbers, 10**19 + 1)]
    assert without_noise(texts(*written))[0].to_pylist() == written


def test_digits_that_no_binary_fraction_prints_are_real() -> None:
    assert cleaned("1.000000000000000001", "12345678.12345678") == (["1.000000000000000001", "12345678.12345678"], 0)
    assert cleaned("0.30000000000000004", "0.123") == (["0.3", "0.123"], 1)


def test_the_coarsest_step_is_that_of_all_values() -> None:
    assert coarsest_step(texts("60000.25", "60000.5", "60000.5"), Decimal("0.1")) == Decimal("0.05")
    assert coarsest_step(texts("60000.15", "7.30000000000000004", "?"), Decimal("0.1")) <= Decimal("0.05")
    assert coarsest_step(texts("0.30000000000000004"), Decimal("0.1")) == Decimal("0.1")
    assert coarsest_step(texts(), Decimal("0.5")) == Decimal("0.5")
