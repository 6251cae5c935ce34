"""Archives made to do harm: each is refused in a line, soon, and leaves nothing behind."""

from __future__ import annotations

import gzip
import io
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.errors import TradeFileError
from app.market.instrument import Instrument
from feeds.archives.report import ImportReport
from feeds.archives.trade_stream import stream_trades

HEADER = "time,price,quantity,side,trade_id\n"
ROW = "1723161255342,1.00,1,buy,{}\n"
GOOD = HEADER + ROW.format(1)
MARKET = Instrument("file", "x", Decimal("0.01"), Decimal("0.001"))


def trades_in(path: Path) -> int:
    return sum(len(batch) for batch in stream_trades(path, MARKET, ImportReport()))


def refused(path: Path) -> str:
    with pytest.raises(TradeFileError) as caught:
        trades_in(path)
    assert "\n" not in caught.value.user_message
    return caught.value.user_message


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path) -> Iterator[None]:
    """Whatever is read, no file appears beside it, and none further up."""
    above = sorted(tmp_path.parent.iterdir())
    yield
    assert len(list(tmp_path.iterdir())) <= 1 and sorted(tmp_path.parent.iterdir()) == above


def zip_of(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "name", ["../../evil.csv", "/etc/evil.csv", "C:\\Windows\\evil.csv", "C:evil.csv", "\\\\host\\evil.csv", "a/" * 99 + "e.csv"]
)
def test_path_of_a_zip_member_is_ignored(tmp_path: Path, name: str) -> None:
    assert trades_in(zip_of(tmp_path / "a.zip", (name, GOOD))) == 1


def test_zip_member_that_is_a_link_is_read_as_text(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("trades.csv")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    assert "without time" in refused(zip_of(tmp_path / "a.zip", (link, "/etc/passwd")))


def test_archive_inside_an_archive_is_not_opened(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("trades.csv", GOOD)
    path = tmp_path / "a.zip"
    assert "0 .csv files among 1" in refused(zip_of(path, ("inner.zip", inner.getvalue())))
    refused(zip_of(path, ("inner.csv", inner.getvalue())))
    path.write_bytes(gzip.compress(gzip.compress(GOOD.encode())))
    assert "binary data" in refused(path)


def test_zip_bomb_is_dropped_soon_after_the_limit(tmp_path: Path) -> None:
    text = HEADER.encode() + b"\n" * 40_000_000
    for path in (zip_of(tmp_path / "a.zip", ("trades.csv", text)), tmp_path / "a.zip"):
        started = time.process_time()
        assert "at most 200 times the packed size" in refused(path)
        assert time.process_time() - started < 1
        path.write_bytes(gzip.compress(text))


def raw_zip(path: Path, *, members: int = 1, name: bytes = b"t.csv", content: bytes = GOOD.encode(), **lies: int) -> Path:
    """A stored zip by hand; `lies` go into both headers: size, packed, crc, offset, method, count, directory."""
    crc = lies.get("crc", zlib.crc32(content))
    packed, size = lies.get("packed", len(content)), lies.get("size", len(content))
    method, flags = lies.get("method", 0), lies.get("flags", 0)
    common = struct.pack("<HHHHHIII", 20, flags, method, 0, 0, crc, packed, size) + struct.pack("<HH", len(name), 0)
    local = b"PK\x03\x04" + common + name + content
    entry = b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, lies.get("offset", 0)) + name
    directory = entry * members
    length = lies.get("directory", len(directory))
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, *[lies.get("count", members) & 0xFFFF] * 2, length, len(local), 0)
    path.write_bytes(local + directory + end)
    return path


def test_hand_made_zip_is_read_like_any_other(tmp_path: Path) -> None:
    assert trades_in(raw_zip(tmp_path / "a.zip")) == 1


@pytest.mark.parametrize(
    "lies",
    [
        {"size": len(GOOD) - 10},
        {"size": len(GOOD) + 10},
        {"size": 2**32 - 2, "packed": 2**32 - 2},
        {"packed": len(GOOD) - 10},
        {"packed": len(GOOD) + 10, "size": len(GOOD) + 10},
        {"crc": 1},
        {"offset": 5},
        {"offset": 2**31},
        {"method": 8},
        {"method": 99},
        {"flags": 1},
        {"directory": 2**31},
        {"directory": 10},
    ],
)
def test_zip_with_false_sizes_is_refused(tmp_path: Path, lies: dict[str, int]) -> None:
    refused(raw_zip(tmp_path / "a.zip", **lies))


def test_zip_with_a_million_members_is_not_listed(tmp_path: Path) -> None:
    path = raw_zip(tmp_path / "a.zip", members=1_000_000, count=1)
    started = time.process_time()
    assert "too many members" in refused(path)
    assert time.process_time() - started < 1
    assert "65 .csv files among 65, expected a zip of at most 64 files" in refused(raw_zip(path, members=65))


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_compression_methods_with_unbounded_memory_are_refused(tmp_path: Path, method: int) -> None:
    assert "expected one that is stored or deflated" in refused(zip_of(tmp_path / "a.zip", ("t.csv", GOOD), method=method))


def test_data_after_a_gzip_is_not_dropped_silently(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(GOOD.encode()) + gzip.compress(ROW.format(2).encode()))
    assert trades_in(path) == 2
    path.write_bytes(gzip.compress(GOOD.encode()) + b"and more")
    assert "a damaged archive" in refused(path)


def test_parquet_with_impossible_sizes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    n = 5_000_000
    same = {"time": [1723161255342], "price": ["1"], "quantity": ["1"], "side": ["buy"]}
    table = pa.table(
        {name: pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), n), pa.array(one)) for name, one in same.items()}
    )
    pq.write_table(table, path, compression="zstd")
    assert path.stat().st_size < 100_000
    assert "5,000,000 rows" in refused(path)
