"""Self-describing settings."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.analytics.bar_statistics import Statistic
from app.errors import BadInputError
from app.market.session import Period
from app.settings.calculation import CalculationSettings
from app.settings.fields import changed_fields, fields_of, from_plain, help_of, to_plain, with_value
from app.settings.settings import PALETTES, Settings

USUAL = CalculationSettings()


def test_every_setting_has_one_help_line_and_a_valid_default():
    for one in fields_of(CalculationSettings):
        assert one.help and "\n" not in one.help
        assert one.kind is tuple or with_value(USUAL, one.path, str(one.default)) == USUAL
    assert from_plain(to_plain(USUAL), CalculationSettings) == USUAL


def test_fields_have_kind_choices_and_bounds():
    known = {one.path: one for one in fields_of(CalculationSettings)}
    assert (known["value_area.percent"].kind, known["value_area.percent"].least, known["value_area.percent"].most) == (int, 1, 100)
    assert known["value_area.method"].choices == ("dalton", "tradingview", "single")
    assert (known["levels.periods"].kind, known["levels.periods"].choices) == (tuple, ("day", "week", "month"))
    assert (known["cells.show_numbers"].kind, known["imbalance.ratio"].kind) == (bool, Decimal)


def test_settings_of_all_groups_are_described_alike():
    known = {one.path: one for one in fields_of(Settings)}
    assert {f"rules.{one.path}" for one in fields_of(CalculationSettings)} == {path for path in known if path.startswith("rules.")}
    assert known["display.palette"].choices == PALETTES
    assert (known["display.theme"].default, known["display.painter"].default) == ("dark", "auto")
    assert (known["data.history_hours"].least, known["data.history_hours"].most) == (0, 48)


def test_help_of_a_setting_is_the_text_of_its_field():
    assert help_of(Settings, "store.keep_days") == "days to keep; 0 = all"
    assert help_of(CalculationSettings, "cvd.reset") == "reset CVD at each session, or never"


def test_with_value_changes_only_the_named_setting():
    other = with_value(USUAL, "levels.periods", "week, day")
    assert other.levels.periods == (Period.WEEK, Period.DAY)
    assert list(changed_fields(USUAL, other)) == [("levels", "periods", ("week", "day"))]
    assert with_value(other, "levels.periods", "day,week,month") == USUAL
    assert with_value(USUAL, "statistics.rows", "delta,cvd").statistics.rows == (Statistic.DELTA, Statistic.CVD)
    assert with_value(USUAL, "cells.show_numbers", "false").cells.show_numbers is False
    assert with_value(USUAL, "imbalance.ratio", "2.5").imbalance.ratio == Decimal("2.5")


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("tpo.colour", "red", "rule: unknown setting 'tpo.colour', expected one of time.session, "),
        ("value_area.percent", "101", "value_area.percent: found '101', expected int <= 100"),
        ("value_area.percent", "many", "value_area.percent: found 'many', expected int"),
        ("value_area.method", "best", "value_area.method: found 'best', expected one of dalton, tradingview, single"),
        ("levels.periods", "day,year", "levels.periods: found 'year', expected some of day, week, month"),
        ("levels.periods", "day,day", "levels.periods: found 'day,day', expected no duplicates"),
        ("imbalance.ratio", "much", "imbalance.ratio: found 'much', invalid decimal string"),
        ("imbalance.ratio", "NaN", "imbalance.ratio: imbalance ratio: found NaN, expected a positive number"),
        ("imbalance.minimum", "-1", "imbalance.minimum: imbalance minimum: found -1, expected 0 or more"),
        ("time.zone", "Mars/Olympus", "time.zone: found 'Mars/Olympus', expected an IANA name"),
        ("time.session", "9-5", "time.session: found '9-5', expected one of day, us-rth, "),
        ("tpo.bracket", "40r", "tpo.bracket: found '40r', expected a time such as 30m"),
        ("large_trades.trades", "huge", "large_trades.trades: found 'huge', expected top:N (N up to 999)"),
        ("statistics.rows", "", "statistics.rows: found '', expected one or more rows, no duplicates"),
        ("cells.show_numbers", "maybe", "cells.show_numbers: found 'maybe', expected bool"),
    ],
)
def test_an_invalid_value_raises_a_one_line_error(path: str, text: str, said: str):
    with pytest.raises(BadInputError) as caught:
        with_value(USUAL, path, text)
    assert caught.value.user_message.startswith(said)


@pytest.mark.parametrize(("path", "text"), [("time.session", "nyse"), ("time.zone", "Mars"), ("tpo.bracket", "z")])
def test_an_error_names_the_setting_once(path: str, text: str) -> None:
    with pytest.raises(BadInputError) as caught:
        with_value(CalculationSettings(), path, text)
    assert caught.value.user_message.startswith(f"{path}: found {text!r}, expected ")
