"""The REST API: symbols, time, klines and pages of trades, with the venue's limits and errors."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

from tests.venue_emulator.faults import Faults, Refusal
from tests.venue_emulator.klines import INTERVALS_US, klines
from tests.venue_emulator.market import Market
from tests.venue_emulator.playback import Playback

_HOUR_US = 3_600_000_000
_SYMBOL_RANGE = "^[A-Z0-9-_.]{1,20}$"
_NUMBER_RANGE = "^[0-9]{1,20}$"
_MOST_ROWS = 1000
_PATIENCE = 10  # requests over the limit after which 429 becomes 418 (the venue does not document the number)
_HTML = b"<!DOCTYPE html><html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>"


@dataclass(slots=True)
class Answer:
    """An HTTP answer; `short_by` bytes of the body are announced and not sent."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json;charset=UTF-8"
    short_by: int = 0


class _BadRequestError(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.answer = Answer(400, _json({"code": code, "msg": text}))


class WeightMeter:
    """Counts request weight per minute as the venue does for one address: 429 above the limit, 418 if the client goes on."""

    def __init__(self, limit: int, ban_s: float = 120.0) -> None:
        self.used = 0
        self._limit = limit
        self._ban_s = ban_s
        self._minute = -1
        self._warned = 0
        self._banned_until_s = 0.0

    def charge(self, weight: int, now_s: float) -> Refusal | None:
        """Count a request; return its refusal if there is no weight left, else None."""
        if now_s < self._banned_until_s:
            return Refusal(418, self._banned_until_s - now_s)
        minute = int(now_s // 60)
        if minute != self._minute:
            self._minute, self.used, self._warned = minute, 0, 0
        self.used += weight
        if self.used <= self._limit:
            return None
        self._warned += 1
        if self._warned > _PATIENCE:
            self._banned_until_s = now_s + self._ban_s
            return Refusal(418, self._ban_s)
        return Refusal(429, (minute + 1) * 60 - now_s)


class Rest:
    """Answers GET requests of the market's public API.

    Parameters
    ----------
    now_us : callable
        The venue's clock.
    history_limit_h : float or None
        Hours of trades that are served, None for all; the futures venue stores 48 hours.
    """

    def __init__(
        self, market: Market, playbacks: Mapping[str, Playback], faults: Faults, now_us: Callable[[], int], history_limit_h: float | None
    ) -> None:
        self.meter = WeightMeter(market.facts.weight_limit)
        self._market = market
        self._playbacks = playbacks
        self._faults = faults
        self._now_us = now_us
        self._limit_us = None if history_limit_h is None else int(history_limit_h * _HOUR_US)

    def answer(self, target: str, headers: Mapping[str, str], wall_s: float) -> Answer:
        """The answer to `GET target`; counts its request weight."""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        facts = self._market.facts
        name = parts.path.removeprefix(facts.rest_prefix + "/")
        weight = {"aggTrades": facts.page_weight, "exchangeInfo": facts.info_weight, "klines": facts.klines_weight}.get(name, 1)
        refusal = self._faults.take_refusal("rest") or self.meter.charge(weight, wall_s)
        if refusal is not None:
            self._faults.counted(f"rest-{refusal.status}")
            return refused(refusal, wall_s, facts.weight_limit)
        try:
            answer = self._routed(name, parts.path, query, headers)
        except _BadRequestError as error:
            answer = error.answer
        answer.headers["X-MBX-USED-WEIGHT-1M"] = str(self.meter.used)
        return answer

    def _routed(self, name: str, path: str, query: dict[str, str], headers: Mapping[str, str]) -> Answer:
        if path.startswith(self._market.facts.rest_prefix):
            if name == "ping":
                return Answer(200, b"{}")
            if name == "time":
                micro = self._micro(headers)
                return Answer(200, _json({"serverTime": self._now_us() // (1 if micro else 1000)}))
            if name == "exchangeInfo":
                return Answer(200, _json(self._exchange_info(query)))
            if name == "aggTrades":
                return self._spoilt(self._trades(query, headers), query, headers)
            if name == "klines":
                return Answer(200, _json(self._klines(query)))
        return Answer(404, b"<html><body><h2>404 Not found</h2></body></html>", content_type="text/html")

    def _micro(self, headers: Mapping[str, str]) -> bool:
        return self._market is Market.SPOT and headers.get("X-MBX-TIME-UNIT", "").upper() == "MICROSECOND"

    def _playback(self, query: Mapping[str, str]) -> Playback:
        symbol = query.get("symbol", "")
        if not symbol:
            raise _BadRequestError(-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.")
        if not re.fullmatch(r"[A-Z0-9\-_.]{1,20}", symbol):
            raise _BadRequestError(-1100, f"Illegal characters found in parameter 'symbol'; legal range is '{_SYMBOL_RANGE}'.")
        if symbol not in self._playbacks:
            raise _BadRequestError(-1121, "Invalid symbol.")
        return self._playbacks[symbol]

    def _trades(self, query: Mapping[str, str], headers: Mapping[str, str]) -> bytes:
        playback = self._playback(query)
        unread = set(query) - {"symbol", "fromId", "startTime", "endTime", "limit"}
        if unread and self._market is Market.SPOT:
            raise _BadRequestError(
                -1104, f"Not all sent parameters were read; read '{len(query) - len(unread)}' parameter(s) but was sent '{len(query)}'."
            )
        first_id = _number(query, "fromId")
        start_us, end_us = _time(query, "startTime", last=False), _time(query, "endTime", last=True)
        limit = _number(query, "limit")
        if limit is not None and limit > _MOST_ROWS and self._market is Market.USDM:
            raise _BadRequestError(-1130, "Data sent for parameter 'limit' is not valid.")
        limit = min(limit or 500, _MOST_ROWS)
        if first_id is not None and (start_us is not None or end_us is not None):
            raise _BadRequestError(-1128, "Combination of optional parameters invalid.")
        if start_us is not None and end_us is not None:
            if start_us > end_us:
                raise _BadRequestError(-1128, "Combination of optional parameters invalid.")
            if self._market is Market.USDM and end_us // 1000 - start_us // 1000 >= _HOUR_US // 1000:
                raise _BadRequestError(-1127, "More than 1 hours between startTime and endTime.")
        if self._limit_us is not None:
            oldest_us = self._now_us() - self._limit_us
            if start_us is not None and start_us < oldest_us:
                raise _BadRequestError(-1130, "Data sent for parameter 'startTime' is not valid.")
            page = playback.happened(start_us, end_us, first_id, limit, int(self._faults.rest_lag_s * 1e6))
            if page and page[0][0] < oldest_us and first_id is not None:  # the id is too old: serve from the oldest stored trade on
                page = playback.happened(oldest_us, end_us, None, limit, int(self._faults.rest_lag_s * 1e6))
        else:
            page = playback.happened(start_us, end_us, first_id, limit, int(self._faults.rest_lag_s * 1e6))
        return playback.writer.page(page, micro=self._micro(headers))

    def _klines(self, query: Mapping[str, str]) -> list[list[object]]:
        playback = self._playback(query)
        if query.get("interval", "") not in INTERVALS_US:
            raise _BadRequestError(-1120, "Invalid interval.")
        start_us, end_us = _time(query, "startTime", last=False), _time(query, "endTime", last=True)
        limit = min(_number(query, "limit") or 500, _MOST_ROWS)
        length_us = INTERVALS_US[query["interval"]]
        if start_us is None:
            start_us = (end_us or self._now_us()) - limit * length_us
        return klines(playback, length_us, start_us, self._now_us() if end_us is None else end_us, limit)

    def _spoilt(self, body: bytes, query: dict[str, str], headers: Mapping[str, str]) -> Answer:
        match self._faults.take_page_fault():
            case "empty":
                return Answer(200, b"[]")
            case "blank":
                return Answer(200, b"")
            case "truncated":
                return Answer(200, body[: len(body) * 2 // 3])
            case "cut":
                return Answer(200, body, short_by=max(len(body) // 2, 1))
            case "html":
                return Answer(200, _HTML, content_type="text/html")
            case "stuck":
                return Answer(200, self._trades({"symbol": query["symbol"], "fromId": "0", "limit": query.get("limit", "500")}, headers))
            case "overlap" if "fromId" in query:
                return Answer(200, self._trades(query | {"fromId": str(max(int(query["fromId"]) - 10, 0))}, headers))
        return Answer(200, body)

    def _exchange_info(self, query: dict[str, str]) -> dict:
        asked = list(self._playbacks.values())
        if self._market is Market.SPOT:
            if "symbol" in query:
                asked = [self._playback(query)]
            elif "symbols" in query:
                asked = [self._playback({"symbol": name}) for name in json.loads(query["symbols"])]
        facts = self._market.facts
        limits = [{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": facts.weight_limit}]
        symbols = [_symbol_entry(playback, self._market) for playback in asked]
        return {
            "timezone": "UTC",
            "serverTime": self._now_us() // 1000,
            "rateLimits": limits,
            "exchangeFilters": [],
            "symbols": symbols,
        }


def refused(refusal: Refusal, wall_s: float, weight_limit: int) -> Answer:
    """The HTTP answer of a refusal."""
    headers = {} if refusal.retry_after_s is None else {"Retry-After": str(max(round(refusal.retry_after_s), 0))}
    if refusal.status == 429:
        text = f"Too much request weight used; current limit is {weight_limit} request weight per 1 MINUTE."
        return Answer(429, _json({"code": -1003, "msg": text}), headers)
    if refusal.status == 418:
        until = round((wall_s + (refusal.retry_after_s or 120)) * 1000)
        return Answer(418, _json({"code": -1003, "msg": f"Way too much request weight used; IP banned until {until}."}), headers)
    if refusal.status == 451:
        text = "Service unavailable from a restricted location according to 'b. Eligibility'."
        return Answer(451, _json({"code": 0, "msg": text}), headers)
    body = b"<html><head><title>%d</title></head><body>Refused</body></html>" % refusal.status
    return Answer(refusal.status, body, headers, "text/html")


def _symbol_entry(playback: Playback, market: Market) -> dict:
    tape, facts = playback.tape, market.facts
    base, quote = _split(tape.symbol)
    tick, step = _padded(tape.tick_size, facts.price_digits), _padded(tape.lot_size, facts.quantity_digits)
    entry = {
        "symbol": tape.symbol,
        "status": "TRADING",
        "baseAsset": base,
        "quoteAsset": quote,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": _padded(Decimal(1_000_000), facts.price_digits), "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": step, "maxQty": _padded(Decimal(9000), facts.quantity_digits), "stepSize": step},
        ],
    }
    if market is Market.SPOT:
        return entry | {"baseAssetPrecision": 8, "quoteAssetPrecision": 8, "isSpotTradingAllowed": True, "permissions": []}
    return entry | {
        "pair": tape.symbol,
        "contractType": "PERPETUAL",
        "marginAsset": quote,
        "pricePrecision": facts.price_digits,
        "quantityPrecision": facts.quantity_digits,
    }


def _split(symbol: str) -> tuple[str, str]:
    for quote in ("USDT", "USDC", "FDUSD", "BTC", "ETH", "EUR"):
        if symbol.endswith(quote) and symbol != quote:
            return symbol.removesuffix(quote), quote
    return symbol, "USDT"


def _padded(value: Decimal, digits: int) -> str:
    return f"{value:.{digits}f}"


def _number(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    if not query[name]:
        raise _BadRequestError(-1105, f"Parameter '{name}' was empty.")
    if not re.fullmatch(r"[0-9]{1,20}", query[name]):
        raise _BadRequestError(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{_NUMBER_RANGE}'.")
    return int(query[name])


def _time(query: Mapping[str, str], name: str, *, last: bool) -> int | None:
    """A bound in µs; with `last`, a bound in ms includes its complete millisecond. None if it was not sent."""
    value = _number(query, name)
    if value is None or value >= 10**14:
        return value
    return value * 1000 + (999 if last else 0)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
