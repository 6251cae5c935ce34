"""All explanations of one place, or those of one kind."""

from __future__ import annotations

from typing import get_args

import pytest

from app.errors import BadInputError
from app.explain.at_point import WHATS, What, explanations_at
from app.market.trade import BUY, SELL
from app.settings.calculation import CalculationSettings, CvdSettings, SessionSettings
from tests.app.explain.charts import chart_of
from tests.builders import SECOND_NS, START_NS, trades_of

MINUTE_NS = 60 * SECOND_NS
# the first bar's low and high are unfinished auctions; the second trades through its high, the third through its low
TRADES = trades_of(
    [
        *((0, 100, 1, BUY), (1, 100, 2, SELL), (2, 103, 4, BUY), (3, 103, 1, SELL)),
        *((60, 102, 3, BUY), (61, 104, 1, BUY)),
        *((120, 101, 3, BUY), (121, 99, 1, BUY)),
    ]
)


HIGH = "Unfinished auction at the high 10.3 · 2023-11-14 22:14 bar"


def titles(minute: int, price: int, what: What = "all", rules: CalculationSettings | None = None, ticks_per_row: int = 1) -> list[str]:
    chart = chart_of(TRADES, ticks_per_row=ticks_per_row, rules=rules)
    return [found.title for found in explanations_at(chart, START_NS + minute * MINUTE_NS + 59 * SECOND_NS, price, what)]


def test_all_values_of_a_place_are_explained_in_order() -> None:
    assert titles(1, 104) == [
        "Buy imbalance at 10.4 · 2023-11-14 22:15 bar",
        "POC 10.2 · 2023-11-14 22:15 bar",
        "POC 10.2, value area 10.2 to 10.2 · 2023-11-14 22:15 bar",
        "Delta +0.04, volume 0.04 · 2023-11-14 22:15 bar",
        "CVD +0.06 after the 2023-11-14 22:15 bar",
        "VWAP day after the 2023-11-14 22:15 bar",
    ]


@pytest.mark.parametrize(
    ("what", "first_words"),
    [
        ("cell", "Buy imbalance"),
        ("poc", "POC 10.2 ·"),
        ("value-area", "POC 10.2, value area"),
        ("delta", "Delta"),
        ("cvd", "CVD"),
        ("vwap", "VWAP"),
    ],
)
def test_one_kind_of_value_is_explained_alone(what: What, first_words: str) -> None:
    (title,) = titles(1, 104, what)
    assert title.startswith(first_words)


def test_the_kinds_are_listed_with_all_first() -> None:
    assert WHATS == get_args(What) == ("all", "cell", "poc", "value-area", "delta", "cvd", "vwap", "levels")


def test_levels_are_explained_as_they_stood_when_the_bar_closed() -> None:
    assert titles(1, 103, "levels") == [HIGH]
    chart = chart_of(TRADES)
    (ended,) = explanations_at(chart, START_NS + MINUTE_NS, 103, "levels")
    assert ended.lines[-1].text.startswith("ended by the 2023-11-14 22:15 bar")


def test_a_level_that_ends_later_is_still_active_in_the_bar() -> None:
    rows = [*((60, 102, 3, BUY), (61, 103, 1, BUY)), *((120, 102, 3, BUY), (121, 104, 1, BUY)), (180, 104, 1, BUY)]
    chart = chart_of(trades_of([(0, 100, 1, BUY), (2, 103, 4, BUY), (3, 103, 1, SELL), *rows]))
    (active,) = explanations_at(chart, START_NS + MINUTE_NS, 103, "levels")
    assert active.lines[-1].text == "still active: the 2023-11-14 22:15 bar came closest, 10.3 < 10.4"


@pytest.mark.parametrize(("price", "found"), [(102, 0), (103, 1), (104, 0)])
def test_a_level_is_found_only_in_its_own_row(price: int, found: int) -> None:
    if found:
        assert len(titles(1, price, "levels")) == found
        return
    with pytest.raises(BadInputError, match=f"^no level at 10.{price - 100} in the 2023-11-14 22:15 bar$"):
        titles(1, price, "levels")


def test_a_level_is_found_from_any_tick_of_its_row() -> None:
    assert [titles(1, price, "levels", ticks_per_row=2) for price in (102, 103)] == [[HIGH]] * 2
    low = HIGH.replace("high 10.3", "low 10.0")
    assert [titles(1, price, "levels", ticks_per_row=2) for price in (100, 101)] == [[low]] * 2


def test_a_place_without_trades_or_outside_the_bar_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"^bar: no trades in the 2023-11-14 22:19 bar$"):
        titles(5, 103)
    with pytest.raises(BadInputError, match=r"^price: 10\.5 is outside the bar's range, 10\.2 to 10\.4$"):
        titles(1, 105)


def test_cvd_and_vwap_begin_with_the_session() -> None:
    session = SessionSettings(session="22:15-22:00")
    rules = CalculationSettings(time=session)
    assert titles(1, 104, "cvd", rules) == ["CVD +0.04 after the 2023-11-14 22:15 bar"]
    chart = chart_of(TRADES, rules=rules)
    (vwap,) = explanations_at(chart, START_NS + MINUTE_NS, 104, "vwap")
    assert vwap.lines[1].text == "sum of quantity: 0.04"


def test_cvd_that_is_never_reset_counts_from_the_first_bar() -> None:
    rules = CalculationSettings(time=SessionSettings(session="22:15-22:00"), cvd=CvdSettings(reset="never"))
    assert titles(1, 104, "cvd", rules) == ["CVD +0.06 after the 2023-11-14 22:15 bar"]
