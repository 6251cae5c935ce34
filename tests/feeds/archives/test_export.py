"""Trades that are written and read again are the same trades."""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import BadInputError, TradeFileError
from app.market.instrument import Instrument
from app.market.trade import TradeBatch, concatenate
from feeds.archives.export import write_trades
from feeds.archives.report import ImportReport
from feeds.archives.trade_stream import stream_trades
from tests.builders import random_trades, split, trade_batches

CENT = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00000001"))
COARSE = Instrument("deribit", "BTC-PERPETUAL", Decimal("0.5"), Decimal(10), Decimal("0.1"), numbered=False)
ENDINGS = ["csv", "csv.gz", "parquet"]


def read(path: Path, instrument: Instrument) -> TradeBatch:
    return concatenate(stream_trades(path, instrument, ImportReport()))


def same(one: TradeBatch, other: TradeBatch) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.columns, other.columns, strict=True))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trades=trade_batches(), instrument=st.sampled_from([CENT, COARSE]), cuts=st.lists(st.integers(0, 60), max_size=3))
@pytest.mark.parametrize("ending", ENDINGS)
def test_exported_trades_read_back_bit_for_bit(
    tmp_path: Path, ending: str, trades: TradeBatch, instrument: Instrument, cuts: list[int]
) -> None:
    path = tmp_path / f"out.{ending}"
    assert write_trades(path, instrument, split(trades, cuts)) == len(trades)
    assert same(read(path, instrument), trades)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    ("tick", "lot", "ticks", "lots"),
    [
        ("1e-12", "1e-18", 1, 1),
        ("0.01", "1e-8", 2**62, 2**61),
        ("25", "1000", 2**55, 2**50),
        ("0.00000025", "0.1", 3, 5),
    ],
)
def test_very_small_and_very_large_numbers_read_back(tmp_path: Path, ending: str, tick: str, lot: str, ticks: int, lots: int) -> None:
    instrument = Instrument("file", "x", Decimal(tick), Decimal(lot), numbered=False)
    trades = TradeBatch.of([1723161255342_000_001] * 2, [ticks, 1], [lots, 1], [1, -1], [2**63 - 1, 0])
    write_trades(tmp_path / f"out.{ending}", instrument, [trades])
    back = read(tmp_path / f"out.{ending}", instrument)
    assert same(back, trades)


def test_csv_has_nanoseconds_and_exact_decimals(tmp_path: Path) -> None:
    trades = TradeBatch.of([1723161255342_000_001] * 3, [6183763, 1, 100], [2_000_000, 1, 10**9], [1, -1, 0], [7, 8, 9])
    write_trades(tmp_path / "out.csv", CENT, [trades])
    assert (tmp_path / "out.csv").read_text() == (
        "time,price,quantity,side,trade_id\n"
        "1723161255342000001,61837.63,0.02000000,buy,7\n"
        "1723161255342000001,0.01,0.00000001,sell,8\n"
        "1723161255342000001,1.00,10.00000000,unknown,9\n"
    )


def test_no_csv_cell_looks_like_a_formula(tmp_path: Path) -> None:
    path = tmp_path / "out.csv.gz"
    write_trades(path, COARSE, [random_trades(1, 500, unknown=0.2)])
    with gzip.open(path, "rt", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert all(re.fullmatch(r"[0-9.]+|[a-z][a-z_]*", cell) for cell in cells)


def test_parquet_names_its_instrument(tmp_path: Path) -> None:
    write_trades(tmp_path / "out.parquet", COARSE, [])
    schema = pq.read_schema(tmp_path / "out.parquet")
    assert json.loads(schema.metadata[b"tapeprint"]) == {
        "instrument": "deribit:BTC-PERPETUAL",
        "tick_size": "0.5",
        "lot_size": "10",
        "multiplier": "0.1",
        "numbered": False,
    }
    assert str(schema.field("time").type) == "timestamp[ns, tz=UTC]"


@pytest.mark.parametrize("ending", ENDINGS)
def test_export_without_trades_writes_a_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out.{ending}"
    assert write_trades(path, CENT, []) == 0
    assert len(read(path, CENT)) == 0


def test_small_batches_become_large_row_groups(tmp_path: Path) -> None:
    trades = random_trades(2, 200_000)
    write_trades(tmp_path / "out.parquet", CENT, [trades[start : start + 1000] for start in range(0, 200_000, 1000)])
    assert pq.ParquetFile(tmp_path / "out.parquet").metadata.num_row_groups == 2
    assert same(read(tmp_path / "out.parquet", CENT), trades)


def test_same_trades_give_the_same_bytes(tmp_path: Path) -> None:
    for ending in ENDINGS:
        for name in ("a", "b"):
            write_trades(tmp_path / f"{name}.{ending}", CENT, [random_trades(3, 1000)])
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


class BrokenError(Exception):
    pass


def broken() -> Iterator[TradeBatch]:
    yield random_trades(4, 200_000)
    raise BrokenError


@pytest.mark.parametrize("ending", ENDINGS)
def test_failed_export_leaves_the_old_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"out.{ending}"
    path.write_text("before")
    with pytest.raises(BrokenError):
        write_trades(path, CENT, broken())
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ENDINGS)
def test_full_disk_is_reported_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(TradeFileError, match="found No space left on device, expected a writable file"):
        write_trades(tmp_path / f"out.{ending}", CENT, [random_trades(5, 10)])
    assert list(tmp_path.iterdir()) == []


def test_invalid_name_or_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"found extension '.xlsx', expected one of .csv, .csv.gz, .parquet"):
        write_trades(tmp_path / "out.xlsx", CENT, [])
    with pytest.raises(TradeFileError, match="No such file"):
        write_trades(tmp_path / "nowhere" / "out.csv", CENT, [])
