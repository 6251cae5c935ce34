"""Each venue's decoder with messages from the venue's documentation, for `bent_frames`."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from app.market.instrument import Instrument
from feeds.venues.binance import wire as binance_wire
from feeds.venues.bybit import wire as bybit_wire
from feeds.venues.coinbase import wire as coinbase_wire
from feeds.venues.decoder import Decoder
from feeds.venues.hyperliquid import wire as hyperliquid_wire
from feeds.venues.kraken import wire as kraken_wire
from feeds.venues.okx import wire as okx_wire


class Wire(NamedTuple):
    """A function that creates the decoder of one market, and messages of its venue: trades first, then others."""

    decoder: Callable[[], Decoder]
    samples: tuple[bytes, ...]


BTC = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))
_BYBIT = Instrument("bybit", "BTCUSDT", Decimal("0.1"), Decimal("0.001"), numbered=False)
_OKX = Instrument("okx", "BTC-USDT", Decimal("0.1"), Decimal("0.00000001"))
_COINBASE = Instrument("coinbase", "BAND-GBP", Decimal("0.0001"), Decimal("0.01"))
_KRAKEN = Instrument("kraken", "BTC-USD", Decimal("0.1"), Decimal("1e-8"))
_HYPERLIQUID = Instrument("hyperliquid", "BTC", Decimal("0.1"), Decimal("0.00001"), numbered=False)

WIRES = {
    "binance": Wire(
        lambda: binance_wire.stream_decoder(BTC),
        (
            b'{"e":"aggTrade","E":1672515782136,"s":"BTCUSDT","a":12345,"p":"16800.01","q":"0.10000","f":100,"l":105,'
            b'"T":1672515782136,"m":true,"M":true}',
            b'{"e":"aggTrade","E":1723161599643,"s":"BTCUSDT","a":5266605247,"p":"61659.80","q":"0.076","nq":"0.076",'
            b'"f":5266605247,"l":5266605247,"T":1723161599643,"m":false,"st":1}',
            b'{"result":null,"id":1}',
            b'{"e":"serverShutdown","E":1672515782136}',
            b'{"e":"kline","s":"BTCUSDT","k":{"t":1,"o":"1","x":false}}',
        ),
    ),
    "bybit": Wire(
        lambda: bybit_wire.StreamDecoder(_BYBIT),
        (
            b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1672304486868,"data":[{"T":1672304486865,"s":"BTCUSDT","S":"Buy",'
            b'"v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023af","BT":false,"RPI":false,"seq":1783284617},'
            b'{"T":1672304486866,"s":"BTCUSDT","S":"Sell","v":"0.2","p":"16578.40","L":"MinusTick","i":"20f43950-d8dd-5b31-9112-a178eb6023b0",'
            b'"BT":false,"RPI":false,"seq":1783284618}]}',
            b'{"success":true,"ret_msg":"pong","conn_id":"1","op":"ping"}',
        ),
    ),
    "okx": Wire(
        lambda: okx_wire.stream_decoder(_OKX),
        (
            b'{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"674510826","px":"95634.9",'
            b'"sz":"0.00011186","side":"buy","source":"0","ts":"1740394561685"}]}',
            b"pong",
        ),
    ),
    "coinbase": Wire(
        lambda: coinbase_wire.decoder(_COINBASE),
        (
            b'{"type":"match","trade_id":881613,"maker_order_id":"27fff20b-af29-4f45-8744-56dd1ef57dc0",'
            b'"taker_order_id":"1da6ce16-c8da-4732-9f71-6049f4c6aaf8","side":"sell","size":"0.04","price":"14.7775",'
            b'"product_id":"BAND-GBP","sequence":333938798,"time":"2021-04-17T16:43:30.244075Z"}',
            b'{"type":"heartbeat","last_trade_id":881613,"product_id":"BAND-GBP","sequence":1,"time":"2021-04-17T16:43:30.244075Z"}',
        ),
    ),
    "kraken": Wire(
        lambda: kraken_wire.decoder(_KRAKEN),
        (
            b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":105944.20,"qty":0.00027625,'
            b'"ord_type":"limit","trade_id":10218208,"timestamp":"2023-10-06T17:35:55.440295Z"},{"symbol":"BTC/USD","side":"sell",'
            b'"price":105944.1,"qty":1.5,"ord_type":"market","trade_id":10218209,"timestamp":"2023-10-06T17:35:55.440296Z"}]}',
            b'{"channel":"heartbeat"}',
        ),
    ),
    "hyperliquid": Wire(
        lambda: hyperliquid_wire.decoder(_HYPERLIQUID),
        (
            b'{"channel":"trades","data":[{"coin":"BTC","side":"A","px":"104320.0","sz":"0.01500","hash":"0x03","time":1769916002000,'
            b'"tid":300003,"users":["0xbuyer3","0xseller3"]},{"coin":"BTC","side":"B","px":"104320.1","sz":"0.5","hash":"0x04",'
            b'"time":1769916002001,"tid":300004,"users":["0xbuyer3","0xseller3"]}]}',
            b'{"channel":"pong"}',
        ),
    ),
}
