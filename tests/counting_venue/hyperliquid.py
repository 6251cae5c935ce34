"""Hyperliquid's public trades, as its documents describe them, for `CountingVenue`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.counting_venue.protocol import Allowance, Answer, Told

_RETOLD = 30  # trades that a new subscription begins with, and that REST has
_ROWS = 20


class Hyperliquid:
    """The protocol and the limits of Hyperliquid."""

    allowance = Allowance(sockets=10, connects_a_minute=30, subscriptions=1_000, messages_a_minute=2_000, weight_a_minute=1_200)
    welcome = "Websocket connection established."

    def heard(self, message: str, subscribed: set[str], tapes: Mapping[str, Sequence[Told]]) -> list[str]:
        """Answer pings, subscriptions and their ends; a new subscription begins with older trades."""
        said = json.loads(message)
        if said == {"method": "ping"}:
            return ['{"channel":"pong"}']
        method, wanted = said["method"], said["subscription"]
        coin, named = wanted["coin"], json.dumps(wanted, separators=(",", ":"))
        if coin not in tapes:
            return [_error(f"Invalid subscription {named}")]
        if (method == "subscribe") == (coin in subscribed):
            return [_error(f"Already {method}d: {named}")]
        answers = [json.dumps({"channel": "subscriptionResponse", "data": {"method": method, "subscription": wanted}})]
        if method == "unsubscribe":
            subscribed.discard(coin)
            return answers
        subscribed.add(coin)
        return [*answers, self.frame(coin, tapes[coin][-_RETOLD:][::-1])] if tapes[coin] else answers

    def frame(self, market: str, trades: Sequence[Told]) -> str:
        """A message of the channel `trades`."""
        return json.dumps({"channel": "trades", "data": [self._row(market, trade) for trade in trades]})

    def ask(self, path: str, question: dict[str, Any], tapes: Mapping[str, Sequence[Told]]) -> Answer:
        """Answer `meta` and `recentTrades`."""
        assert path == "/info"
        if question["type"] == "meta":
            return Answer(200, {"universe": [{"name": coin, "szDecimals": 3} for coin in tapes]}, 20)
        assert question["type"] == "recentTrades"
        rows = [self._row(question["coin"], trade) for trade in tapes[question["coin"]][-_RETOLD:][::-1]]
        return Answer(200, rows, 20 + len(rows) // _ROWS)

    def trade_id(self, number: int) -> int:
        """The `tid`, which gives no order."""
        return number * 2_654_435_761 % 2**50

    def _row(self, coin: str, trade: Told) -> dict[str, object]:
        side = "B" if trade.buy else "A"
        told = {"coin": coin, "side": side, "px": trade.price, "sz": trade.size, "time": trade.time_ms, "hash": "0x"}
        return told | {"tid": self.trade_id(trade.number), "users": ["0xb", "0xs"]}


def _error(words: str) -> str:
    return json.dumps({"channel": "error", "data": words})
