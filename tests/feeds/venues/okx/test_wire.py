"""OKX's messages to trades: what it documents, what it really sent, and what nobody should send."""

from __future__ import annotations

import gzip
import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import LogCapture

from app.errors import VenueRefusedError, VenueUnreachableError
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL
from feeds.venues.okx.wire import greeting, stream_decoder
from tests.feeds.rubbish import NO_TRADES, check_does_not_mind_batching, check_is_put_aside, rows

BTC = Instrument("okx", "BTC-USDT", Decimal("0.1"), Decimal("0.00000001"))
SWAP = Instrument("okx-swap", "BTC-USDT-SWAP", Decimal("0.1"), Decimal("0.0001"), Decimal("0.01"))
DOCUMENTED = (
    b'{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"674510826","px":"95634.9",'
    b'"sz":"0.00011186","side":"buy","source":"0","ts":"1740394561685"}]}'
)


def one(number: object = 1, **fields: object) -> dict[str, object]:
    plain = {"instId": "BTC-USDT", "tradeId": str(number), "px": "95634.9", "sz": "0.5", "side": "buy", "ts": "1740394561685"}
    return plain | fields


def message(*trades: dict[str, object], channel: str = "trades-all") -> bytes:
    return json.dumps({"arg": {"channel": channel, "instId": "BTC-USDT"}, "data": list(trades)}).encode()


def trade(number: object = 1, **fields: object) -> bytes:
    return message(one(number, **fields))


def test_documented_message_is_a_purchase() -> None:
    assert rows(stream_decoder(BTC).decode([DOCUMENTED])) == [(1740394561685 * 10**6, 956349, 11186, BUY, 674510826)]


def test_contracts_become_lots_of_the_base() -> None:
    sent = message(one(7, instId="BTC-USDT-SWAP", sz="12.34", side="sell"))
    batch = stream_decoder(SWAP).decode([sent])
    assert rows(batch) == [(1740394561685 * 10**6, 956349, 1234, SELL, 7)]
    assert SWAP.quantity_text(int(batch.quantity_lots[0])) == "0.1234", "12.34 contracts of 0.01 BTC"


def test_many_trades_of_many_messages_keep_their_order() -> None:
    batch = stream_decoder(BTC).decode([message(one(5), one(3, side="sell")), b"pong", message(one(4))])
    assert batch.trade_id.tolist() == [5, 3, 4] and batch.side.tolist() == [BUY, SELL, BUY]


@pytest.mark.parametrize(
    "talk",
    [
        b"pong",
        b'{"event":"subscribe","arg":{"channel":"trades-all","instId":"BTC-USDT"},"connId":"accb8e21"}',
        b'{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"abcd1234"}',
        b'{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"last":1e400}]}',
    ],
)
def test_other_messages_are_ignored(talk: bytes) -> None:
    decoder = stream_decoder(BTC)
    assert decoder.decode([trade(1), talk, trade(2)]).trade_id.tolist() == [1, 2]
    assert (decoder.ignored, decoder.rejected, decoder.shutdown) == (1, 0, False)


def test_announced_upgrade_is_detected() -> None:
    decoder = stream_decoder(BTC)
    notice = b'{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade.","connId":"x"}'
    assert len(decoder.decode([notice, trade(1)])) == 1
    assert decoder.shutdown and decoder.rejected == 0


def test_zero_quantities_are_skipped_and_counted() -> None:
    decoder = stream_decoder(BTC)
    assert decoder.decode([message(one(1), one(2, sz="0.0"), one(3))]).trade_id.tolist() == [1, 3]
    assert (decoder.empty, decoder.rejected) == (1, 0)


BAD = {
    **NO_TRADES,
    "half of it": trade()[:60],
    "two in one": trade(7) + b"," + trade(8),
    "no data": b'{"arg":{"channel":"trades-all","instId":"BTC-USDT"}}',
    "price as a number": trade(px=100.1),
    "price off the grid": trade(px="100.15"),
    "price of nought": trade(px="0.0"),
    "negative price": trade(px="-1.0"),
    "price nan": trade(px="NaN"),
    "price infinite": trade(px="1e400"),
    "negative quantity": trade(sz="-0.5"),
    "quantity off the grid": trade(sz="0.000000001"),
    "quantity too large": trade(sz="9" * 60),
    "id of 23 digits": trade(10**22),
    "negative id": trade(-1),
    "id with a fraction": trade("1.5"),
    "id infinite": trade("1e400"),
    "id that is no number": trade("NaN"),
    "id as true": trade(tradeId=True),
    "time in seconds": trade(ts="1740394561"),
    "time in nanoseconds": trade(ts=str(1_740_394_561 * 10**9)),
    "time as a word": trade(ts="now"),
    "side in capitals": trade(side="BUY"),
    "another instrument": trade(instId="ETH-USDT"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_message_is_skipped_and_the_others_decoded(bad: bytes, logged: LogCapture) -> None:
    check_is_put_aside(stream_decoder(BTC), trade, bad, logged)


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([*BAD.values(), b"pong", trade(5), message(one(6), one(7))])), max_size=12),
    st.data(),
)
def test_batching_does_not_change_the_trades(frames: list[bytes], data: st.DataObject) -> None:
    check_does_not_mind_batching((stream_decoder(BTC), stream_decoder(BTC)), frames, data.draw(st.integers(0, len(frames))))


@given(st.integers(0, 2**63 - 1), st.integers(1, 10**12), st.integers(1, 10**12), st.booleans())
def test_decoded_trade_has_the_messages_values(trade_id: int, ticks: int, lots: int, bought: bool) -> None:
    sent = trade(trade_id, px=str(ticks * BTC.tick_size), sz=str(lots * BTC.lot_size), side="buy" if bought else "sell")
    assert rows(stream_decoder(BTC).decode([sent]))[0][1:] == (ticks, lots, BUY if bought else SELL, trade_id)


# -- subscribing -----------------------------------------------------------------------------------


def test_subscription_is_for_every_single_trade() -> None:
    assert [json.loads(message) for message in greeting("BTC-USDT").messages] == [
        {"op": "subscribe", "args": [{"channel": "trades-all", "instId": "BTC-USDT"}]}
    ]


def test_only_the_reply_to_the_subscription_confirms_it() -> None:
    accepted = greeting("BTC-USDT").accepted
    assert not accepted(DOCUMENTED) and not accepted(b"pong")
    assert not accepted(b'{"event":"notice","code":"64008","msg":"soon"}')
    assert accepted(b'{"event":"subscribe","arg":{"channel":"trades-all","instId":"BTC-USDT"},"connId":"accb8e21"}')


def test_unknown_instrument_is_refused_in_the_venues_words() -> None:
    recorded = (
        b'{"event":"error","msg":"Subscribe failed, wrong URL or channel:trades-all,instId:NO-SUCH doesn\'t exist. Please use the'
        b' correct URL, channel and parameters referring to API document.","code":"60018","connId":"b2b0944b"}'
    )
    with pytest.raises(VenueRefusedError, match="instId:NO-SUCH doesn't exist"):
        greeting("NO-SUCH").accepted(recorded)


def test_temporary_subscription_error_is_retried() -> None:
    with pytest.raises(VenueUnreachableError, match="too frequent"):
        greeting("BTC-USDT").accepted(b'{"event":"error","code":"60014","msg":"Requests too frequent","connId":"x"}')


@pytest.mark.parametrize("rubbish", NO_TRADES.values(), ids=NO_TRADES)
def test_bad_message_before_the_reply_confirms_nothing(rubbish: bytes) -> None:
    assert not greeting("BTC-USDT").accepted(rubbish)


# -- recorded --------------------------------------------------------------------------------------


def test_recorded_connection_is_read_to_the_last_trade(real_data: Path) -> None:
    lines = gzip.decompress((real_data / "captures" / "okx_2022_frames.gz").read_bytes()).splitlines()
    frames = [found[1] for line in lines if (found := re.match(rb"[\d.]+: (.*)$", line))]
    pushes = [json.loads(frame) for frame in frames if frame.startswith(b'{"arg":{"channel":"trades"') and b'"data"' in frame]
    trades = [each for push in pushes for each in push["data"] if each["instId"] == "BTC-USDT"]
    assert len(trades) == 69
    decoder = stream_decoder(BTC)
    mine = [frame for frame in frames if b'"instId":"BTC-USDT"' in frame]
    batch = decoder.decode(mine)
    assert rows(batch) == [
        (
            int(each["ts"]) * 10**6,
            int(Decimal(each["px"]) * 10),
            int(Decimal(each["sz"]) * 10**8),
            BUY if each["side"] == "buy" else SELL,
            int(each["tradeId"]),
        )
        for each in trades
    ]
    assert decoder.rejected == 0 and decoder.ignored == len(mine) - sum(b'"tradeId"' in frame for frame in mine)
    assert next(frame for frame in mine if greeting("BTC-USDT").accepted(frame)).startswith(b'{"event":"subscribe"')


def test_recorded_message_is_read_exactly(real_data: Path) -> None:
    sent = (real_data / "venues" / "okx_ws_trades.json").read_bytes()
    usd = Instrument("okx", "BTC-USD", Decimal("0.1"), Decimal("0.00000001"))
    assert rows(stream_decoder(usd).decode([sent])) == [(1630048897897 * 10**6, 422199, 12060306, BUY, 130639474)]
