"""Compare the import of a trade file with the readers of Arrow and DuckDB; check that memory does not grow with the file."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from app.market.instrument import Instrument
from feeds.archives.export import write_trades
from feeds.archives.report import ImportReport
from feeds.archives.trade_stream import stream_trades

ROWS = 1_000_000
BINANCE = Instrument("binance", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"))
BYBIT = Instrument("bybit-linear", "BTCUSDT", Decimal("0.01"), Decimal("0.00001"), numbered=False)


def _market(n: int) -> tuple[list[int], list[int], list[int], list[int]]:
    """Times (ms), prices (cents), lots and sides of a random walk."""
    rng = np.random.default_rng(1)
    times = 1_723_161_255_342 + np.cumsum(rng.integers(0, 50, n))
    cents = 6_183_763 + np.cumsum(rng.integers(-2, 3, n))
    return times.tolist(), cents.tolist(), rng.integers(1, 10**6, n).tolist(), rng.integers(0, 2, n).tolist()


def _binance(path: Path, n: int) -> None:
    """Write a file of aggregate spot trades as Binance publishes them, without a header."""
    with path.open("w") as file:
        for number, (ms, cents, lots, side) in enumerate(zip(*_market(n), strict=True)):
            price, quantity = f"{cents // 100}.{cents % 100:02d}000000", f"{lots // 100_000}.{lots % 100_000:05d}000"
            file.write(f"{number},{price},{quantity},{2 * number},{2 * number + 1},{ms},{'True' if side else 'False'},True\n")


def _bybit(path: Path, n: int) -> None:
    """Write a file of derivatives trades as Bybit publishes them: seconds with a fraction, text ids."""
    rng = np.random.default_rng(2)
    halves = rng.integers(0, 2**63, (n, 2)).tolist()
    with path.open("w") as file:
        file.write("timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n")
        for (ms, cents, lots, side), (high, low) in zip(zip(*_market(n), strict=True), halves, strict=True):
            quantity, price = f"{lots // 100_000}.{lots % 100_000:05d}", f"{cents // 100}.{cents % 100:02d}"
            rest = f"PlusTick,{UUID(int=high << 64 | low)},1.2e+11,{quantity},4321.5"
            file.write(f"{ms // 1000}.{ms % 1000:03d},BTCUSDT,{'Buy' if side else 'Sell'},{quantity},{price},{rest}\n")


KINDS: dict[str, tuple[Callable[[Path, int], None], Instrument, tuple[str, ...]]] = {
    "binance": (_binance, BINANCE, ("f0", "f1", "f2", "f5", "f6")),
    "bybit": (_bybit, BYBIT, ("timestamp", "side", "size", "price", "trdMatchID")),
}


def _ours(path: Path, instrument: Instrument) -> int:
    return sum(len(batch) for batch in stream_trades(path, instrument, ImportReport()))


def _arrow(path: Path, columns: tuple[str, ...], header: bool, types: dict[str, pa.DataType] | None = None) -> int:
    """Read the file with Arrow into memory, with floats or the column types in `types`; return the number of rows."""
    reading = pa_csv.ReadOptions(autogenerate_column_names=not header)
    return pa_csv.read_csv(path, reading, convert_options=pa_csv.ConvertOptions(include_columns=columns, column_types=types)).num_rows


def _duckdb(path: Path, header: bool) -> int:
    """Read the file with DuckDB into memory, with the column types that it detects; return the number of rows."""
    with duckdb.connect() as base:
        base.execute(f"CREATE TABLE trades AS SELECT * FROM read_csv('{path}', header={header})")
        found = base.execute("SELECT count(*) FROM trades").fetchone()
    return found[0] if found else 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_dump_to_trades_against_arrow_and_duckdb(benchmark: BenchmarkFixture, tmp_path: Path, kind: str) -> None:
    write, instrument, columns = KINDS[kind]
    path = tmp_path / f"{kind}.csv"
    write(path, ROWS)
    header = kind == "bybit"
    exact = dict.fromkeys(("f1", "f2", "size", "price"), pa.decimal128(38, 8))
    readers: dict[str, Callable[[], int]] = {
        "ours": lambda: _ours(path, instrument),
        "arrow": lambda: _arrow(path, columns, header),
        "arrow, exact": lambda: _arrow(path, columns, header, {name: exact[name] for name in columns if name in exact}),
        "duckdb": lambda: _duckdb(path, header),
    }
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(5):  # by turns, so that a busy neighbour slows all
        for name, read in readers.items():
            started = time.perf_counter()
            assert read() == ROWS
            seconds[name].append(time.perf_counter() - started)
    benchmark.pedantic(readers["ours"], rounds=2)
    median = {name: float(np.median(times)) for name, times in seconds.items()}
    ratios = ", ".join(f"{name} {ROWS / s / 1e6:.2f} (ratio {s / median['ours']:.2f})" for name, s in median.items() if name != "ours")
    print(f"\nimport {kind}, M trades/s: ours {ROWS / median['ours'] / 1e6:.2f}, {ratios}")


_PEAK = """
import sys
from pathlib import Path
import psutil
from feeds.archives.report import ImportReport
from feeds.archives.trade_stream import stream_trades
from tests.benchmarks.bench_import import BINANCE
process = psutil.Process()
print(max(process.memory_info().rss for _ in stream_trades(Path(sys.argv[1]), BINANCE, ImportReport())) >> 20)
"""


def test_memory_does_not_grow_with_the_file(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    plain = tmp_path / "part.csv"
    _binance(plain, ROWS)
    part = gzip.compress(plain.read_bytes(), 1)
    peaks = {}
    for times in (4, 16):
        path = tmp_path / f"{times}.csv.gz"
        path.write_bytes(part * times)
        done = subprocess.run([sys.executable, "-c", _PEAK, str(path)], capture_output=True, text=True, check=True)
        peaks[times] = int(done.stdout)
    benchmark.pedantic(lambda: None, rounds=1)
    print(f"\nimport memory: {peaks[4]} MB for 4 M rows, {peaks[16]} MB for 16 M rows")
    assert peaks[16] < peaks[4] * 1.3


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_export_and_import_again(benchmark: BenchmarkFixture, tmp_path: Path, ending: str) -> None:
    plain, out = tmp_path / "in.csv", tmp_path / f"out.{ending}"
    _binance(plain, ROWS)
    batches = list(stream_trades(plain, BINANCE, ImportReport()))
    started = time.perf_counter()
    benchmark.pedantic(lambda: write_trades(out, BINANCE, batches), rounds=1)
    written = time.perf_counter() - started
    started = time.perf_counter()
    assert _ours(out, BINANCE) == ROWS
    read = time.perf_counter() - started
    size = out.stat().st_size / ROWS
    print(f"\nexport {ending}: {ROWS / written / 1e6:.2f} M trades/s, read again {ROWS / read / 1e6:.2f}, {size:.1f} bytes a trade")
