"""Bybit's messages to trades: what it documents, what it really sent, and what nobody should send."""

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
from feeds.stable_id import stable_id
from feeds.venues.bybit.wire import RecentTrade, StreamDecoder, batch_of_page, greeting
from tests.feeds.rubbish import NO_TRADES, check_does_not_mind_batching, check_is_put_aside, rows

BTC = Instrument("bybit-linear", "BTCUSDT", Decimal("0.1"), Decimal("0.001"), numbered=False)
DOCUMENTED = (
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT","S":"Buy",'
    b'"v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"RPI":false,"seq":1783284617}]}'
)


def one(number: object = 1, **fields: object) -> dict[str, object]:
    plain = {"T": 1672304486865, "s": "BTCUSDT", "S": "Buy", "v": "0.5", "p": "16578.5", "i": str(number), "BT": False}
    return plain | fields


def message(*trades: dict[str, object], topic: object = "publicTrade.BTCUSDT") -> bytes:
    return json.dumps({"topic": topic, "type": "snapshot", "data": list(trades)}).encode()


def trade(number: object = 1, **fields: object) -> bytes:
    return message(one(number, **fields))


def test_documented_message_is_a_purchase_with_a_stable_id() -> None:
    trade_id = stable_id("20f43950-d8dd-5b31-9112-a178eb6023af")
    assert rows(StreamDecoder(BTC).decode([DOCUMENTED])) == [(1672304486865 * 10**6, 165785, 1, BUY, trade_id)]


def test_many_trades_of_many_messages_keep_their_order() -> None:
    batch = StreamDecoder(BTC).decode([message(one(5), one(3, S="Sell")), message(one(4)), message()])
    assert batch.trade_id.tolist() == [5, 3, 4] and batch.side.tolist() == [BUY, SELL, BUY]


def test_block_trades_are_decoded_and_counted() -> None:
    decoder = StreamDecoder(BTC)
    assert len(decoder.decode([message(one(1), one(2, BT=True)), trade(3, BT=True)])) == 3
    assert decoder.block_trades == 2


def test_block_trades_are_counted_once_beside_a_bad_trade(logged: LogCapture) -> None:
    decoder = StreamDecoder(BTC)
    assert len(decoder.decode([message(one(1, BT=True), one(2, p="0.05"), one(3, BT=True), one(4))])) == 3
    assert (decoder.block_trades, decoder.rejected) == (2, 1)


def test_bad_trade_does_not_cost_the_others_of_its_message(logged: LogCapture) -> None:
    decoder = StreamDecoder(BTC)
    batch = decoder.decode([message(one(1), one(2, p=1.5), one(3), one(4, S="Neither")), trade(5)])
    assert batch.trade_id.tolist() == [1, 3, 5]
    assert decoder.rejected == 2
    assert [json.loads(entry["message"])["p"] for entry in logged.entries] == [1.5], "the trade is told, not its whole message"


@pytest.mark.parametrize(
    "talk",
    [
        b'{"success":true,"ret_msg":"","conn_id":"2324d924-aa4d-45b0-a858-7b8be29ab52b","req_id":"1","op":"subscribe"}',
        b'{"success":true,"ret_msg":"pong","conn_id":"0970e817-426e-429a-a679-ff7f55e0b16a","op":"ping"}',
        b'{"req_id":"1","op":"pong","args":["1672916271846"],"conn_id":"x"}',
        b'{"topic":"kline.5.BTCUSDT","data":[{"p":1e400}]}',
    ],
)
def test_other_messages_are_ignored(talk: bytes) -> None:
    decoder = StreamDecoder(BTC)
    assert decoder.decode([trade(1), talk, trade(2)]).trade_id.tolist() == [1, 2]
    assert (decoder.ignored, decoder.rejected) == (1, 0)


def test_zero_quantities_are_skipped_and_counted() -> None:
    decoder = StreamDecoder(BTC)
    assert decoder.decode([message(one(1), one(2, v="0.000"), one(3))]).trade_id.tolist() == [1, 3]
    assert (decoder.empty, decoder.rejected) == (1, 0)


BAD = {
    **NO_TRADES,
    "half of it": trade()[:60],
    "two in one": trade(7) + b"," + trade(8),
    "data of another shape": b'{"topic":"publicTrade.BTCUSDT","data":{"p":"1"}}',
    "topic without data": b'{"topic":"publicTrade.BTCUSDT"}',
    "topic as a number": message(one(7), topic=5),
    "price as a number": trade(p=100.1),
    "price off the grid": trade(p="100.15"),
    "price of nought": trade(p="0.0"),
    "negative price": trade(p="-1.0"),
    "price nan": trade(p="NaN"),
    "price infinite": trade(p="1e400"),
    "price half a character": trade(p="\ud800"),
    "negative quantity": trade(v="-0.5"),
    "quantity off the grid": trade(v="0.0005"),
    "quantity too large": trade(v="9" * 60),
    "no id": trade(i=""),
    "id as a number": trade(i=5),
    "id without end": trade(i="x" * 100),
    "time in seconds": trade(T=1_672_304_486),
    "time as text": trade(T="1672304486865"),
    "time infinite": trade().replace(b"1672304486865", b"1e400"),
    "side in small letters": trade(S="buy"),
    "another symbol": trade(s="ETHUSDT"),
    "block trade as text": trade(BT="true"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_message_is_skipped_and_the_others_decoded(bad: bytes, logged: LogCapture) -> None:
    check_is_put_aside(StreamDecoder(BTC), trade, bad, logged)


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([*BAD.values(), trade(5), message(one(6), one(7))])), max_size=12), st.data()
)
def test_batching_does_not_change_the_trades(frames: list[bytes], data: st.DataObject) -> None:
    check_does_not_mind_batching((StreamDecoder(BTC), StreamDecoder(BTC)), frames, data.draw(st.integers(0, len(frames))))


@given(st.integers(0, 2**63 - 1), st.integers(1, 10**12), st.integers(1, 10**12), st.booleans())
def test_decoded_trade_has_the_messages_values(trade_id: int, ticks: int, lots: int, bought: bool) -> None:
    sent = trade(trade_id, p=str(ticks * BTC.tick_size), v=str(lots * BTC.lot_size), S="Buy" if bought else "Sell")
    assert rows(StreamDecoder(BTC).decode([sent]))[0][1:] == (ticks, lots, BUY if bought else SELL, trade_id)


# -- pages of the past -----------------------------------------------------------------------------


def page_of(*trades: dict[str, object]) -> list[RecentTrade]:
    return msgspec.convert(list(trades), list[RecentTrade], strict=False)


def recent(number: int, time_ms: int, **fields: object) -> dict[str, object]:
    plain = {"execId": str(number), "symbol": "BTCUSDT", "price": "1", "size": "1", "side": "Sell", "time": str(time_ms)}
    return plain | fields


def test_history_page_is_returned_oldest_first() -> None:
    ms = 1_672_304_486_865
    batch = batch_of_page(BTC, page_of(recent(3, ms + 1), recent(2, ms), recent(1, ms)))
    assert batch.trade_id.tolist() == [1, 2, 3] and batch.side.tolist() == [SELL] * 3


def test_page_of_another_symbol_is_refused() -> None:
    with pytest.raises(OffGridError, match="BTCUSDT alone"):
        batch_of_page(BTC, page_of(recent(1, 1_672_304_486_865, symbol="ETHUSDT")))


# -- subscribing -----------------------------------------------------------------------------------


def test_subscription_names_the_topic() -> None:
    assert [json.loads(message) for message in greeting("BTCUSDT").messages] == [
        {"op": "subscribe", "args": ["publicTrade.BTCUSDT"], "req_id": "publicTrade.BTCUSDT"}
    ]


def test_only_the_reply_to_the_subscription_confirms_it() -> None:
    accepted = greeting("BTCUSDT").accepted
    assert not accepted(DOCUMENTED)
    assert not accepted(b'{"success":true,"ret_msg":"pong","op":"ping"}')
    assert accepted(b'{"success":true,"ret_msg":"subscribe","conn_id":"c","req_id":"","op":"subscribe"}')


def test_unknown_symbol_is_refused_in_the_venues_words() -> None:
    recorded = (
        b'{"success":false,"ret_msg":"error:handler not found,topic:publicTrade.NOTASYMBOL","conn_id":"x","req_id":"","op":"subscribe"}'
    )
    with pytest.raises(VenueRefusedError, match="handler not found,topic:publicTrade"):
        greeting("NOTASYMBOL").accepted(recorded)


def test_temporary_subscription_error_is_retried() -> None:
    with pytest.raises(VenueUnreachableError, match="Too many visits"):
        greeting("BTCUSDT").accepted(b'{"success":false,"ret_msg":"Too many visits!","op":"subscribe"}')


@pytest.mark.parametrize("rubbish", NO_TRADES.values(), ids=NO_TRADES)
def test_bad_message_before_the_reply_confirms_nothing(rubbish: bytes) -> None:
    assert not greeting("BTCUSDT").accepted(rubbish)


# -- recorded --------------------------------------------------------------------------------------


def test_recorded_message_and_page_are_read_exactly(real_data: Path) -> None:
    sent = (real_data / "venues" / "bybit_ws_public_trade.json").read_bytes()
    trade_id = stable_id("9dc75fca-4bdd-4773-9f78-6f5d7ab2a110")
    assert rows(StreamDecoder(BTC).decode([sent])) == [(1709891679000 * 10**6, 274510, 10, BUY, trade_id)]
    answer = json.loads((real_data / "venues" / "bybit_http_recent_trades.json").read_text())
    page_id = stable_id("a905d5c3-1ed0-4f37-83e4-9c73a2fe2f01")
    assert rows(batch_of_page(BTC, page_of(*answer["result"]["list"]))) == [(1709891679000 * 10**6, 274505, 5, BUY, page_id)]
