"""Candles from files: every shape that is read, and what is said of those that cannot be."""

from __future__ import annotations

import gzip
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from app.errors import TradeFileError
from app.market.span import Span
from feeds.archives.candle_file import CandleFile, read_candle_file

T0 = 1_700_000_000
NS = 10**9
ONE = "1.5", "2.25", "1.0", "2", "7.125"


def read(tmp_path: Path, text: str | bytes) -> CandleFile:
    path = tmp_path / "candles"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_candle_file(path)


def figures(found: CandleFile) -> list[tuple[int, ...]]:
    k = found.candles
    return list(zip(*(column.tolist() for column in (k.start_ns, k.open, k.high, k.low, k.close, k.volume)), strict=True))


# fmt: off
SHAPES = {
    "csv": f"time,open,high,low,close,volume\n{T0},{','.join(ONE)}\n",
    "csv of another order, with more": f"Volume,Close,Low,High,Open,Trades,Timestamp\r\n7.125,2,1.0,2.25,1.5,9,{T0}000\r\n",
    "csv with ISO times": "date,open,high,low,close,volume\n2023-11-14T22:13:20Z," + ",".join(ONE) + "\n",
    "binance": f'[[{T0}000,"1.5","2.25","1.0","2","7.125",{T0}999,"1",3,"1","1","0"]]',
    "bybit v5": f'{{"retCode":0,"result":{{"symbol":"X","list":[["{T0}000","1.5","2.25","1.0","2","7.125","9"]]}},"time":1}}',
    "bybit v2": f'{{"result":[{{"start_at":{T0},"open_time":{T0},"volume":7.125,"open":1.5,"high":2.25,"low":1.0,"close":2}}]}}',
    "okx": f'{{"code":"0","data":[["{T0}000","1.5","2.25","1.0","2","7.125","0","0","1"]]}}',
    "coinbase": f'{{"candles":[{{"start":"{T0}","low":"1.0","high":"2.25","open":"1.5","close":"2","volume":"7.125"}}]}}',
    "kraken": f'{{"error":[],"result":{{"XXBTZUSD":[[{T0},"1.5","2.25","1.0","2","1.7","7.125",4]],"last":{T0}}}}}',
    "hyperliquid": f'[{{"t":{T0}000,"T":{T0}999,"s":"BTC","i":"1m","o":"1.5","c":"2","h":"2.25","l":"1.0","v":"7.125","n":3}}]',
}
# fmt: on


@pytest.mark.parametrize("text", SHAPES.values(), ids=SHAPES)
def test_each_layout_is_read_exactly(tmp_path: Path, text: str):
    found = read(tmp_path, text)
    assert (found.tick_size, found.lot_size) == (Decimal("0.01"), Decimal("0.001"))
    assert figures(found) == [(T0 * NS, 150, 225, 100, 200, 7125)]


def test_packed_file_is_read(tmp_path: Path):
    assert figures(read(tmp_path, gzip.compress(SHAPES["csv"].encode()))) == [(T0 * NS, 150, 225, 100, 200, 7125)]


def test_candles_are_sorted_and_repeated_ones_dropped(tmp_path: Path):
    lines = [f"{T0 + 60 * step},1,3,1,2,{step}" for step in (2, 0, 1, 1)]
    found = read(tmp_path, "time,open,high,low,close,volume\n" + "\n".join(lines))
    assert [start // NS for start, *_ in figures(found)] == [T0, T0 + 60, T0 + 120]
    assert found.candles.length_ns == 60 * NS


HEADER = "time,open,high,low,close,volume\n"
FAULTS = {
    "": "found no candles",
    HEADER: "found no candles",
    "a,b\n1,2\n": "line 1: found the header 'a,b', expected CSV with time",
    HEADER + f"{T0},1,2,1,2,3\n{T0},1,2,1\n": "line 3: found 4 columns, expected 6",
    HEADER + f"{T0},1,2,1,2,3\n\n{T0 + 60},1,x,1,2,3\n": "line 4: found high 'x', expected a decimal number",
    HEADER + f"{T0},1,2,1.5,2,3\n": "line 2: found open, high, low, close 1, 2, 1.5, 2, expected positive prices",
    HEADER + f"{T0},0,2,0,2,3\n": "line 2: found open, high, low, close 0, 2, 0, 2, expected positive prices",
    HEADER + f"{T0},1,2,1,2,-3\n": "line 2: found volume -3, expected 0 or more",
    HEADER + "yesterday,1,2,1,2,3\n": "line 2: found time 'yesterday'",
    HEADER + f"{T0},1,2,1,2,3\n{T0},1,2,1,2,4\n": f"line 3: found time '{T0}' repeated with different values",
    HEADER + f"{T0},1,2,1,2,6e18\n": "volumes that fit in 64 bits when summed",
    HEADER + f"{T0},1e999999999,2,1,2,3\n": "line 2: found open '1e999999999', expected a decimal number",
    HEADER + f"{T0},1,2,1,2,1e-999999999\n": "line 2: found volume '1e-999999999', expected a decimal number",
    f"[[{T0},1,1e999999999,1,2,3]]": "candle 1: found high '1e999999999', expected a decimal number",
    HEADER + f'{T0},"1,2,1,2,3\n': "found 2 columns, expected 6",
    "[": "found invalid JSON",
    "[" * 100_000: "found invalid JSON",
    '{"a": 1}': "found JSON without a list of candles",
    "[[1, 2]]": "candle 1: found '[1, 2]', expected time, open, high, low, close and volume",
    "[3]": "candle 1: found '3'",
    f'[[{T0},"1","2","1","2","3"],[{T0},"1","2","1",null,"3"]]': "candle 2: found",
    b"\xff\xfe": "found binary data",
}


@pytest.mark.parametrize(("text", "said"), FAULTS.items(), ids=range(len(FAULTS)))
def test_invalid_file_is_refused_with_its_line(tmp_path: Path, text: str | bytes, said: str):
    with pytest.raises(TradeFileError) as error:
        read(tmp_path, text)
    assert said in error.value.user_message
    assert "\n" not in error.value.user_message


def test_recorded_venue_responses_are_read(real_data: Path):
    venues = real_data / "venues"
    counts = [len(read_candle_file(venues / f"{name}.json").candles) for name in ("binance_spot_http_klines", "okx_http_candles")]
    assert counts == [1, 2]


@pytest.mark.parametrize("unit", [1, 1000])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", [False, True])
def test_binance_klines_are_read_with_and_without_a_header(tmp_path: Path, unit: int, packed: bool, header: bool) -> None:
    """T6: spot files have no header and, from 2025 on, microseconds; both come zipped."""
    first_ms = 1_735_689_600_000
    names = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
    times = [(first_ms + n * 60_000) * unit for n in range(5) if n != 3]
    lines = [
        f"{t},93576.01,93610.93,93537.50,93610.93,8.21827{n},{t + 60_000 * unit - 1},768978.1,2631,3.9,370757.4,0"
        for n, t in enumerate(times)
    ]
    text = "\n".join([*([names] if header else []), *lines]) + "\n"
    path = tmp_path / "BTCUSDT-1m-2025-01-01.csv"
    path.write_text(text)
    if packed:
        packed_path = path.with_suffix(".zip")
        with zipfile.ZipFile(packed_path, "w") as archive:
            archive.write(path, path.name)
        path = packed_path
    found = read_candle_file(path)
    first_ns, minute = first_ms * 10**6, 60 * 10**9
    assert found.candles.start_ns.tolist() == [first_ns + n * minute for n in (0, 1, 2, 4)]
    assert (found.candles.close.tolist()[0], found.candles.volume.tolist()[0]) == (9361093, 8218270)
    assert found.candles.length_ns == minute
    assert found.missing(Span(0, 1 << 62)) == [Span(first_ns + 3 * minute, first_ns + 4 * minute)]
    assert found.missing(Span(0, first_ns + 3 * minute)) == []
