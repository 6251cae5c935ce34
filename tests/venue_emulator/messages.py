"""Trades as the venue writes them: stream events, REST rows and WebSocket frames."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from decimal import Decimal

from tests.venue_emulator.market import Market

_TEXT, _BINARY, _CONTINUATION, _FINAL = 0x1, 0x2, 0x0, 0x80


class TradeWriter:
    """Encodes the trades of one symbol, in about 1 µs each.

    `f` and `l` differ from `a` on purpose: a client must count by `a`. On spot every aggregate
    trade stands for two fills; on futures some fill numbers are missing, as they are there.
    """

    def __init__(self, symbol: str, market: Market, tick_size: Decimal, lot_size: Decimal) -> None:
        facts = market.facts
        spot = market is Market.SPOT
        price = b'"%%d.%%0%dd"' % facts.price_digits
        quantity = b'"%%d.%%0%dd"' % facts.quantity_digits
        middle = b'"a":%d,"p":' + price + b',"q":' + quantity + (b"" if spot else b',"nq":' + quantity)
        end = b',"f":%d,"l":%d,"T":%d,"m":%b' + (b',"M":true}' if spot else b"")
        name = symbol.encode()
        self._row = b"{" + middle + end + (b"" if spot else b"}")
        self._event = b'{"e":"aggTrade","E":%d,"s":"' + name + b'",' + middle + end + (b"" if spot else b',"st":1}')
        self._wrapped = b'{"stream":"' + name.lower() + b'@aggTrade","data":' + self._event + b"}"
        self._price_factor = _factor(tick_size, facts.price_digits)
        self._quantity_factor = _factor(lot_size, facts.quantity_digits)
        self._price_one = 10**facts.price_digits
        self._quantity_one = 10**facts.quantity_digits
        self._spot = spot

    def events(
        self, trades: Sequence[tuple[int, int, int, int, int]], *, micro: bool, wrapped: bool, constant_side: bool = False
    ) -> list[bytes]:
        """One message per trade; `trades` are `(time_us, price_ticks, lots, side, id)`."""
        template = self._wrapped if wrapped else self._event
        unit = 1 if micro else 1000
        # The venue sends about a millisecond after the trade (recorded streams).
        return [
            template % ((time_us + 1000) // unit, *self._fields(time_us // unit, price, lots, -1 if constant_side else side, trade_id))
            for time_us, price, lots, side, trade_id in trades
        ]

    def page(self, trades: Sequence[tuple[int, int, int, int, int]], *, micro: bool) -> bytes:
        """The body of an `/aggTrades` answer with these trades."""
        unit = 1 if micro else 1000
        return b"[" + b",".join(self._row % self._fields(t[0] // unit, *t[1:]) for t in trades) + b"]"

    def _fields(self, time: int, price_ticks: int, lots: int, side: int, trade_id: int) -> tuple:
        price = divmod(price_ticks * self._price_factor, self._price_one)
        quantity = divmod(lots * self._quantity_factor, self._quantity_one)
        first = 2 * trade_id + 7
        maker = b"true" if side < 0 else b"false"  # the buyer was maker: the seller was the aggressor
        if self._spot:
            return trade_id, *price, *quantity, first, first + 1, time, maker
        return trade_id, *price, *quantity, *quantity, first, first + (lots & 1), time, maker


def frame(payload: bytes, *, binary: bool = False) -> bytes:
    """One unmasked, uncompressed WebSocket frame, as servers send them."""
    return _header(_FINAL | (_BINARY if binary else _TEXT), len(payload)) + payload


def frames(payloads: Sequence[bytes]) -> bytes:
    """Many text frames in a row, to be written at once."""
    return b"".join([b"\x81" + (bytes((len(p),)) if len(p) < 126 else b"\x7e" + len(p).to_bytes(2, "big")) + p for p in payloads])


def fragments(payload: bytes) -> bytes:
    """One message in frames of one byte each."""
    last = len(payload) - 1
    return b"".join(
        _header((_TEXT if i == 0 else _CONTINUATION) | (_FINAL if i == last else 0), 1) + payload[i : i + 1] for i in range(len(payload))
    )


def _header(first: int, length: int) -> bytes:
    if length < 126:
        return bytes((first, length))
    if length < 65536:
        return struct.pack("!BBH", first, 126, length)
    return struct.pack("!BBQ", first, 127, length)


def _factor(step: Decimal, digits: int) -> int:
    factor = step.scaleb(digits)
    if factor != factor.to_integral_value() or factor < 1:
        raise ValueError(f"step: found {step}, expected one that fits {digits} digits behind the point")
    return int(factor)
