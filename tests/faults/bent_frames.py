"""Messages of a venue, changed at random: most are not trades any more, some are other trades; a decoder must survive all."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, TradeBatch
from feeds.venues.decoder import Decoder
from tests.feeds.rubbish import rows

_VALUES = (
    *(b"null", b"true", b"-1", b"0", b"-0.0", b"1e400", b"-1e400", b"NaN", b"Infinity", b"10000000000000000000000", b"9223372036854775808"),
    *(
        b'""',
        b'"NaN"',
        b'"1e400"',
        b'"-1"',
        b'"0"',
        b'"0x10"',
        b'"1_000"',
        b'" 1"',
        b'"1e5"',
        b'".5"',
        b'"1."',
        b'"\\u0661"',
        b'"1.000000001"',
    ),
    *(b"[]", b"{}", b"[[[[]]]]", b"[" * 5000, b'"' + b"9" * 400 + b'"', b"9" * 400, b'"\xff\xfe"', b'"\\ud800"', b"1.5", b"12345.0"),
)
_FIELD = re.compile(rb'("[A-Za-z_]+":)("[^"]*"|[^,}]*)')
_BATCH = 50
_FIRST_NS, _END_NS = 1_230_768_000 * 10**9, 4_102_444_800 * 10**9  # 2009 to 2100


def bent(seed: int, samples: Sequence[bytes]) -> Iterator[bytes]:
    """Yield endless messages, the same ones for the same seed; about one in ten is unchanged."""
    chance = random.Random(seed)
    ways = (_flip, _drop, _repeat, _insert, _cut, _value, _value, _value, _as_is)
    while True:
        frame = chance.choice(samples)
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            frame = _join(chance, frame, samples) if chance.random() < 0.1 else chance.choice(ways)(chance, frame)
        yield frame


def throw(decoder: Decoder[Any], frames: Iterator[bytes], n: int) -> dict[str, int]:
    """Decode `n` messages in batches and check the trades; return counts of messages, trades, rejected and ignored.

    Each trade must have a price and a quantity above 0, a possible time, and a side. Binance sends one trade per message;
    these trades are also compared with a slow and simple reading of their message.
    """
    trades = 0
    for _ in range(n // _BATCH):
        batch = [next(frames) for _ in range(_BATCH)]
        out = decoder.decode(batch)
        trades += len(out)
        _check(out)
        if decoder.instrument.venue == "binance":
            _check_said(decoder.instrument, batch, out)
    return {"frames": n // _BATCH * _BATCH, "trades": trades, "put aside": decoder.rejected, "passed over": decoder.ignored}


def _check(out: TradeBatch) -> None:
    assert [column.dtype for column in out.columns] == [np.int64, np.int64, np.int64, np.int8, np.int64]
    if len(out):
        assert out.price_ticks.min() > 0 and out.quantity_lots.min() > 0 and out.trade_id.min() >= 0
        assert out.time_ns.min() >= _FIRST_NS and out.time_ns.max() < _END_NS
        assert set(out.side.tolist()) <= {BUY, SELL}


def _check_said(instrument: Instrument, frames: list[bytes], out: TradeBatch) -> None:
    readings = [reading for frame in frames if (reading := _read(instrument, frame)) is not None]
    at = 0
    for trade in rows(out):  # in the order of the messages; the decoder may reject messages that `_read` accepts
        while at < len(readings) and readings[at] != trade:
            at += 1
        assert at < len(readings), f"no frame says {trade}: {frames}"
        at += 1


def _read(instrument: Instrument, frame: bytes) -> tuple[int, ...] | None:
    """The trade of a message as (ns, ticks, lots, side, id), read with Python's json and Decimal; None if it is not a trade."""
    try:
        said: Any = json.loads(frame.decode(errors="replace"), strict=False)  # fields that we do not use may be damaged
        if said["e"] != "aggTrade" or said["s"] != instrument.symbol or not isinstance(said["m"], bool):
            return None
        ticks, lots = Decimal(said["p"]) / instrument.tick_size, Decimal(said["q"]) / instrument.lot_size
        if ticks != ticks.to_integral_value() or lots != lots.to_integral_value():
            return None
        return int(said["T"]) * 1_000_000, int(ticks), int(lots), -1 if said["m"] else 1, int(said["a"])
    except (ValueError, KeyError, TypeError, OverflowError, InvalidOperation, RecursionError):
        return None


def _flip(chance: random.Random, frame: bytes) -> bytes:
    at = chance.randrange(len(frame) or 1)
    return frame[:at] + bytes([chance.randrange(256)]) + frame[at + 1 :]


def _drop(chance: random.Random, frame: bytes) -> bytes:
    at = chance.randrange(len(frame) or 1)
    return frame[:at] + frame[at + chance.randrange(1, 20) :]


def _repeat(chance: random.Random, frame: bytes) -> bytes:
    at = chance.randrange(len(frame) or 1)
    end = at + chance.randrange(1, 20)
    return frame[:end] + frame[at:]


def _insert(chance: random.Random, frame: bytes) -> bytes:
    at = chance.randrange(len(frame) + 1)
    return (
        frame[:at] + chance.choice((b"\x00", b" ", b"\n", b'"', b",", b"}", b"{", b"e9", b"0", b"\xef\xbb\xbf", b"\xc0\x80")) + frame[at:]
    )


def _cut(chance: random.Random, frame: bytes) -> bytes:
    return frame[: chance.randrange(len(frame) + 1)]


def _value(chance: random.Random, frame: bytes) -> bytes:
    fields = list(_FIELD.finditer(frame))
    if not fields:
        return frame
    field = chance.choice(fields)
    return frame[: field.start(2)] + chance.choice(_VALUES) + frame[field.end(2) :]


def _join(chance: random.Random, frame: bytes, samples: Sequence[bytes]) -> bytes:
    return frame + chance.choice((b"", b",", b"\n")) + chance.choice(samples)


def _as_is(chance: random.Random, frame: bytes) -> bytes:
    return frame
