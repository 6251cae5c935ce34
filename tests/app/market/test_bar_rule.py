from decimal import Decimal

import numpy as np
import pytest

from app.errors import BadInputError
from app.market.bar_rule import NS_PER_S, BarKind, BarRule, parse_bar_rule


def test_a_bar_includes_its_first_ns_and_not_that_of_the_next() -> None:
    rule = parse_bar_rule("1m")
    edge = 60 * NS_PER_S
    assert rule.numbers(np.array([0, edge - 1, edge, edge + 1, 2 * edge])).tolist() == [0, 0, 1, 1, 2]
    assert [rule.number(time_ns) for time_ns in (edge - 1, edge)] == [0, 1]
    assert rule.start_ns(rule.number(1_700_000_059 * NS_PER_S)) == 1_700_000_040 * NS_PER_S


def test_times_before_1970_have_negative_bar_numbers() -> None:
    assert BarRule(60 * NS_PER_S).numbers(np.array([-1, -60 * NS_PER_S])).tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("15s", 15), ("1m", 60), ("90s", 90), ("4h", 14_400), ("1d", 86_400), ("7d", 604_800)]
)
def test_parse_bar_rule_reads_times(text: str, seconds: int) -> None:
    rule = parse_bar_rule(text)
    assert rule == BarRule(seconds * NS_PER_S)
    assert parse_bar_rule(rule.text) == rule


def test_a_rule_is_written_in_its_largest_unit() -> None:
    assert [parse_bar_rule(text).text for text in ("60s", "90s", "120m", "24h", "36h")] == ["1m", "90s", "2h", "1d", "36h"]


@pytest.mark.parametrize("text", ["", "m", "0s", "-1m", "1.5m", "1w", "8days", "01m", "1 m", "1m ", "1M", "9999999s", "٣m"])
def test_parse_bar_rule_refuses_other_text(text: str) -> None:
    with pytest.raises(BadInputError, match="bar: found"):
        parse_bar_rule(text)


@pytest.mark.parametrize(
    ("text", "kind", "size", "title"),
    [
        ("500t", BarKind.TRADES, "500", "500 trades"),
        ("100v", BarKind.VOLUME, "100", "volume 100"),
        ("0.5v", BarKind.VOLUME, "0.5", "volume 0.5"),
        ("50d", BarKind.DELTA, "50", "delta 50"),
        ("5delta", BarKind.DELTA, "5", "delta 5"),
        ("2.5d", BarKind.DELTA, "2.5", "delta 2.5"),
        ("40r", BarKind.RANGE, "40", "range 40 ticks"),
    ],
)
def test_rules_other_than_time_are_read_and_written(text: str, kind: BarKind, size: str, title: str) -> None:
    rule = parse_bar_rule(text)
    assert (rule, rule.text, rule.title) == (BarRule.counted(kind, size), text, title)


def test_d_means_days_up_to_a_week_and_delta_beyond() -> None:
    assert [parse_bar_rule(text).kind for text in ("7d", "8d", "7delta", "7Δ")] == [BarKind.TIME, *[BarKind.DELTA] * 3]
    assert parse_bar_rule("7Δ").text == "7delta"


def test_a_size_is_rounded_up_to_a_whole_lot() -> None:
    assert [parse_bar_rule("0.25v").threshold(Decimal(lot)) for lot in ("0.001", "0.1", "1")] == [250, 3, 1]
    assert parse_bar_rule("40r").threshold(Decimal("0.001")) == 40


@pytest.mark.parametrize("text", ["0t", "0.0v", "1.5t", "2.5r", "0d", "t", ".5v", "1e3v", "500T"])
def test_an_invalid_size_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="5delta"):
        parse_bar_rule(text)


def test_a_bar_lasts_at_least_a_second() -> None:
    with pytest.raises(BadInputError, match="at least 1 s"):
        BarRule(NS_PER_S - 1)
