"""Markets and trades of some days, for the tests of this folder."""

from __future__ import annotations

from decimal import Decimal

from app.market.bar_rule import DAY_NS
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from tests.builders import START_NS, random_trades

TAPE = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))
BYBIT = Instrument("bybit", "BTCUSDT", Decimal("0.1"), Decimal("0.001"), numbered=False)
ALL = Span(0, 1 << 62)
LIVE, BACKFILL, ARCHIVE = Source.LIVE, Source.BACKFILL, Source.ARCHIVE
FIRST_DAY = START_NS // DAY_NS


def days_of_trades(n: int = 3000, days: float = 2.5) -> TradeBatch:
    return random_trades(7, n, start_ns=FIRST_DAY * DAY_NS, seconds=days * 86_400)


def with_ids(trades: TradeBatch, ids: object) -> TradeBatch:
    """The trades with other ids."""
    return TradeBatch.of(*trades.columns[:4], ids)
