import numpy as np
import pytest

from app.errors import BadInputError
from app.market.bar_rule import NS_PER_S, BarRule, parse_bar_rule


def test_a_bar_begins_with_its_first_nanosecond_and_ends_before_the_next() -> None:
    rule = parse_bar_rule("1m")
    edge = 60 * NS_PER_S
    assert rule.numbers(np.array([0, edge - 1, edge, edge + 1, 2 * edge])).tolist() == [0, 0, 1, 1, 2]
    assert [rule.number(time_ns) for time_ns in (edge - 1, edge)] == [0, 1]
    assert rule.start_ns(rule.number(1_700_000_059 * NS_PER_S)) == 1_700_000_040 * NS_PER_S


def test_times_before_1970_fall_into_bars_below_nought() -> None:
    assert BarRule(60 * NS_PER_S).numbers(np.array([-1, -60 * NS_PER_S])).tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("text", "seconds"), [("1s", 1), ("15s", 15), ("1m", 60), ("90s", 90), ("4h", 14_400), ("1d", 86_400), ("7d", 604_800)]
)
def test_a_rule_is_read_from_its_text(text: str, seconds: int) -> None:
    rule = parse_bar_rule(text)
    assert rule == BarRule(seconds * NS_PER_S)
    assert parse_bar_rule(rule.text) == rule


def test_a_rule_is_written_in_its_largest_unit() -> None:
    assert [parse_bar_rule(text).text for text in ("60s", "90s", "120m", "24h", "36h")] == ["1m", "90s", "2h", "1d", "36h"]


@pytest.mark.parametrize("text", ["", "m", "0s", "-1m", "1.5m", "1w", "8d", "01m", "1 m", "1m ", "1M", "9999999s", "٣m"])
def test_a_text_that_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="bar: found"):
        parse_bar_rule(text)


def test_a_bar_lasts_at_least_a_second() -> None:
    with pytest.raises(BadInputError, match="at least 1 s"):
        BarRule(NS_PER_S - 1)
