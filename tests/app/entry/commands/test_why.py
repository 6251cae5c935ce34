"""`tapeprint why` and `snapshot --why`: the same explanations without a window."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from app.entry.cli import run
from app.market.decimals import parse_step
from app.market.instrument import Instrument
from feeds.archives.export import write_trades
from feeds.archives.trade_file import read_trade_file

TRADES = """time,price,quantity,side,trade_id
2026-11-21T15:30:00Z,43700.0,166.43,sell,1
2026-11-21T15:30:01Z,43700.1,506.37,buy,2
2026-11-21T15:31:01Z,43700.1,1.50,buy,3
"""
SPOT = ("--tick-size", "0.1", "--at", "2026-11-21T15:30Z", "--price", "43700.1")


@pytest.fixture
def trades(tmp_path: Path) -> Path:
    path = tmp_path / "trades.csv"
    path.write_text(TRADES)
    return path


def test_a_cell_is_explained_in_text(trades: Path, capfd: pytest.CaptureFixture[str]):
    assert run(["why", str(trades), *SPOT, "--what", "cell"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert out.splitlines() == [
        "Buy imbalance at 43700.1 · 2026-11-21 15:30 bar",
        "Diagonal imbalance · ratio 3.0 · minimum 0 · zeros counted",
        "  bought at 43700.1 vs sold one row below, at 43700.0:",
        "✓ 506.37 >= 3.0 x 166.43 = 499.29",
        "✗ 0 sold at the bar's highest row: not tested, no row above it",
        "2 trades, total 672.8: 506.37 bought, 166.43 sold",
        "  15:30:00.000  43700.0  166.43  sell",
        "  15:30:01.000  43700.1  506.37  buy",
    ]


def test_why_explains_all_values_of_a_place_as_json(trades: Path, capfd: pytest.CaptureFixture[str]):
    assert run(["why", str(trades), *SPOT, "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert [one["title"].partition(" ")[0] for one in told] == ["Buy", "POC", "POC", "Delta", "CVD", "VWAP"]
    assert told[0]["lines"][1] == {"text": "506.37 >= 3.0 x 166.43 = 499.29", "met": True}
    assert (told[0]["trades"], told[0]["bought"], told[0]["sold"], told[0]["missing"]) == (2, "506.37", "166.43", None)


def test_why_csv_is_identical_to_an_export(trades: Path, tmp_path: Path):
    copied, exported = tmp_path / "copied.csv", tmp_path / "exported.csv"
    assert run(["why", str(trades), *SPOT, "--what", "delta", "--csv", str(copied), "--quiet"]) == 0
    found = read_trade_file(trades, parse_step("0.1", "tick size"))
    instrument = Instrument("file", "trades", parse_step("0.1", "tick size"), found.instrument.lot_size)
    write_trades(exported, instrument, [found.trades[:2]])
    assert copied.read_bytes() == exported.read_bytes()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (("--at", "2026-11-21T16:00Z"), "bar: no trades in the 2026-11-21 16:00 bar"),
        (("--price", "43700.7"), "price: 43700.7 is outside the bar's range, 43700.0 to 43700.1"),
        (("--what", "levels"), "no level at 43700.1 in the 2026-11-21 15:30 bar"),
        (("--csv", "x.csv"), "--csv: 6 values found, choose one with --what"),
    ],
)
def test_a_value_that_cannot_be_explained_prints_one_line(trades: Path, capfd: pytest.CaptureFixture[str], changed, message: str):
    spot = list(SPOT)
    if changed[0] in spot:
        spot[spot.index(changed[0]) + 1] = changed[1]
    else:
        spot += changed
    assert run(["why", str(trades), *spot]) == 2
    assert capfd.readouterr().err == f"tapeprint: {message}\n"


def test_a_snapshot_with_why_shows_the_panel(trades: Path, tmp_path: Path, qapp: object):
    pictures = []
    for flags in ([], ["--why", "2026-11-21T15:30Z@43700.1"]):
        path = tmp_path / f"{len(flags)}.png"
        assert run(["snapshot", str(trades), "--tick-size", "0.1", "-o", str(path), "--size", "1000x640", *flags]) == 0
        pictures.append(QImage(str(path)))
    assert pictures[0] != pictures[1]


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("43700.1", "--why: found '43700.1', expected TIME@PRICE, e.g. 2026-11-21T15:30Z@43700.1"),
        ("2026-11-21T15:30Z@1", "--why: 2026-11-21T15:30Z@1 is out of view"),
        ("2026-11-22T15:30Z@43700.1", "--why: no bar at 2026-11-22T15:30Z; choose a time with trades"),
    ],
)
def test_a_why_place_out_of_view_prints_one_line(trades: Path, tmp_path: Path, capfd, qapp: object, where: str, message: str):
    path = tmp_path / "x.png"
    assert run(["snapshot", str(trades), "--tick-size", "0.1", "-o", str(path), "--why", where]) == 2
    assert capfd.readouterr().err == f"tapeprint: {message}\n"
    assert not path.exists()
