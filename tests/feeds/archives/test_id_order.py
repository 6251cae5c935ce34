"""Ids order trades only where they count and agree with time; else time and the order of the rows decide, and it is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.entry.cli import run
from feeds.archives.id_order import ids_agree_with_time, mostly_consecutive
from feeds.archives.trade_file import read_trade_file
from tests.feeds.archives.test_trade_stream import BINANCE

SECOND = 10**9
HEADER = "time,price,quantity,side,trade_id\n"
NOT_AN_ORDER = """\
1741003201114000000,88412,0.0307,sell,402113905577121
1741003201950000000,88415,0.0041,buy,871990432015566
1741003203002000000,88409,0.0307,buy,33871204490817
"""


def written(tmp_path: Path, rows: str) -> Path:
    path = tmp_path / "trades.csv"
    path.write_text(HEADER + rows)
    return path


def test_ids_agree_if_time_hardly_goes_back() -> None:
    ids, times = np.arange(1000), np.arange(1000) * SECOND
    assert ids_agree_with_time(ids, times) and mostly_consecutive(ids)
    late = times.copy()
    late[[100, 500]] -= 3 * SECOND
    assert ids_agree_with_time(ids, late)
    late[::50] -= 3 * SECOND
    assert not ids_agree_with_time(ids, late)
    anew = np.concatenate((np.arange(500) + 10**6, np.arange(500)))
    assert not ids_agree_with_time(anew, times) and mostly_consecutive(anew)
    assert ids_agree_with_time(ids[::-1], times[::-1])
    assert not mostly_consecutive(np.arange(0, 1000, 2)) and ids_agree_with_time(ids[:1], times[:1])


@pytest.mark.parametrize("seed", range(5))
def test_hashes_leave_trades_in_the_order_of_time(tmp_path: Path, seed: int) -> None:
    """T3: whatever the numbers are, the first trade is the one with the first time, and equal times keep their rows."""
    draw = np.random.default_rng(seed)
    times = np.sort(draw.integers(0, 40, 200)) * SECOND + 1_737_918_000 * SECOND
    ids = draw.choice(10**15, 200, replace=False)
    rows = "".join(f"{t},{100 + n},1,buy,{i}\n" for n, (t, i) in enumerate(zip(times.tolist(), ids.tolist(), strict=True)))
    found = read_trade_file(written(tmp_path, rows), BINANCE.tick_size)
    assert found.by_time and found.trades.time_ns.tolist() == times.tolist()
    assert (found.trades.price_ticks * BINANCE.tick_size).tolist() == [100 + n for n in range(200)]
    assert "ids do not agree with the times" in " ".join(found.notes)


def test_ids_that_begin_anew_keep_both_trades(tmp_path: Path) -> None:
    ids, prices, sides = (4, 5, 6, 4), (71, 72, 70, 73), ("buy", "sell", "buy", "sell")
    times = (1_741_003_200 + after_s for after_s in (0, 2, 3, 240))
    rows = "".join(f"{s * SECOND},{p},1,{side},{i}\n" for s, p, side, i in zip(times, prices, sides, ids, strict=True))
    found = read_trade_file(written(tmp_path, rows), BINANCE.tick_size)
    assert found.by_time and found.repeated_rows == 0
    assert found.trades.side.tolist() == [1, -1, 1, -1]


def test_imported_hashes_are_not_missing_trades(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """T3: numbers that are names show no gaps, in a market of any name; where ids must count the file is refused."""
    file, store = str(written(tmp_path, NOT_AN_ORDER)), str(tmp_path / "store")
    steps = ["--tick-size", "1", "--lot-size", "0.00001", "--store", store]
    for market in ("hyperliquid:BTC", "mine:BTC"):
        assert run(["import", "csv", file, "--instrument", market, *steps]) == 0
        err = capfd.readouterr().err
        assert "3 new" in err and "missing" not in err and "ids do not agree with the times" in err
    assert run(["verify", "--store", store, "--quiet"]) == 0
    assert run(["import", "csv", file, "--instrument", "binance:BTCUSDT", *steps]) == 2
    assert "found ids that do not count its trades, expected consecutive ids" in capfd.readouterr().err


def test_open_and_close_follow_time(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["footprint", str(written(tmp_path, NOT_AN_ORDER)), "--tick-size", "1", "--bar", "1m"]) == 0
    out, err = capfd.readouterr()
    assert '"open":"88412"' in out and '"close":"88409"' in out
    assert "ids do not agree with the times: ordered by time, then as in the file" in err
