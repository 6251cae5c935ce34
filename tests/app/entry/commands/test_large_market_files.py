"""Commands on files of the largest markets."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from app.entry.cli import run
from tests.app.analytics.test_largest_markets import DAY_NS, MARKETS, SIZES, Size, month_of


def file_of(size: Size, folder: Path) -> Path:
    """The month of a market as a trades file, prices and quantities as decimal text."""
    trades, tick, lot = month_of(size), Decimal(size.tick), Decimal(size.lot)
    columns = (trades.time_ns.tolist(), trades.price_ticks.tolist(), trades.quantity_lots.tolist(), trades.side.tolist())
    rows = (
        f"{time_ns},{ticks * tick:f},{lots * lot:f},{'buy' if side > 0 else 'sell' if side else 'unknown'}"
        for time_ns, ticks, lots, side in zip(*columns, strict=True)
    )
    path = folder / "month.csv"
    path.write_text("\n".join(["time,price,quantity,side", *rows]))
    return path


def vwap_text(size: Size, which: np.ndarray) -> Decimal:
    """The VWAP of some trades of the month, rounded as it is written."""
    trades = month_of(size)[which]
    pairs = list(zip(trades.price_ticks.tolist(), trades.quantity_lots.tolist(), strict=True))
    exact = Fraction(sum(ticks * lots for ticks, lots in pairs), sum(lots for _, lots in pairs)) * Fraction(size.tick)
    digits = -Decimal(size.tick).as_tuple().exponent + 4  # type: ignore[operator]
    return Decimal(round(exact * 10**digits)).scaleb(-digits)


@SIZES
def test_footprint_of_seven_day_bars_is_written_and_exact(size: Size, tmp_path: Path) -> None:
    """T1: `footprint --bar 7d`."""
    out = tmp_path / "bars.jsonl"
    flags = ["--tick-size", size.tick, "--lot-size", size.lot, "--ticks-per-row", str(size.ticks_per_row), "--bar", "7d", "--quiet"]
    assert run(["footprint", str(file_of(size, tmp_path)), *flags, "-o", str(out)]) == 0
    bars = [json.loads(line) for line in out.read_text().splitlines()]
    trades = month_of(size)
    week = trades.time_ns // (7 * DAY_NS)
    assert len(bars) == len(np.unique(week)) == 5
    for bar in bars:
        number = bar["start_ns"] // (7 * DAY_NS)
        assert Decimal(bar["volume"]) == sum(trades.quantity_lots[week == number].tolist()) * Decimal(size.lot)
        assert Decimal(bar["vwap"]) == vwap_text(size, week <= number)


@SIZES
def test_profile_of_a_month_has_its_exact_vwap_and_volume(size: Size, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """T1: `profile`."""
    flags = ["--tick-size", size.tick, "--lot-size", size.lot, "--rows", "50", "--json", "--quiet"]
    assert run(["profile", str(file_of(size, tmp_path)), *flags]) == 0
    found = json.loads(capfd.readouterr().out)
    assert Decimal(found["vwap"]) == vwap_text(size, np.ones(len(month_of(size)), bool))
    assert Decimal(found["volume"]) == sum(Decimal(row["total"]) for row in found["rows"]) == 31 * Decimal(size.daily)


def test_why_states_the_exact_deviation_of_a_large_market(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """T1: the sums that Why? shows are those of the band."""
    size = MARKETS["a million BTC a day"]
    trades = month_of(size)
    at = int(trades.time_ns[-1] // DAY_NS * DAY_NS) // 10**9
    price = f"{int(trades.price_ticks[-1]) * Decimal(size.tick):f}"
    flags = ["--tick-size", size.tick, "--lot-size", size.lot, "--ticks-per-row", str(size.ticks_per_row), "--bar", "1d"]
    where = ["--at", np.datetime_as_string(np.datetime64(at, "s")) + "Z", "--price", price, "--what", "vwap"]
    assert run(["why", str(file_of(size, tmp_path)), *flags, *where, "--json", "--quiet"]) == 0
    (told,) = json.loads(capfd.readouterr().out)
    last = trades[trades.time_ns // DAY_NS == trades.time_ns[-1] // DAY_NS]
    turnover = sum(ticks * lots for ticks, lots in zip(last.price_ticks.tolist(), last.quantity_lots.tolist(), strict=True))
    shown = Decimal(told["lines"][0]["text"].rpartition(" ")[2])
    assert shown == turnover * Decimal(size.tick) * Decimal(size.lot)
