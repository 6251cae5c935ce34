"""The subscriptions of one socket, and the answers to SUBSCRIBE and related requests."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from tests.venue_emulator.market import Market

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_MOST_STREAMS = 1024


@dataclass(slots=True)
class Subscriptions:
    """The subscriptions and options of one socket.

    Attributes
    ----------
    streams : set of str
        Stream names as requested; unknown names never get an event.
    wrapped : bool
        Whether events are sent as `{"stream": …, "data": …}`.
    micro : bool
        Whether times are in microseconds.
    silent : bool
        Whether requests are acknowledged but no events are sent, as on the old futures addresses.
    """

    streams: set[str] = field(default_factory=set)
    wrapped: bool = False
    micro: bool = False
    silent: bool = False

    def answer(self, text: str | bytes) -> str:
        """Apply one request of the client, and return the venue's reply."""
        try:
            request = json.loads(text)
        except ValueError as error:
            line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
            return _json({"code": 3, "msg": f"Invalid JSON: expected value at line {line} column {column}"})
        if not isinstance(request, dict) or "method" not in request:
            return _error(2, f"Invalid request: missing field `method` at line 1 column {len(text)}")
        method, number = request["method"], request.get("id")
        if method not in _METHODS:
            expected = ", ".join(f"`{name}`" for name in _METHODS)
            return _error(2, f"Invalid request: unknown variant `{method}`, expected one of {expected} at line 1 column 28")
        if "id" not in request or isinstance(number, (bool, float, list, dict)) or (isinstance(number, int) and number < 0):
            return _error(2, "Invalid request: request ID must be an unsigned integer")
        return self._obey(method, request.get("params", []), number)

    def _obey(self, method: str, params: object, number: object) -> str:
        if method == "LIST_SUBSCRIPTIONS":
            return _json({"result": sorted(self.streams), "id": number})
        if not isinstance(params, list):
            return _error(2, "Invalid request: params must be an array", number)
        if method in ("SET_PROPERTY", "GET_PROPERTY"):
            return self._property(method, params, number)
        if not all(isinstance(name, str) for name in params):
            return _error(2, "Invalid request: stream name must be a string", number)
        if method == "UNSUBSCRIBE":
            self.streams.difference_update(params)
        elif len(self.streams.union(params)) > _MOST_STREAMS:
            return _error(2, "Invalid request: too many parameters", number)
        else:
            self.streams.update(params)
        return _json({"result": None, "id": number})

    def _property(self, method: str, params: list, number: object) -> str:
        if not params or not isinstance(params[0], str):
            return _error(2, "Invalid request: property name must be a string", number)
        if params[0] != "combined":
            return _error(0, "Unknown property", number)
        if method == "GET_PROPERTY":
            return _json({"result": self.wrapped, "id": number})
        if len(params) != 2 or not isinstance(params[1], bool):
            return _error(1, "Invalid value type: expected Boolean", number)
        self.wrapped = params[1]
        return _json({"result": None, "id": number})


def opened(path: str, market: Market) -> Subscriptions | None:
    """The subscriptions with which a socket at an address starts; None if the venue has no socket there."""
    parts = urlsplit(path)
    query = parse_qs(parts.query)
    place, silent = parts.path, False
    if market is Market.USDM:
        for prefix in ("/market", "/public", "/private"):
            if place.startswith(prefix + "/"):
                place, silent = place[len(prefix) :], prefix != "/market"
                break
        else:
            silent = True  # the old addresses, since April 2026
    micro = market is Market.SPOT and query.get("timeUnit", [""])[0].upper() == "MICROSECOND"
    if place == "/ws" or place.startswith("/ws/"):
        names = {name for name in unquote(place[4:]).split("/") if name}
        return Subscriptions(names, False, micro, silent)
    if place == "/stream":
        names = {name for text in query.get("streams", []) for name in text.split("/") if name}
        return Subscriptions(names, True, micro, silent)
    return None


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _error(code: int, text: str, number: object = None) -> str:
    error: dict[str, object] = {"code": code, "msg": text}
    return _json(error if number is None else error | {"id": number})
