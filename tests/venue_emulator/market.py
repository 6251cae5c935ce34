"""The two markets that the emulator supports, and the differences between their public protocols."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class MarketFacts:
    """The properties of one market that a client can observe.

    Attributes
    ----------
    rest_prefix : str
        Path before `/aggTrades` and the other endpoints.
    tick_size, lot_size : Decimal
        Steps of a symbol like BTCUSDT.
    price_digits, quantity_digits : int
        Decimal places that the venue writes, trailing zeros included.
    time_step_us : int
        Trade times are whole multiples of this: 1 on spot, 1000 on futures.
    weight_limit, page_weight, info_weight, klines_weight : int
        Request weight per minute, and the weights of a page of trades, the symbol list and a page of klines.
    messages_per_second : int
        Frames that a client may send per second and connection, ping and pong included.
    ping_interval_s, pong_deadline_s : float
        Time between the venue's pings, and the time that it waits for a pong.
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
    """The emulated market; `.value` is its name on the command line."""

    SPOT = "spot"
    USDM = "usdm"

    @property
    def facts(self) -> MarketFacts:
        """The properties of this market, from the venue's documentation."""
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
