"""Texts as other programs and other countries write them: read exactly, or refused with the line."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest

from app.errors import TradeFileError
from app.market.instrument import Instrument
from app.market.trade import TradeBatch, concatenate
from feeds.archives.report import ImportReport
from feeds.archives.trade_stream import stream_trades

HEADER = "time,price,quantity,side,trade_id\n"
ROW = "1723161255342,61837.63,0.02,sell,{}"
MARKET = Instrument("file", "x", Decimal("0.01"), Decimal("0.001"))


def read(path: Path, content: str | bytes) -> TradeBatch:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return concatenate(stream_trades(path, MARKET, ImportReport()))


def test_mixed_newlines_are_read(tmp_path: Path) -> None:
    rows = [ROW.format(number) for number in range(6)]
    content = (
        HEADER.strip() + "\r\n" + rows[0] + "\r\n" + rows[1] + "\n" + rows[2] + "\r" + rows[3] + "\n\n" + rows[4] + "\r\n\r\n" + rows[5]
    )
    assert read(tmp_path / "t.csv", content).trade_id.tolist() == [0, 1, 2, 3, 4, 5]


def test_byte_order_mark_is_not_part_of_the_first_column_name(tmp_path: Path) -> None:
    assert len(read(tmp_path / "t.csv", "\ufeff" + HEADER + ROW.format(1))) == 1
    assert len(read(tmp_path / "t.csv", "\ufeff1,61837.63,0.02,1,1,1723161255342,True,True\n")) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ((HEADER + ROW.format(1)).encode("utf-16"), "line 1: found binary data"),
        ((HEADER + ROW.format(1)).encode("utf-32"), "line 1: found"),
        (ROW.format(1), "line 1: found 5 columns without a header"),
        (HEADER.replace(",", ";") + ROW.format(1).replace(",", ";"), "line 1: found columns 'time;price;quantity;side;trade_id' without"),
        (HEADER.replace(",", "\t"), "line 1: found columns"),
        (HEADER + '1723161255342,"61837,63","0,02",sell,1', "line 2: found price '61837,63', expected a decimal number"),
        (HEADER + '1723161255342,"61,837.63",0.02,sell,1', "line 2: found price '61,837.63', expected a decimal number"),
        (HEADER + "1723161255342,61837,63,0.02,sell,1", "line 2: found 6 columns, expected 5"),
        (HEADER + "1723161255342,61\u00a0837.63,0.02,sell,1", "line 2: found price"),
        (HEADER + "1723161255342,61'837.63,0.02,sell,1", "line 2: found price"),
        (HEADER + "1723161255342,$61837.63,0.02,sell,1", "line 2: found price"),
        (HEADER + "09.08.2024 01:54:15,61837.63,0.02,sell,1", "line 2: found time '09.08.2024 01:54:15'"),
        (HEADER + "08/09/2024,61837.63,0.02,sell,1", "line 2: found time '08/09/2024'"),
        (HEADER + ROW.format(1) + "\n" + ROW.format("2\x00"), "line 3: found trade id '2\\x00'"),
        (HEADER.replace("side", "si\x00de"), "line 1: found columns"),
        ("\x00" * 10_000, "line 1: found"),
        (HEADER + ROW.format('"1') + "\n" + ROW.format(2), "line 2: found"),
    ],
)
def test_text_without_trades_is_refused_with_its_line(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(TradeFileError) as caught:
        read(tmp_path / "t.csv", content)
    assert says in caught.value.user_message and "\n" not in caught.value.user_message and "\x00" not in caught.value.user_message


def test_line_of_a_gigabyte_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for start in (b"", HEADER.encode()):
        path.write_bytes(start)
        with path.open("r+b") as file:
            file.truncate(1 << 30)  # nothing but zeros, which take no room on the disk
        started = time.process_time()
        with pytest.raises(TradeFileError, match=r"very long|binary data|nothing|unreadable data"):
            list(stream_trades(path, MARKET, ImportReport()))
        assert time.process_time() - started < 2
