"""A market is real by default, and has candles only if it is given them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from decimal import Decimal

import pytest

from app.market.instrument import Instrument
from app.market.market import Market

BTC = Instrument("test", "BTCUSDT", Decimal("0.1"), Decimal("0.01"))


def market() -> Market:
    return Market(BTC, "feed", "history", 3_600_000_000_000)  # type: ignore[arg-type]


def test_a_market_is_real_and_without_candles_by_default() -> None:
    assert (market().is_real, market().candles, market().usual_price_ticks) == (True, None, 0)


def test_a_market_is_given_instrument_feed_history_and_its_length() -> None:
    opened = market()
    assert (opened.instrument, opened.feed, opened.history, opened.history_ns) == (BTC, "feed", "history", 3_600_000_000_000)
    assert [field.name for field in fields(Market)][:4] == ["instrument", "feed", "history", "history_ns"]


def test_an_open_market_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        market().is_real = False  # type: ignore[misc]
