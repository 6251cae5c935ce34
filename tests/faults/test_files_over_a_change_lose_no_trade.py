"""Generated files in Binance's layout over a change of tick, a relisting, ids that start again, and rows without a trade."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from app.entry.cli import run
from app.market.span import Span
from app.storage.disk import DiskStore, stored_instrument
from app.storage.epochs import raw_ids
from feeds.archives import csv_trades

HEADER = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
ID = "binance-usdm:BTCUSDT"
DAY_MS = 86_400_000
Row = tuple[int, Decimal, Decimal, int, bool]
"""Id, price, quantity, time in ms, and whether the buyer was the maker."""


def rows(seed: int, first_id: int, n: int, start_ms: int, *, tick: str = "0.1", price: int = 41_000) -> list[Row]:
    random = np.random.default_rng(seed)
    times = start_ms + np.cumsum(random.integers(1, 90, n))
    prices = [price + int(step) * Decimal(tick) for step in random.integers(-900, 900, n)]
    lots = [int(each) * Decimal("0.001") for each in random.integers(1, 5_000, n)]
    return [(first_id + k, prices[k], lots[k], int(times[k]), bool(random.random() < 0.5)) for k in range(n)]


def written(path: Path, *parts: list[Row], void: int | None = None) -> str:
    """A file of these rows; the row at `void` is what Binance leaves for an id without a trade."""
    lines = [f"{i},{price},{lots},{2 * i},{2 * i + 1},{ms},{str(maker).lower()}\n" for part in parts for i, price, lots, ms, maker in part]
    if void is not None:
        fields = lines[void].split(",")
        lines[void] = ",".join([fields[0], "0.00000000", "0.00000000", "-1", "-1", *fields[5:]])
    path.write_text(HEADER + "".join(lines))
    return str(path)


class Desk:
    """A store of one market, and the commands on it."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"

    def imported(self, tick: str, *files: str) -> int:
        steps = ["--instrument", ID, "--tick-size", tick, "--lot-size", "0.001"]
        return run(["import", "csv", *files, *steps, "--store", str(self.store)])

    def verified(self) -> int:
        return run(["verify", "--store", str(self.store), "--quiet"])

    def stored(self) -> list[Row]:
        store = DiskStore(self.store, write=False)
        instrument = stored_instrument(store, ID)
        trades = store.tape(instrument).trades(Span(0, 1 << 62))
        store.close()
        values = zip(raw_ids(trades.trade_id).tolist(), *(column.tolist() for column in trades.columns[:4]), strict=True)
        tick, lot = instrument.tick_size, instrument.lot_size
        return [(i, ticks * tick, lots * lot, time_ns // 10**6, side < 0) for i, time_ns, ticks, lots, side in values]


@pytest.mark.parametrize("seed", range(3))
def test_a_file_whose_tick_becomes_finer_is_refused_by_line_or_read_whole(seed: int, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    """D1, D3: the tick goes from 0.1 to 0.01 in the middle of a file."""
    coarse = rows(seed, 5_000, 250, 1_690_000_000_000)
    fine = [*rows(seed + 9, 5_250, 200, 1_690_003_600_000, tick="0.01")]
    file, desk = written(tmp_path / "change.csv", coarse, fine), Desk(tmp_path)
    assert desk.imported("0.1", file) == 2
    first = next(place for place, row in enumerate(fine) if row[1] % Decimal("0.1"))
    assert f"line {252 + first}: found price {fine[first][1]}, expected a multiple of 0.1" in capfd.readouterr().err
    assert desk.imported("0.1", written(tmp_path / "coarse.csv", coarse)) == 0
    for new, known in ((200, 250), (0, 450)):
        assert desk.imported("0.01", file) == 0
        assert f"{new} new, {known} already stored" in capfd.readouterr().err
    assert desk.verified() == 0 and desk.stored() == [*coarse, *fine]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("apart_days", [0, 40])
def test_a_relisting_under_the_same_ids_keeps_both(seed: int, apart_days: int, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    """D10: two files with the same ids, and other trades."""
    old = rows(seed, 700, 150, 1_660_000_000_000)
    new = rows(seed + 9, 700, 150, old[-1][3] + 120_000 + apart_days * DAY_MS, price=99)
    files, desk = [written(tmp_path / "old.csv", old), written(tmp_path / "new.csv", new)], Desk(tmp_path)
    for found in ("150 new, 0 already stored", "0 new, 150 already stored"):
        assert desk.imported("0.1", *files) == 0
        assert capfd.readouterr().err.count(found) == 2
    assert [row[0] for row in desk.stored()] == [*range(700, 850), *range(700, 850)]
    assert desk.verified() == 1 and "(ids start again)" in capfd.readouterr().out


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("block", [1 << 12, 4 << 20], ids=["in a later block", "in one block"])
def test_ids_that_start_again_in_a_file_are_named_by_line(
    seed: int, block: int, tmp_path: Path, capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D10: the last rows of a file have the ids of its first ones; in another block they counted as repeats, and were dropped."""
    monkeypatch.setattr(csv_trades, "_BLOCK", block)
    first = rows(seed, 1, 400, 1_660_000_000_000)
    again = rows(seed + 9, 1, 100, first[-1][3] + 99_000)
    desk, repeated = Desk(tmp_path), written(tmp_path / "repeated.csv", first, first[:100])
    assert desk.imported("0.1", written(tmp_path / "both.csv", first, again)) == 2
    assert "line 402: found trade id 1 used by a different trade, expected a unique id" in capfd.readouterr().err
    assert desk.imported("0.1", repeated) == 0
    assert "100 duplicate rows skipped" in capfd.readouterr().err and desk.stored() == first


@pytest.mark.parametrize("void", [0, 77, 149])
def test_a_row_without_a_trade_costs_itself_and_leaves_no_gap(void: int, tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    """D3: with price and quantity 0 and trade ids of -1, at the start, in the middle and at the end of a file."""
    trades, desk = rows(void, 300, 150, 1_690_000_000_000), Desk(tmp_path)
    assert desk.imported("0.1", written(tmp_path / "void.csv", trades, void=void)) == 0
    assert "1 row with zero quantity skipped" in capfd.readouterr().err
    assert desk.stored() == [*trades[:void], *trades[void + 1 :]] and desk.verified() == 0
