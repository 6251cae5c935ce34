"""A file may write times in any unit, and change it midway, as Binance's dumps did on the first of January 2025."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import TradeFileError
from feeds.archives.trade_file import read_trade_file

CENT = Decimal("0.01")
HEADER = "time,price,quantity,side,trade_id\n"
BEFORE_NS, AFTER_NS = 1_735_689_599_999 * 10**6, 1_735_689_600_001 * 10**6
"""A millisecond either side of 2025-01-01T00:00:00Z."""
UNITS = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


def times_of(path: Path, text: str) -> list[int]:
    path.write_text(text)
    return read_trade_file(path, CENT, None).trades.time_ns.tolist()


@pytest.mark.parametrize(("before", "after"), [("ms", "us"), ("us", "ms"), ("ms", "ns"), ("ns", "us"), ("ms", "ms")])
def test_a_dump_that_changes_its_unit_at_new_year_is_read_in_one(before: str, after: str, tmp_path: Path) -> None:
    """A16: Binance's own layout without a header, milliseconds before 2025 and microseconds after."""
    rows = [(1, BEFORE_NS // UNITS[before]), (2, AFTER_NS // UNITS[after])]
    text = "".join(f"{number},61837.63,0.02,1,1,{time},True,True\n" for number, time in rows)
    assert times_of(tmp_path / "BTCUSDT-aggTrades-2024-12-31.csv", text) == [BEFORE_NS, AFTER_NS]


@given(seconds=st.lists(st.integers(1_230_768_000, 4_102_444_799), min_size=1, max_size=20), units=st.data())
def test_any_mixture_of_units_between_2009_and_2100_is_told_by_size(seconds: list[int], units: st.DataObject, tmp_path_factory) -> None:
    """A16: whole seconds to nanoseconds, row by row."""
    rows = [(each * 10**9, UNITS[units.draw(st.sampled_from(sorted(UNITS)))]) for each in sorted(seconds)]
    text = HEADER + "".join(f"{ns // unit},1.00,1,buy,{number}\n" for number, (ns, unit) in enumerate(rows, 1))
    assert times_of(tmp_path_factory.mktemp("units") / "trades.csv", text) == [ns for ns, _ in rows]


@pytest.mark.parametrize(
    "time",
    ["0", "1", "-1723161255342", "1230767999999", "4102444800000", "4102444800000000000", "1723161255342000000000", "99999999999", "1e400"],
)
def test_a_time_outside_2009_to_2100_is_refused_with_its_line(time: str, tmp_path: Path) -> None:
    """A16: a unit that nobody uses, a date that cannot be."""
    with pytest.raises(TradeFileError, match=r"trades\.csv: line 3: found time .* expected .*between 2009 and 2100"):
        times_of(tmp_path / "trades.csv", f"{HEADER}1723161255342,1.00,1,buy,1\n{time},1.00,1,buy,2\n")
