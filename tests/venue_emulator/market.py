"""The two markets the emulator can be, and in what their public protocols differ."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """What a client can see of one market.

    Attributes
    ----------
    rest_prefix : str
        Path before `/aggTrades` and its neighbours.
    tick_size, lot_size : Decimal
        Steps of a market that is like BTCUSDT.
    price_digits, quantity_digits : int
        Digits behind the point that the venue writes, trailing zeros included.
    time_step_us : int
        Trade times are whole multiples of this: 1 on spot, 1000 on futures.
    weight_limit, page_weight, info_weight, klines_weight : int
        Request weight a minute, and what a page of trades, the symbol list and a page of klines cost.
    messages_per_second : int
        Incoming frames a connection may send, ping and pong included.
    ping_interval_s, pong_deadline_s : float
        The venue's own heartbeat.
    """

    rest_prefix: str
    tick_size: Decimal
    lot_size: Decimal
    price_digits: int
    quantity_digits: int
    time_step_us: int
    weight_limit: int
    page_weight: int
    info_weight: int
    klines_weight: int
    messages_per_second: int
    ping_interval_s: float
    pong_deadline_s: float
    ws_variable: str
    rest_variable: str


class Market(enum.Enum):
    """Which venue is played; `.value` is the word on the command line."""

    SPOT = "spot"
    USDM = "usdm"

    @property
    def facts(self) -> MarketFacts:
        """The figures of this market, off the venue's documentation."""
        return _FACTS[self]


_FACTS = {
    Market.SPOT: MarketFacts(
        rest_prefix="/api/v3",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
        price_digits=8,
        quantity_digits=8,
        time_step_us=1,
        weight_limit=6000,
        page_weight=4,
        info_weight=20,
        klines_weight=2,
        messages_per_second=5,
        ping_interval_s=20.0,
        pong_deadline_s=60.0,
        ws_variable="TAPEPRINT_BINANCE_WS_URL",
        rest_variable="TAPEPRINT_BINANCE_REST_URL",
    ),
    Market.USDM: MarketFacts(
        rest_prefix="/fapi/v1",
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
        price_digits=2,
        quantity_digits=3,
        time_step_us=1000,
        weight_limit=2400,
        page_weight=20,
        info_weight=1,
        klines_weight=5,
        messages_per_second=10,
        ping_interval_s=180.0,
        pong_deadline_s=600.0,
        ws_variable="TAPEPRINT_BINANCE_USDM_WS_URL",
        rest_variable="TAPEPRINT_BINANCE_USDM_REST_URL",
    ),
}
