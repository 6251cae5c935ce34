"""Hyperliquid's messages to trades: what it documents, what it really sent, and what nobody should send."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import LogCapture

from app.errors import OffGridError, VenueRefusedError, VenueUnreachableError
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL
from feeds.venues.hyperliquid.wire import PING, WELCOME, Trade, batch_of, decoder, greeting, oldest_first
from tests.feeds.rubbish import NO_TRADES, check_bears_spoiled, check_does_not_mind_batching, check_is_put_aside, rows, spoiled

BTC = Instrument("hyperliquid", "BTC", Decimal("0.1"), Decimal("0.00001"), numbered=False)
AT_MS = 1_769_916_000_000


def trade(tid: object = 1, **fields: object) -> dict[str, object]:
    plain = {"coin": "BTC", "side": "B", "px": "104320.0", "sz": "0.015", "time": AT_MS, "hash": "0x0", "users": ["0x1", "0x2"]}
    return plain | {"tid": tid} | fields


def message(*trades: object) -> bytes:
    return json.dumps({"channel": "trades", "data": trades}).encode()


def good(tid: int) -> bytes:
    return message(trade(tid))


def test_side_a_is_a_sale_and_b_a_purchase() -> None:
    """A9: A and B of the taker."""
    batch = decoder(BTC).decode([message(trade(7, side="A"), trade(3, side="B", time=AT_MS + 1))])
    assert rows(batch) == [
        (AT_MS * 10**6, 1043200, 1500, SELL, 7),
        ((AT_MS + 1) * 10**6, 1043200, 1500, BUY, 3),
    ]


def test_newest_first_list_is_reversed() -> None:
    batch = decoder(BTC).decode([message(*(trade(k, time=AT_MS + at) for k, at in ((1, 9), (2, 5), (3, 5), (4, 1)))), good(5)])
    assert batch.trade_id.tolist() == [4, 3, 2, 1, 5]


def test_trades_of_equal_time_keep_their_order() -> None:
    assert decoder(BTC).decode([message(trade(9), trade(2), trade(5))]).trade_id.tolist() == [9, 2, 5]


@pytest.mark.parametrize(
    "other",
    [
        b'{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"trades","coin":"BTC"}}}',
        b'{"channel":"pong"}',
        b"Websocket connection established.",
        b"Websocket connection established.\n",
        b'{"channel":"allMids","data":{"mids":{"BTC":1e400}}}',
    ],
)
def test_other_messages_are_ignored(other: bytes) -> None:
    one = decoder(BTC)
    assert one.decode([good(1), other, good(2)]).trade_id.tolist() == [1, 2]
    assert (one.ignored, one.rejected) == (1, 0)


@given(st.integers(0, 4), st.integers(0, 4))
def test_the_welcome_is_ignored_wherever_it_stands(before: int, after: int) -> None:
    """S7: it is no JSON; no warning, nothing rejected, no trade lost."""
    one = decoder(BTC)
    frames = [*(good(n) for n in range(1, 1 + before)), WELCOME, *(good(n) for n in range(1 + before, 1 + before + after))]
    assert one.decode(frames).trade_id.tolist() == list(range(1, 1 + before + after))
    assert (one.ignored, one.rejected) == (1, 0)
    assert not greeting("BTC").accepted(WELCOME)


def test_message_without_trades_is_valid() -> None:
    one = decoder(BTC)
    assert one.decode([message(), good(1), message()]).trade_id.tolist() == [1]
    assert one.rejected == 0


def test_zero_quantities_are_skipped_and_counted() -> None:
    one = decoder(BTC)
    assert one.decode([message(trade(1), trade(2, sz="0.0"), trade(3))]).trade_id.tolist() == [1, 3]
    assert (one.empty, one.rejected) == (1, 0)


BAD_TRADES = {
    "price as a number": trade(px=104320.0),
    "price off the grid": trade(px="104320.05"),
    "price of nought": trade(px="0"),
    "negative price": trade(px="-1"),
    "price nan": trade(px="NaN"),
    "price infinite": trade(px="1e400"),
    "no price": trade(px=None),
    "negative quantity": trade(sz="-0.5"),
    "quantity off the grid": trade(sz="0.000001"),
    "quantity too large": trade(sz="9" * 60),
    "id of 23 digits": trade(10**22),
    "negative id": trade(-1),
    "id as text": trade("1"),
    "another side": trade(side="C"),
    "another coin": trade(coin="ETH"),
    "time in seconds": trade(time=AT_MS // 1000),
    "time in nanoseconds": trade(time=AT_MS * 10**6),
    "time as text": trade(time=str(AT_MS)),
    "no trade": 17,
    "a list": [],
}
BAD = {
    **NO_TRADES,
    "half of it": good(1)[:60],
    "two in one": good(7) + b"," + good(8),
    "trades that are none": b'{"channel":"trades","data":{}}',
    "no channel": b'{"data":[]}',
    "an error": b'{"channel":"error","data":"Cannot send more than 2000 messages per minute."}',
    **{name: message(bad) for name, bad in BAD_TRADES.items()},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_message_is_skipped_and_the_others_decoded(bad: bytes, logged: LogCapture) -> None:
    """A8: each kind of rubbish by itself."""
    check_is_put_aside(decoder(BTC), good, bad, logged)


@pytest.mark.parametrize("bad", BAD_TRADES.values(), ids=BAD_TRADES)
def test_bad_trade_does_not_cost_the_others_of_its_message(bad: object, logged: LogCapture) -> None:
    one = decoder(BTC)
    assert one.decode([message(trade(1), bad, trade(2)), good(3)]).trade_id.tolist() == [1, 2, 3]
    assert (one.rejected, len(logged.entries)) == (1, 1)


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([*BAD.values(), good(5), good(6)])), max_size=12), st.data())
def test_batching_does_not_change_the_trades(frames: list[bytes], data: st.DataObject) -> None:
    check_does_not_mind_batching((decoder(BTC), decoder(BTC)), frames, data.draw(st.integers(0, len(frames))))


@given(st.lists(spoiled(message(trade(5), trade(6))), min_size=1, max_size=4))
def test_damaged_message_never_stops_the_decoder(frames: list[bytes]) -> None:
    check_bears_spoiled(decoder(BTC), frames)


@given(st.integers(0, 2**63 - 1), st.integers(1, 10**12), st.integers(1, 10**12), st.booleans())
def test_decoded_trade_has_the_messages_values(tid: int, ticks: int, lots: int, bought: bool) -> None:
    one = message(trade(tid, px=str(ticks * BTC.tick_size), sz=str(lots * BTC.lot_size), side="B" if bought else "A"))
    assert rows(decoder(BTC).decode([one]))[0][1:] == (ticks, lots, BUY if bought else SELL, tid)


# -- subscribing -----------------------------------------------------------------------------------


def test_subscription_is_confirmed_when_it_names_the_coin() -> None:
    hello = greeting("BTC")
    assert [json.loads(each) for each in hello.messages] == [{"method": "subscribe", "subscription": {"type": "trades", "coin": "BTC"}}]
    answer = '{"channel":"subscriptionResponse","data":{"method":"subscribe","subscription":{"type":"%s","coin":"%s"}}}'
    assert hello.accepted((answer % ("trades", "BTC")).encode())
    assert not hello.accepted((answer % ("trades", "ETH")).encode())
    assert not hello.accepted((answer % ("l2Book", "BTC")).encode())
    assert not hello.accepted(good(1)) and not hello.accepted(b'{"channel":"pong"}')
    assert json.loads(PING.text) == {"method": "ping"} and PING.every_s < 60


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ('Invalid subscription {"type":"trades","coin":"NOSUCH"}', VenueRefusedError),
        ("Cannot track more than 10 total users.", VenueUnreachableError),
    ],
)
def test_refusal_has_the_venues_words(words: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        greeting("NOSUCH").accepted(json.dumps({"channel": "error", "data": words}).encode())
    assert str(caught.value) == f"hyperliquid:NOSUCH: {words}"


@pytest.mark.parametrize("rubbish", NO_TRADES.values(), ids=NO_TRADES)
def test_bad_message_before_the_reply_confirms_nothing(rubbish: bytes) -> None:
    assert not greeting("BTC").accepted(rubbish)


# -- recorded --------------------------------------------------------------------------------------


def test_recorded_page_is_read_exactly(real_data: Path) -> None:
    text = (real_data / "venues" / "hyperliquid_http_recent_trades.json").read_text()
    page = oldest_first(msgspec.json.decode(text, type=list[Trade]))
    assert rows(batch_of(BTC, page)) == [
        (1769916000000000000, 1043000, 500, SELL, 300001),
        (1769916001000000000, 1043105, 2000, BUY, 300002),
        (1769916002000000000, 1043200, 1500, SELL, 300003),
    ]


def test_page_of_another_coin_is_refused() -> None:
    with pytest.raises(OffGridError, match="BTC alone"):
        batch_of(BTC, [msgspec.convert(trade(coin="ETH"), Trade)])
