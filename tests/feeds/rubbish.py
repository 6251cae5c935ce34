"""Messages that no venue should send, and checks of how a decoder handles them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import strategies as st
from structlog.testing import LogCapture

from app.market.trade import TradeBatch
from feeds.venues.decoder import Decoder

NO_TRADES: Mapping[str, bytes] = {
    "no JSON": b"hello",
    "nothing": b"",
    "a list": b"[]",
    "a number": b"1e400",
    "null": b"null",
    "not a number": b"NaN",
    "a deep one": b'{"x":' + b"[" * 50_000,
    "a deep list": b"[" * 50_000,
    "not UTF-8": b'{"type":"\xff\xfe","channel":"\xff\xfe"}',
    "binary": bytes(range(256)),
    "an object without fields": b"{}",
    "a list of itself": b"[" + b'{"channel":"trade"},' * 3 + b"1]",
}


def rows(batch: TradeBatch) -> list[tuple[int, ...]]:
    """The trades of a batch as (time, ticks, lots, side, id)."""
    return list(zip(*(column.tolist() for column in batch.columns), strict=True))


def check_is_put_aside(decoder: Decoder, good: Callable[[int], bytes], bad: bytes, logged: LogCapture) -> None:
    """Check that a decoder rejects bad messages between good ones, counts them and logs only one line."""
    batch = decoder.decode([good(1), bad, good(2), bad, good(3)])
    assert batch.trade_id.tolist() == [1, 2, 3]
    assert (decoder.rejected, decoder.ignored) == (2, 0)
    assert [entry["event"] for entry in logged.entries] == ["message rejected"], "one line for many"
    assert len(logged.entries[0]["message"]) <= 200 and len(logged.entries[0]["why"]) <= 200


def check_does_not_mind_batching(decoders: tuple[Decoder, Decoder], frames: list[bytes], cut: int) -> None:
    """Check that a decoder returns and counts the same for messages in one batch as in two; `decoders` are two new ones."""
    for each in decoders:
        each.odd.reported_at = float("inf")  # no lines in the log of a hundred examples
    at_once, by_parts = decoders
    parts = [by_parts.decode(frames[:cut]), by_parts.decode(frames[cut:])]
    assert rows(at_once.decode(frames)) == [row for part in parts for row in rows(part)]
    assert (at_once.rejected, at_once.ignored, at_once.empty) == (by_parts.rejected, by_parts.ignored, by_parts.empty)


_PIECES = [
    b"null",
    b"true",
    b"1e400",
    b"-1",
    b"9" * 30,
    b"NaN",
    b'"',
    b'""',
    b"{",
    b"}",
    b"[",
    b"]",
    b"[]",
    b"{}",
    b",",
    b":",
    b'"\\ud800"',
    b"\xff",
]


@st.composite
def spoiled(draw: st.DrawFn, message: bytes) -> bytes:
    """Draw a message in which one or two parts are replaced."""
    for _ in range(draw(st.integers(1, 2))):
        start = draw(st.integers(0, len(message) - 1))
        piece = draw(st.one_of(st.sampled_from(_PIECES), st.binary(max_size=3)))
        message = message[:start] + piece + message[start + draw(st.integers(0, 12)) :]
    return message


def check_bears_spoiled(decoder: Decoder, frames: list[bytes]) -> None:
    """Check that no damaged message raises in the decoder, and that its trades have possible values."""
    decoder.odd.reported_at = float("inf")  # no lines in the log of a hundred examples
    batch = decoder.decode(frames)
    if len(batch):
        assert batch.price_ticks.min() > 0 and batch.quantity_lots.min() > 0 and batch.trade_id.min() >= 0
        assert batch.time_ns.min() >= 1_230_768_000 * 10**9 and batch.time_ns.max() < 4_102_444_800 * 10**9
