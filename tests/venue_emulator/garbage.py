"""Frames that are not trades, each with one error that a careless decoder would accept."""

from __future__ import annotations

from tests.venue_emulator.messages import frame

_GOOD = {"e": '"aggTrade"', "E": "{t}", "s": '"{s}"', "a": "{a}", "p": '"{p}"', "q": '"1"', "f": "1", "l": "1", "T": "{t}", "m": "true"}

_SPOILT = {
    # One field of a good trade replaced; the id is the next one, so that a client that accepts it loses the true trade.
    "price-number": {"p": "61000.5"},
    "price-word": {"p": '"many"'},
    "price-exponent": {"p": '"1e400"'},
    "price-nan": {"p": '"NaN"'},
    "price-infinite": {"p": '"Infinity"'},
    "price-negative": {"p": '"-1"'},
    "price-nought": {"p": '"0"'},
    "price-null": {"p": "null"},
    "price-off-tick": {"p": '"61000.123456789"'},
    "quantity-nought": {"q": '"0.000"'},
    "quantity-negative": {"q": '"-0.5"'},
    "quantity-list": {"q": "[1]"},
    "quantity-huge": {"q": '"' + "9" * 60 + '"'},
    "id-word": {"a": '"{a}"'},
    "id-23-digits": {"a": "10000000000000000000000"},
    "id-4000-digits": {"a": "9" * 4000},
    "id-negative": {"a": "-1"},
    "id-fraction": {"a": "{a}.5"},
    "time-overflow": {"T": "1e400"},
    "time-negative": {"T": "-5"},
    "time-far": {"T": "9223372036854775807"},
    "side-word": {"m": '"true"'},
    "side-number": {"m": "1"},
    "symbol-other": {"s": '"NOTASKED"'},
    "event-other": {"e": '"somethingNew"'},
}
_MISSING = ("a", "p", "q", "T", "m")
_RAW = {
    "json-cut": b'{"e":"aggTrade","E":17231612',
    "json-word": b"hello",
    "json-null": b"null",
    "json-number": b"1e999",
    "json-list": b"[]",
    "json-string": b'"aggTrade"',
    "json-trailing": b'{"result":null,"id":77}}',
    "json-constant": b'{"e":"aggTrade","p":NaN}',
    "json-deep": b"[" * 50_000,
    "empty": b"",
    "html": b"<html><body>502 Bad Gateway</body></html>",
    "error": b'{"code":1,"msg":"Internal error"}',
    "ack-stray": b'{"result":null,"id":987654321}',
}
_FRAMES = {
    "binary": frame(b'{"e":"aggTrade"}', binary=True),
    "binary-noise": frame(bytes(range(256)), binary=True),
    # A client that asks its library for text has its socket closed by it (1007), as the protocol demands.
    "utf8": frame(b'{"e":"\xff\xfe\xfd"}'),
}

KINDS = (*_SPOILT, *(f"missing-{name}" for name in _MISSING), *_RAW, *_FRAMES)
"""All kinds of garbage."""

HARMLESS = tuple(kind for kind in KINDS if kind != "utf8")
"""The kinds after which a library keeps the socket open."""


def garbage(kind: str, symbol: str, next_id: int, price: str, time: int, *, wrapped: bool) -> bytes:
    """An encoded frame of garbage of a kind; its trade fields resemble the given next trade."""
    if kind not in KINDS:
        raise ValueError(f"kind: found {kind!r}, expected one of {', '.join(KINDS)}")
    if kind in _FRAMES:
        return _FRAMES[kind]
    if kind in _RAW:
        return frame(_RAW[kind])
    parts = dict(_GOOD)
    if kind in _SPOILT:
        parts.update(_SPOILT[kind])
    else:
        del parts[kind.removeprefix("missing-")]
    text = "{" + ",".join(f'"{name}":{value}' for name, value in parts.items()) + "}"
    for mark, value in (("{a}", next_id), ("{s}", symbol), ("{p}", price), ("{t}", time)):
        text = text.replace(mark, str(value))
    if wrapped:
        text = f'{{"stream":"{symbol.lower()}@aggTrade","data":{text}}}'
    return frame(text.encode())
