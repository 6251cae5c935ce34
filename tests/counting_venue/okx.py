"""OKX's public trades, as its documents describe them, for `CountingVenue`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.counting_venue.protocol import Allowance, Answer, Told

_PAGE = 100


class Okx:
    """The protocol and the limits of OKX."""

    allowance = Allowance(connects_a_second=3, weight_a_minute=1_200)
    welcome = ""

    def heard(self, message: str, subscribed: set[str], tapes: Mapping[str, Sequence[Told]]) -> list[str]:
        """Answer pings, subscriptions and their ends."""
        if message == "ping":
            return ["pong"]
        said = json.loads(message)
        answers: list[str] = []
        for wanted in said["args"]:
            symbol = wanted["instId"]
            if symbol not in tapes:
                words = f"Wrong URL or channel:{wanted['channel']},instId:{symbol} doesn't exist. Please use the correct URL."
                answers.append(json.dumps({"event": "error", "code": "60018", "msg": words, "connId": "1"}))
                continue
            (subscribed.add if said["op"] == "subscribe" else subscribed.discard)(symbol)
            answers.append(json.dumps({"event": said["op"], "arg": wanted, "connId": "1"}))
        return answers

    def frame(self, market: str, trades: Sequence[Told]) -> str:
        """A message of the channel `trades-all`."""
        return json.dumps({"arg": {"channel": "trades-all", "instId": market}, "data": [_row(market, trade) for trade in trades]})

    def ask(self, path: str, question: dict[str, Any], tapes: Mapping[str, Sequence[Told]]) -> Answer:
        """Answer `instruments` and `history-trades`; there are no candles."""
        symbol = question["instId"]
        if path == "/api/v5/public/instruments":
            listed = {"instId": symbol, "state": "live", "tickSz": "0.001", "lotSz": "0.001", "ctVal": "", "ctMult": ""}
            return _data([listed] if symbol in tapes and question["instType"] == "SPOT" else [])
        if path.endswith("candles"):
            return _data([])
        assert path == "/api/v5/market/history-trades"
        after = int(question.get("after", 2**62))
        by_time = question.get("type", "1") == "2"
        earlier = [trade for trade in tapes[symbol] if (trade.time_ms if by_time else trade.number) < after]
        return _data([_row(symbol, trade) for trade in earlier[-min(_PAGE, int(question["limit"])) :][::-1]])

    def trade_id(self, number: int) -> int:
        """The `tradeId`, which grows by one."""
        return number


def _data(rows: list[dict[str, Any]]) -> Answer:
    return Answer(200, {"code": "0", "msg": "", "data": rows}, 1)


def _row(symbol: str, trade: Told) -> dict[str, Any]:
    told = {"instId": symbol, "tradeId": str(trade.number), "px": trade.price, "sz": trade.size, "source": "0"}
    return told | {"side": "buy" if trade.buy else "sell", "ts": str(trade.time_ms)}
