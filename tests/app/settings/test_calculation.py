"""Calculation settings: their defaults, their bounds, and what is derived from them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from app.analytics.bar_statistics import ALL_STATISTICS, Statistic
from app.analytics.candle_value_area import CandlePrice
from app.analytics.imbalance import ImbalanceRule
from app.analytics.large_trades import parse_large_trade_filter
from app.analytics.value_area import ValueAreaMethod
from app.errors import BadInputError
from app.market.session import Period
from app.market.trading_hours import parse_hours
from app.settings.calculation import (
    CELLS,
    COLOURINGS,
    CalculationSettings,
    CandleAreaSettings,
    CellStyle,
    ImbalanceSettings,
    LargeTradeSettings,
    LevelSettings,
    SessionSettings,
    StatisticsSettings,
    TpoSettings,
    ValueAreaSettings,
)

ALL_PERIODS = (Period.DAY, Period.WEEK, Period.MONTH)


def test_the_defaults_are_those_of_the_help_pages() -> None:
    usual = CalculationSettings()
    assert (usual.time.session, usual.time.zone) == ("day", "UTC")
    assert (usual.value_area.method, usual.value_area.percent) == (ValueAreaMethod.DALTON, 70)
    assert (usual.imbalance.ratio, usual.imbalance.minimum, usual.imbalance.zeros, usual.imbalance.stacked) == (3, 0, "count", 3)
    assert usual.cells == CellStyle("sellxbuy", "volume", True, True, True, True, True)
    assert (usual.statistics.rows, usual.large_trades.trades, usual.cvd.reset) == (ALL_STATISTICS, "top:30", "session")
    assert (usual.tpo.bracket, usual.tpo.draw) == ("30m", "auto")
    assert (usual.levels.periods, usual.levels.nodes, usual.levels.zones_end) == (ALL_PERIODS, "peaks", "touch")
    assert (usual.candle_areas.periods, usual.candle_areas.rows, usual.candle_areas.price) == (ALL_PERIODS, 24, CandlePrice.MEAN)


def test_cells_and_colourings_are_listed_in_the_order_of_the_dialog() -> None:
    assert CELLS == ("sellxbuy", "delta", "total", "ladder", "profile")
    assert COLOURINGS == ("volume", "delta", "imbalance")


def test_equal_settings_are_equal_values() -> None:
    assert CalculationSettings() == CalculationSettings(value_area=ValueAreaSettings(percent=70))
    assert CalculationSettings() != CalculationSettings(value_area=ValueAreaSettings(percent=71))


@pytest.mark.parametrize(("session", "zone"), [("day", "UTC"), ("us-rth", "UTC"), ("09:30-16:00", "America/New_York")])
def test_hours_follow_session_and_zone(session: str, zone: str) -> None:
    assert CalculationSettings(time=SessionSettings(session=session, zone=zone)).hours == parse_hours(session, zone)


@pytest.mark.parametrize(
    ("ratio", "minimum", "lot_size", "lots"),
    [("3", "0", "0.001", 0), ("2.5", "0.5", "0.001", 500), ("4", "0.0011", "0.001", 2), ("4", "0.001", "0.001", 1), ("3", "1", "0.3", 4)],
)
def test_the_minimum_volume_is_rounded_up_to_full_lots(ratio: str, minimum: str, lot_size: str, lots: int) -> None:
    rule = ImbalanceSettings(Decimal(ratio), Decimal(minimum), "ignore", 5).of(Decimal(lot_size))
    assert rule == ImbalanceRule(Decimal(ratio), lots, "ignore", 5)


@pytest.mark.parametrize(("text", "minutes"), [("30m", 30), ("1h", 60), ("5m", 5)])
def test_a_bracket_has_its_length(text: str, minutes: int) -> None:
    assert TpoSettings(bracket=text).bracket_ns == minutes * 60_000_000_000


@pytest.mark.parametrize("text", ["top:30", "2.5"])
def test_the_filter_of_large_trades_is_parsed(text: str) -> None:
    assert LargeTradeSettings(trades=text).rule == parse_large_trade_filter(text)
    assert LargeTradeSettings(trades=text).rule.text == text


def test_some_periods_or_none_may_be_selected() -> None:
    assert LevelSettings(periods=()).periods == CandleAreaSettings(periods=()).periods == ()
    assert LevelSettings(periods=(Period.WEEK, Period.DAY)).periods == (Period.WEEK, Period.DAY)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SessionSettings(session="9-5"), "session: found '9-5', expected one of day, us-rth, "),
        (lambda: SessionSettings(zone="Mars/Olympus"), "time zone: found 'Mars/Olympus', expected an IANA name"),
        (lambda: ImbalanceSettings(ratio=Decimal(0)), "imbalance ratio: found 0, expected a positive number"),
        (lambda: ImbalanceSettings(ratio=Decimal("Infinity")), "imbalance ratio: found Infinity, expected a positive number"),
        (lambda: ImbalanceSettings(minimum=Decimal("-0.1")), "imbalance minimum: found -0.1, expected 0 or more"),
        (lambda: ImbalanceSettings(minimum=Decimal("NaN")), "imbalance minimum: found NaN, expected 0 or more"),
        (lambda: StatisticsSettings(rows=()), "statistics: found '', expected one or more rows, no duplicates, e.g. volume,delta,cvd"),
        (
            lambda: StatisticsSettings(rows=(Statistic.DELTA,) * 2),
            "statistics: found 'delta,delta', expected one or more rows, no duplicates",
        ),
        (lambda: LargeTradeSettings(trades="huge"), "large trades: found 'huge', expected top:N"),
        (lambda: TpoSettings(bracket="40r"), "bracket: found '40r', expected a time such as 30m"),
        (lambda: TpoSettings(bracket="x"), "bar: found 'x'"),
        (lambda: LevelSettings(periods=(Period.DAY, Period.DAY)), "periods: found 'day,day', expected no duplicates"),
        (lambda: CandleAreaSettings(periods=(Period.WEEK,) * 3), "periods: found 'week,week,week', expected no duplicates"),
    ],
)
def test_an_impossible_setting_is_refused_in_one_line(make, message: str) -> None:
    with pytest.raises(BadInputError) as caught:
        make()
    assert caught.value.user_message.startswith(message)
    assert "\n" not in caught.value.user_message
