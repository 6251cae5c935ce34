"""Calculation settings from flags, which override those of the settings file."""

from __future__ import annotations

import pytest

from app.entry.commands.calculation_flags import RuleFlags
from app.errors import BadInputError
from app.market.session import Period, PeriodRule
from app.settings.calculation import CalculationSettings, SessionSettings

IN_TOKYO = CalculationSettings(time=SessionSettings(zone="Asia/Tokyo"))


def test_a_named_session_ignores_the_zone_setting_not_the_flag():
    assert RuleFlags(session="us-rth").on(IN_TOKYO).hours.timezone == "America/New_York"
    assert RuleFlags(session="us-rth", timezone="America/New_York").on(IN_TOKYO).hours.timezone == "America/New_York", "its own"
    with pytest.raises(BadInputError, match=r"session tokyo has its own \(Asia/Tokyo\), drop"):
        RuleFlags(timezone="UTC").on(CalculationSettings(time=SessionSettings(session="tokyo")))


def test_days_and_custom_sessions_use_the_timezone_flag():
    assert RuleFlags(timezone="Europe/London").on(IN_TOKYO).hours.divisions == PeriodRule(Period.DAY, "Europe/London")
    assert RuleFlags(session="17:00-17:00", timezone="America/New_York").on(IN_TOKYO).hours.timezone == "America/New_York"
