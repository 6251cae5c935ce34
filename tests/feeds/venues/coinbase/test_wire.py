"""Coinbase's messages to trades: what it documents, what it really sent, and what nobody should send."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import LogCapture

from app.errors import VenueRefusedError, VenueUnreachableError
from app.market.instrument import Instrument
from app.market.trade import BUY, SELL
from feeds.venues.coinbase.wire import Trade, batch_of, decoder, greeting
from tests.feeds.rubbish import NO_TRADES, check_bears_spoiled, check_does_not_mind_batching, check_is_put_aside, rows, spoiled

BAND = Instrument("coinbase", "BAND-GBP", Decimal("0.0001"), Decimal("0.01"))
RECORDED = (
    b'{"type":"last_match","trade_id":881613,"maker_order_id":"27fff20b-af29-4f45-8744-56dd1ef57dc0",'
    b'"taker_order_id":"1da6ce16-c8da-4732-9f71-6049f4c6aaf8","side":"sell","size":"0.04","price":"14.7775",'
    b'"product_id":"BAND-GBP","sequence":333938798,"time":"2021-04-17T16:43:30.244075Z"}'
)


def match(trade_id: object = 1, **fields: object) -> bytes:
    plain = {"type": "match", "side": "buy", "size": "0.5", "price": "14.1", "product_id": "BAND-GBP", "time": "2021-04-17T16:43:30Z"}
    return json.dumps(plain | {"trade_id": trade_id} | fields).encode()


def test_maker_sell_is_an_aggressive_buy() -> None:
    """A9: the venue tells the maker's side."""
    assert rows(decoder(BAND).decode([RECORDED])) == [(1618677810244075000, 147775, 4, BUY, 881613)]
    assert decoder(BAND).decode([match(side="buy")]).side.tolist() == [SELL]


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BAND-GBP"]}]}',
        b'{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BAND-GBP","time":"2014-11-07T08:19:28.464459Z"}',
        b'{"type":"something_new","price":1e400}',
    ],
)
def test_other_messages_are_ignored(message: bytes) -> None:
    one = decoder(BAND)
    assert one.decode([match(1), message, match(2)]).trade_id.tolist() == [1, 2]
    assert (one.ignored, one.rejected) == (1, 0)


def test_zero_quantities_are_skipped_and_counted() -> None:
    one = decoder(BAND)
    assert one.decode([match(1), match(2, size="0.00"), match(3)]).trade_id.tolist() == [1, 3]
    assert (one.empty, one.rejected) == (1, 0)


BAD = {
    **NO_TRADES,
    "half of it": match()[:60],
    "two in one": match(7) + b"," + match(8),
    "an error": b'{"type":"error","message":"ErrSlowConsume"}',
    "price as a number": match(price=14.1),
    "price off the grid": match(price="14.10005"),
    "price of nought": match(price="0"),
    "negative price": match(price="-1"),
    "price nan": match(price="NaN"),
    "price infinite": match(price="1e400"),
    "price in other digits": match(price="١٤"),
    "price with a null character": match(price="14\x00"),
    "negative quantity": match(size="-0.5"),
    "quantity off the grid": match(size="0.005"),
    "quantity too large": match(size="9" * 60),
    "no price": match(price=None),
    "id of 23 digits": match(10**22),
    "negative id": match(-1),
    "id as text": match("1"),
    "id with a fraction": match(1.5),
    "another side": match(side="SELL"),
    "another product": match(product_id="BTC-USD"),
    "no time": match(time=""),
    "time in seconds": match(time=1618677810),
    "time without zone": match(time="2021-04-17T16:43:30"),
    "time of another century": match(time="2101-04-17T16:43:30Z"),
    "time before there was a venue": match(time="1970-01-01T00:00:00Z"),
    "time of year 9999": match(time="9999-04-17T16:43:30Z"),
    "time too fine": match(time="2021-04-17T16:43:30.1234567891Z"),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_message_is_skipped_and_the_others_decoded(bad: bytes, logged: LogCapture) -> None:
    """A8: each kind of rubbish by itself."""
    check_is_put_aside(decoder(BAND), match, bad, logged)


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([*BAD.values(), match(5), match(6)])), max_size=12), st.data())
def test_batching_does_not_change_the_trades(frames: list[bytes], data: st.DataObject) -> None:
    check_does_not_mind_batching((decoder(BAND), decoder(BAND)), frames, data.draw(st.integers(0, len(frames))))


@given(st.lists(spoiled(match(5)), min_size=1, max_size=4))
def test_damaged_message_never_stops_the_decoder(frames: list[bytes]) -> None:
    check_bears_spoiled(decoder(BAND), frames)


@given(st.integers(0, 2**63 - 1), st.integers(1, 10**12), st.integers(1, 10**12), st.booleans())
def test_decoded_trade_has_the_messages_values(trade_id: int, ticks: int, lots: int, maker_sold: bool) -> None:
    side = "sell" if maker_sold else "buy"
    message = match(trade_id, price=str(ticks * BAND.tick_size), size=str(lots * BAND.lot_size), side=side)
    assert rows(decoder(BAND).decode([message]))[0][1:] == (ticks, lots, BUY if maker_sold else SELL, trade_id)


def test_history_page_has_the_same_fields() -> None:
    page = b'[{"trade_id":74,"side":"sell","size":"0.01","price":"10","time":"2014-11-07T22:19:28.578544Z"}]'
    assert rows(batch_of(BAND, msgspec.json.decode(page, type=list[Trade]))) == [(1415398768578544000, 100_000, 1, BUY, 74)]


# -- subscribing -----------------------------------------------------------------------------------


def test_subscription_is_confirmed_when_it_names_the_product() -> None:
    hello = greeting("BAND-GBP")
    assert [json.loads(message) for message in hello.messages] == [
        {"type": "subscribe", "product_ids": ["BAND-GBP"], "channels": ["matches"]}
    ]
    assert not hello.accepted(RECORDED), "it comes before the answer"
    assert not hello.accepted(b'{"type":"subscriptions","channels":[{"name":"ticker","product_ids":["BAND-GBP"]}]}')
    assert not hello.accepted(b'{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD"]}]}')
    assert hello.accepted(b'{"type":"subscriptions","channels":[{"name":"matches","product_ids":["BTC-USD","BAND-GBP"]}]}')


def test_unknown_product_is_refused_in_the_venues_words() -> None:
    with pytest.raises(VenueRefusedError, match="coinbase:NO-SUCH: NO-SUCH is not a valid product"):
        greeting("NO-SUCH").accepted(b'{"type":"error","message":"Failed to subscribe","reason":"NO-SUCH is not a valid product"}')


def test_error_that_does_not_name_the_product_is_retried() -> None:
    with pytest.raises(VenueUnreachableError, match="slow down"):
        greeting("BTC-USD").accepted(b'{"type":"error","message":"slow down"}')


@pytest.mark.parametrize("rubbish", NO_TRADES.values(), ids=NO_TRADES)
def test_bad_message_before_the_reply_confirms_nothing(rubbish: bytes) -> None:
    assert not greeting("BTC-USD").accepted(rubbish)


# -- recorded --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def recorded(real_data: Path) -> list[bytes]:
    lines = gzip.decompress((real_data / "captures" / "coinbase_2021_frames.gz").read_bytes()).splitlines()
    return [found[1] for line in lines if (found := re.match(rb"[\d.]+: (\{.*\})$", line))]


def steps_of(texts: Iterable[str]) -> Decimal:
    return Decimal(1).scaleb(min(int(Decimal(text).as_tuple().exponent) for text in texts))


def test_recorded_trades_are_exact_and_agree_with_the_ticker(recorded: list[bytes]) -> None:
    """A9: recorded trades against the book."""
    plain = [json.loads(message) for message in recorded]
    aggressor = {(each["product_id"], each.get("trade_id")): each.get("side") for each in plain if each["type"] == "ticker"}
    compared = 0
    for product in {each["product_id"] for each in plain if each["type"] == "match"}:
        trades = [each for each in plain if each["type"] in ("match", "last_match") and each["product_id"] == product]
        tick, lot = steps_of(each["price"] for each in trades), steps_of(each["size"] for each in trades)
        mine = [frame for frame, each in zip(recorded, plain, strict=True) if each.get("product_id") == product or "product_id" not in each]
        one = decoder(Instrument("coinbase", product, tick, lot))
        batch = one.decode(mine)
        assert batch.trade_id.tolist() == [each["trade_id"] for each in trades]
        assert all(step == 1 for step in batch.trade_id[1:] - batch.trade_id[:-1]), "numbered without a hole"
        assert batch.price_ticks.tolist() == [int(Decimal(each["price"]) / tick) for each in trades]
        assert batch.quantity_lots.tolist() == [int(Decimal(each["size"]) / lot) for each in trades]
        assert (one.rejected, one.ignored) == (0, len(mine) - len(trades))
        for trade_id, side in zip(batch.trade_id.tolist(), batch.side.tolist(), strict=True):
            if told := aggressor.get((product, trade_id)):  # the ticker tells the taker's side
                assert side == (BUY if told == "buy" else SELL)
                compared += 1
    assert compared > 90
