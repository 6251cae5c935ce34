"""Messages to trades: what the venue documents, what it really sent, and what nobody should send."""

from __future__ import annotations

import gzip
import json
import re
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import LogCapture

from app.market.instrument import Instrument
from app.market.trade import BUY, SELL, TradeBatch
from feeds.venues.binance.wire import AggregateTrade, batch_of, stream_decoder
from tests.feeds.rubbish import check_does_not_mind_batching, rows

BNB = Instrument("binance", "BNBBTC", Decimal("0.001"), Decimal(1))
BTC = Instrument("binance-usdm", "BTCUSDT", Decimal("0.1"), Decimal("0.001"))

SPOT_MESSAGE = (
    b'{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,"T":1672515782136,"m":true,"M":true}'
)
USDM_MESSAGE = (
    b'{"e":"aggTrade","E":1723161599643,"s":"BTCUSDT","a":5266605247,"p":"61659.80","q":"0.076","nq":"0.076",'
    b'"f":5266605247,"l":5266605247,"T":1723161599643,"m":false,"st":1}'
)


def trade(a: object = 1, p: object = "100.1", q: object = "0.5", T: object = 1_700_000_000_000, m: object = False, **more: object) -> bytes:  # noqa: N803
    return json.dumps({"e": "aggTrade", "s": "BTCUSDT", "a": a, "p": p, "q": q, "T": T, "m": m} | more).encode()


def row(batch: TradeBatch, index: int = 0) -> tuple[int, ...]:
    return tuple(int(column[index]) for column in batch.columns)


def test_documented_spot_message_is_a_sale() -> None:
    """A9: m: true."""
    assert row(stream_decoder(BNB).decode([SPOT_MESSAGE])) == (1672515782136 * 10**6, 1, 100, SELL, 12345)


def test_documented_futures_message_is_a_purchase() -> None:
    """A9: m: false."""
    assert row(stream_decoder(BTC).decode([USDM_MESSAGE])) == (1723161599643 * 10**6, 616598, 76, BUY, 5266605247)


def test_many_messages_keep_their_order() -> None:
    batch = stream_decoder(BTC).decode([trade(a=k, m=k % 2 == 0) for k in (5, 3, 4, 3)])
    assert batch.trade_id.tolist() == [5, 3, 4, 3]  # sorting out is the store's business
    assert batch.side.tolist() == [BUY, BUY, SELL, BUY]


def test_zero_quantities_are_skipped_and_counted() -> None:
    decoder = stream_decoder(BTC)
    assert decoder.decode([trade(a=1), trade(a=2, q="0.000"), trade(a=3)]).trade_id.tolist() == [1, 3]
    assert (decoder.empty, decoder.rejected) == (1, 0)


@pytest.mark.parametrize(
    "message",
    [b'{"result":null,"id":1}', b'{"e":"kline","s":"BTCUSDT","k":{}}', b'{"e":"somethingNew","p":1e400}'],
)
def test_other_messages_are_ignored(message: bytes) -> None:
    decoder = stream_decoder(BTC)
    assert decoder.decode([trade(a=1), message, trade(a=2)]).trade_id.tolist() == [1, 2]
    assert (decoder.ignored, decoder.rejected, decoder.shutdown) == (1, 0, False)


def test_announced_shutdown_is_detected() -> None:
    decoder = stream_decoder(BTC)
    assert len(decoder.decode([b'{"e":"serverShutdown","E":1770123456789}', trade()])) == 1
    assert decoder.shutdown and decoder.rejected == 0


BAD = {
    "no JSON": b"hello",
    "half of it": trade()[:40],
    "nothing": b"",
    "a list": b"[]",
    "two in one": trade(a=7) + b"," + trade(a=8),
    "a deep one": b'{"x":' + b"[" * 50_000,
    "not UTF-8": b'{"e":"\xff\xfe"}',
    "binary": bytes(range(256)),
    "an error": b'{"code":2,"msg":"Invalid request"}',
    "price as a number": trade(p=100.1),
    "price off the grid": trade(p="100.15"),
    "price of nought": trade(p="0.0"),
    "negative price": trade(p="-1.0"),
    "price nan": trade(p="NaN"),
    "price infinite": trade(p="1e400"),
    "negative quantity": trade(q="-0.5"),
    "quantity off the grid": trade(q="0.0005"),
    "quantity too large": trade(q="9" * 60),
    "no price": b'{"e":"aggTrade","s":"BTCUSDT","a":1,"q":"1","T":1700000000000,"m":true}',
    "no event": b'{"s":"BTCUSDT","a":1,"p":"1.0","q":"1","T":1700000000000,"m":true}',
    "id of 23 digits": trade(a=10**22),
    "negative id": trade(a=-1),
    "id as text": trade(a="1"),
    "time in seconds": trade(T=1_700_000_000),
    "time in nanoseconds": trade(T=1_700_000_000 * 10**9),
    "side as a word": trade(m="true"),
    "another symbol": trade(s="ETHUSDT"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_message_is_skipped_and_the_others_decoded(bad: bytes, logged: LogCapture) -> None:
    """A8: each kind of rubbish by itself."""
    decoder = stream_decoder(BTC)
    batch = decoder.decode([trade(a=1), bad, trade(a=2), bad, trade(a=3)])
    assert batch.trade_id.tolist() == [1, 2, 3]
    assert decoder.rejected == 2
    assert [entry["event"] for entry in logged.entries] == ["message rejected"], "one line for many"
    assert len(logged.entries[0]["message"]) <= 200


def test_bad_messages_alone_give_an_empty_batch(logged: LogCapture) -> None:
    decoder = stream_decoder(BTC)
    assert len(decoder.decode(list(BAD.values()))) == 0
    assert decoder.rejected == len(BAD)


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([*BAD.values(), trade(a=5), trade(a=6, m=True)])), max_size=12), st.data()
)
def test_batching_does_not_change_the_trades(frames: list[bytes], data: st.DataObject) -> None:
    check_does_not_mind_batching((stream_decoder(BTC), stream_decoder(BTC)), frames, data.draw(st.integers(0, len(frames))))


@given(st.integers(0, 2**63 - 1), st.integers(1, 10**12), st.integers(1, 10**12), st.booleans())
def test_decoded_trade_has_the_messages_values(trade_id: int, ticks: int, lots: int, m: bool) -> None:
    """A9: any trade."""
    message = trade(a=trade_id, p=str(ticks * BTC.tick_size), q=str(lots * BTC.lot_size), m=m)
    assert row(stream_decoder(BTC).decode([message]))[1:] == (ticks, lots, SELL if m else BUY, trade_id)


def test_history_page_has_the_same_fields() -> None:
    page = b'[{"a":26129,"p":"0.1","q":"4.705","f":27781,"l":27781,"T":1498793709153,"m":true,"M":true}]'
    assert row(batch_of(BTC, msgspec.json.decode(page, type=list[AggregateTrade]))) == (1498793709153 * 10**6, 1, 4705, SELL, 26129)


def recorded(path: Path) -> list[bytes]:
    lines = gzip.decompress(path.read_bytes()).splitlines()
    found = (re.search(rb'"data":(\{"e":"aggTrade".*\})\}$', line) for line in lines)
    return [match[1] for match in found if match]


def test_recorded_futures_messages_are_read_exactly(real_data: Path) -> None:
    messages = recorded(real_data / "captures" / "binance_futures_2021_frames.gz")
    plain = [json.loads(message) for message in messages]
    assert len(plain) > 50
    for symbol in {each["s"] for each in plain}:
        steps = [Decimal(1).scaleb(min(int(Decimal(t[k]).as_tuple().exponent) for t in plain if t["s"] == symbol)) for k in "pq"]
        instrument = Instrument("binance-usdm", symbol, *steps)
        mine = [message for message, each in zip(messages, plain, strict=True) if each["s"] == symbol]
        decoder = stream_decoder(instrument)
        truth = [
            (t["T"] * 10**6, int(Decimal(t["p"]) / steps[0]), int(Decimal(t["q"]) / steps[1]), SELL if t["m"] else BUY, t["a"])
            for t in plain
            if t["s"] == symbol
        ]
        assert rows(decoder.decode(mine)) == truth
        assert decoder.rejected == 0


def test_sides_of_recorded_pages_agree_with_another_program(real_data: Path) -> None:
    """A9: recorded pages."""
    trades = json.loads(gzip.decompress((real_data / "archives" / "xrp_trades_arrays.json.gz").read_bytes()))
    xrp = Instrument("binance", "XRPETH", Decimal("0.00000001"), Decimal("0.01"))
    page = msgspec.convert([each["info"] for each in trades], list[AggregateTrade])
    batch = batch_of(xrp, page)
    assert batch.side.tolist() == [BUY if each["side"] == "buy" else SELL for each in trades]
    assert np.diff(batch.trade_id).max() == 1
    assert sum(batch.quantity_lots.tolist()) == sum(int(Decimal(each["info"]["q"]) * 100) for each in trades)


def test_recorded_futures_example_fails_only_by_its_made_up_time(real_data: Path, logged: LogCapture) -> None:
    message = (real_data / "venues" / "binance_usdm_ws_aggtrade.json").read_bytes()
    decoder = stream_decoder(Instrument("binance-usdm", "BTCUSDT", Decimal("0.001"), Decimal(1)))
    assert len(decoder.decode([message])) == 0 and "T" in logged.entries[0]["why"]
    assert row(decoder.decode([message.replace(b"123456785", b"1723161599643")]))[1:] == (1, 100, SELL, 5933014)
