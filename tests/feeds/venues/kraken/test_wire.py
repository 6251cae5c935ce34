"""Kraken's messages to trades: what it documents, what it really sent, and what nobody should send."""

from __future__ import annotations

import gzip
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
from feeds.venues.kraken.wire import HistoryTrade, TradesAnswer, decoder, greeting, history_batch
from tests.feeds.rubbish import NO_TRADES, check_bears_spoiled, check_does_not_mind_batching, check_is_put_aside, rows, spoiled

BTC = Instrument("kraken", "BTC-USD", Decimal("0.1"), Decimal("1e-8"))


def trade(trade_id: object = 1, *, without: str = "", **fields: object) -> str:
    plain: dict[str, object] = {"symbol": "BTC/USD", "side": "buy", "ord_type": "limit", "timestamp": "2026-07-10T00:00:00.123456Z"}
    numbers = {"price": fields.pop("price", "100.1"), "qty": fields.pop("qty", "0.25")}  # written as they are
    texts = [f'"{name}":{json.dumps(value)}' for name, value in (plain | {"trade_id": trade_id} | fields).items() if name != without]
    return "{" + ",".join(texts + [f'"{name}":{value}' for name, value in numbers.items() if name != without]) + "}"


def message(*trades: str, kind: str = "update") -> bytes:
    return f'{{"channel":"trade","type":"{kind}","data":[{",".join(trades)}]}}'.encode()


def good(trade_id: int) -> bytes:
    return message(trade(trade_id))


def test_side_is_the_takers_and_a_message_may_have_many_trades() -> None:
    """A9: the venue tells the taker's side."""
    batch = decoder(BTC).decode([message(trade(1), trade(2, side="sell")), message(trade(3))])
    assert batch.side.tolist() == [BUY, SELL, BUY] and batch.trade_id.tolist() == [1, 2, 3]
    assert batch.time_ns.tolist() == [1783641600123456000] * 3


@pytest.mark.parametrize(
    ("written", "lots"),
    [
        ("0.00027625", 27625),
        ("2.7625e-4", 27625),
        ("1E-8", 1),
        ("90071992.54740993", 9007199254740993),  # what a binary float would round
        ("0.1000000000000", 10**7),
        ("25", 25 * 10**8),
    ],
)
def test_numbers_are_read_exactly(written: str, lots: int) -> None:
    assert decoder(BTC).decode([message(trade(qty=written))]).quantity_lots.tolist() == [lots]


@pytest.mark.parametrize(
    "other",
    [
        b'{"channel":"status","type":"update","data":[{"api_version":"v2","connection_id":13834774380200032777,"system":"online","version":"2.0.0"}]}',
        b'{"channel":"heartbeat"}',
        b'{"method":"pong","req_id":1,"time_in":"2026-07-10T00:00:00Z","time_out":"2026-07-10T00:00:00Z"}',
        b'{"method":"subscribe","result":{"channel":"trade","snapshot":false,"symbol":"BTC/USD"},"success":true,"time_in":"x","time_out":"y"}',
        b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","last":1e400}]}',
    ],
)
def test_other_messages_are_ignored(other: bytes) -> None:
    one = decoder(BTC)
    assert one.decode([good(1), other, good(2)]).trade_id.tolist() == [1, 2]
    assert (one.ignored, one.rejected) == (1, 0)


def test_zero_quantities_are_skipped_and_counted() -> None:
    one = decoder(BTC)
    assert one.decode([message(trade(1), trade(2, qty="0.0"), trade(3))]).trade_id.tolist() == [1, 3]
    assert (one.empty, one.rejected) == (1, 0)


BAD_TRADES = {
    "price as text": trade(price='"100.1"'),
    "price as a list": trade(price="[1]"),
    "no price": trade(price="null"),
    "price true": trade(price="true"),
    "price missing": trade(without="price"),
    "price off the grid": trade(price="100.15"),
    "price of nought": trade(price="0"),
    "negative price": trade(price="-1"),
    "price infinite": trade(price="1e400"),
    "price of a million digits": trade(price="1" * 1_000_000),
    "exponent of a million": trade(price="1e-1000000"),
    "negative quantity": trade(qty="-0.5"),
    "quantity off the grid": trade(qty="0.000000001"),
    "quantity too large": trade(qty="9" * 60),
    "id of 23 digits": trade(10**22),
    "negative id": trade(-1),
    "id as text": trade("1"),
    "another side": trade(side="b"),
    "another pair": trade(symbol="ETH/USD"),
    "no time": trade(timestamp=""),
    "time as a number": trade(timestamp=1783641600),
    "time of the past": trade(timestamp="1996-07-10T00:00:00Z"),
    "no trade": "17",
    "a list": "[]",
}
BAD = {
    **NO_TRADES,
    "half of it": good(1)[:60],
    "two in one": good(7) + b"," + good(8),
    "price nan": message(trade(price="NaN")),
    "trades that are none": b'{"channel":"trade","type":"update","data":{}}',
    "another kind": message(trade(), kind="revision"),
    "an error": b'{"error":"Malformed request","method":"error","success":false}',
    **{name: message(bad) for name, bad in BAD_TRADES.items()},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_bad_message_is_skipped_and_the_others_decoded(bad: bytes, logged: LogCapture) -> None:
    """A8: each kind of rubbish by itself."""
    check_is_put_aside(decoder(BTC), good, bad, logged)


@pytest.mark.parametrize("bad", BAD_TRADES.values(), ids=BAD_TRADES)
def test_bad_trade_does_not_cost_the_others_of_its_message(bad: str, logged: LogCapture) -> None:
    one = decoder(BTC)
    assert one.decode([message(trade(1), bad, trade(2)), good(3)]).trade_id.tolist() == [1, 2, 3]
    assert (one.rejected, len(logged.entries)) == (1, 1)


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([*BAD.values(), good(5), good(6)])), max_size=12), st.data())
def test_batching_does_not_change_the_trades(frames: list[bytes], data: st.DataObject) -> None:
    check_does_not_mind_batching((decoder(BTC), decoder(BTC)), frames, data.draw(st.integers(0, len(frames))))


@given(st.lists(spoiled(message(trade(5), trade(6))), min_size=1, max_size=4))
def test_damaged_message_never_stops_the_decoder(frames: list[bytes]) -> None:
    check_bears_spoiled(decoder(BTC), frames)


@given(st.integers(0, 2**63 - 1), st.integers(1, 10**12), st.integers(1, 10**17), st.booleans())
def test_decoded_trade_has_the_messages_values(trade_id: int, ticks: int, lots: int, bought: bool) -> None:
    side = "buy" if bought else "sell"
    one = message(trade(trade_id, price=str(ticks * BTC.tick_size), qty=str(lots * BTC.lot_size), side=side))
    assert rows(decoder(BTC).decode([one]))[0][1:] == (ticks, lots, BUY if bought else SELL, trade_id)


# -- subscribing -----------------------------------------------------------------------------------

YES = {"method": "subscribe", "result": {"channel": "trade", "snapshot": False, "symbol": "BTC/USD"}, "success": True}


def test_subscription_is_confirmed_when_it_names_channel_and_pair() -> None:
    hello = greeting("BTC-USD")
    wanted = {"method": "subscribe", "params": {"channel": "trade", "symbol": ["BTC/USD"], "snapshot": False}}
    assert [json.loads(each) for each in hello.messages] == [wanted]
    assert hello.accepted(json.dumps(YES).encode())
    for other in ({"channel": "ticker"}, {"symbol": "ETH/USD"}):
        assert not hello.accepted(json.dumps(YES | {"result": {"channel": "trade", "symbol": "BTC/USD"} | other}).encode())
    assert not hello.accepted(b'{"channel":"heartbeat"}') and not hello.accepted(good(1))


@pytest.mark.parametrize(
    ("words", "kind"),
    [("Currency pair not supported BTC/USD", VenueRefusedError), ("Exceeded msg rate", VenueUnreachableError)],
)
def test_refusal_has_the_venues_words(words: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"kraken:BTC-USD: {words}"):
        greeting("BTC-USD").accepted(json.dumps({"error": words, "method": "subscribe", "success": False}).encode())


@pytest.mark.parametrize("rubbish", NO_TRADES.values(), ids=NO_TRADES)
def test_bad_message_before_the_reply_confirms_nothing(rubbish: bytes) -> None:
    assert not greeting("BTC-USD").accepted(rubbish)


# -- the past, and recorded ------------------------------------------------------------------------


def past(text: str) -> list[HistoryTrade]:
    return msgspec.json.decode(text, type=list[HistoryTrade])


def test_history_page_keeps_every_digit_of_its_times() -> None:
    page = past(
        '[["105433.60000","0.00027625",1762795433.9717445,"b","l","",10218208],["105410.1","1",1762795434,"s","m","",10218209,"new"]]'
    )
    assert rows(history_batch(BTC, page)) == [
        (1762795433971744500, 1054336, 27625, BUY, 10218208),
        (1762795434000000000, 1054101, 10**8, SELL, 10218209),
    ]


@pytest.mark.parametrize("time", ["0", "-1", "1e400", "17627954330", "null", '"1762795433"', "1762795433.1234567891"])
def test_page_with_an_impossible_time_is_refused(time: str) -> None:
    with pytest.raises(OffGridError, match="time"):
        history_batch(BTC, past(f'[["105433.6","1",{time},"b","l","",1]]'))


def test_recorded_page_is_read_exactly(real_data: Path) -> None:
    text = (real_data / "venues" / "kraken_http_trades.json").read_text()
    plain = json.loads(text, parse_float=Decimal)["result"]["XBTUSDT"]
    page = [msgspec.json.decode(raw, type=HistoryTrade) for raw in msgspec.json.decode(text, type=TradesAnswer).trades]
    assert rows(history_batch(BTC, page)) == [
        (int(t * 10**9), int(Decimal(p) * 10), int(Decimal(q) * 10**8), BUY if side == "b" else SELL, number)
        for p, q, t, side, _, _, number in plain
    ]
    assert [number for *_, number in plain] == list(range(10218208, 10218208 + 1000)), "numbered without a hole"


def test_recorded_message_is_read_exactly(real_data: Path) -> None:
    one = decoder(BTC)
    batch = one.decode([(real_data / "venues" / "kraken_ws_trade.json").read_bytes()])
    assert rows(batch) == [
        (1696613755440295000, 1059442, 27625, BUY, 10218208),
        (1696613756123456000, 1059105, 12460, SELL, 10218209),
    ]


def test_recorded_messages_of_the_old_protocol_have_no_trades(real_data: Path, logged: LogCapture) -> None:
    lines = gzip.decompress((real_data / "captures" / "kraken_2021_frames.gz").read_bytes()).splitlines()
    frames = [line.partition(b": ")[2] for line in lines if b": [" in line or b": {" in line]
    one = decoder(BTC)
    assert len(one.decode(frames)) == 0 and one.rejected == len(frames) > 40
