"""The command line: outputs field by field, errors in one line, exit codes."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from PySide6.QtGui import QImage

from app.entry.cli import run
from app.entry.commands.common import parse_time
from app.entry.commands.doctor import qt_pair, writable
from app.entry.display import require_display
from app.errors import BadInputError, NoDisplayError
from rendering.scene.screenshot import read_state

ROOT = Path(__file__).parents[3]
MINUTE_MS = 1_723_161_240_000

TRADES = f"""time,price,quantity,side,trade_id
{MINUTE_MS},100.0,1.0,sell,1
{MINUTE_MS + 1},100.5,3.5,buy,2
{MINUTE_MS + 2},101.0,4.0,buy,3
{MINUTE_MS + 3},101.5,12.0,buy,4
{MINUTE_MS + 4},101.4,1.0,unknown,5
{MINUTE_MS + 60_000},99.9,2.0,sell,6
"""


@pytest.fixture
def trades(tmp_path: Path) -> Path:
    path = tmp_path / "trades.csv"
    path.write_text(TRADES)
    return path


def test_footprint_writes_every_documented_field(trades: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["footprint", str(trades), "--tick-size", "0.1", "--ticks-per-row", "5"]) == 0
    out, err = capfd.readouterr()
    first, second = (json.loads(line) for line in out.splitlines())
    assert err == ""
    assert first == {
        "start_ns": MINUTE_MS * 10**6,
        "open": "100.0",
        "high": "101.5",
        "low": "100.0",
        "close": "101.4",
        "trades": 5,
        "volume": "21.5",
        "buy": "19.5",
        "sell": "1.0",
        "delta": "18.5",
        "delta_min": "-1.0",
        "delta_max": "18.5",
        "cvd": "18.5",
        # (100 + 100.5 * 3.5 + 101 * 4 + 101.5 * 12 + 101.4) / 21.5
        "vwap": "101.16977",
        "poc": "101.7",  # the middle tick of 101.5 to 101.9
        "vah": "102.0",
        "val": "100.5",  # the next two rows join as a pair
        "poc_row": "101.5",
        "cells": [
            {"price": "100.0", "buy": "0.0", "sell": "1.0", "imbalance": None},
            {"price": "100.5", "buy": "3.5", "sell": "0.0", "imbalance": "buy"},
            {"price": "101.0", "buy": "4.0", "sell": "0.0", "imbalance": "buy"},
            {"price": "101.5", "buy": "12.0", "sell": "0.0", "imbalance": "buy"},
        ],
        "stacked": [{"side": "buy", "low": "100.5", "high": "102.0"}],
    }
    assert (second["cvd"], second["delta"], second["delta_max"], second["poc"], second["poc_row"]) == (
        "16.5",
        "-2.0",
        "0.0",
        "99.7",
        "99.5",
    )
    assert second["vwap"] == "101.06170"  # (2175.15 + 199.8) / 23.5


def test_csv_and_parquet_carry_the_same_cells_as_json_lines(trades: Path, tmp_path: Path) -> None:
    for suffix in ("jsonl", "csv", "parquet"):
        assert run(["footprint", str(trades), "--tick-size", "0.1", "--ticks-per-row", "5", "-o", str(tmp_path / f"out.{suffix}")]) == 0
    bars = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    expected = [
        (str(bar["start_ns"]), bar["cvd"], cell["price"], cell["buy"], cell["imbalance"] or "") for bar in bars for cell in bar["cells"]
    ]
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = ("start_ns", "cvd", "cell_price", "cell_buy", "cell_imbalance")
    assert [tuple(row[name] for name in names) for row in rows] == expected
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [tuple(str(row[name] or "") for name in names) for row in table] == expected


def test_profile_as_json_has_every_documented_field(trades: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", str(trades), "--tick-size", "0.1", "--ticks-per-row", "5", "--method", "single", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["rows"] == [
        {"price": "99.5", "buy": "0.0", "sell": "2.0", "total": "2.0"},
        {"price": "100.0", "buy": "0.0", "sell": "1.0", "total": "1.0"},
        {"price": "100.5", "buy": "3.5", "sell": "0.0", "total": "3.5"},
        {"price": "101.0", "buy": "4.0", "sell": "0.0", "total": "5.0"},
        {"price": "101.5", "buy": "12.0", "sell": "0.0", "total": "12.0"},
    ]
    del found["rows"]
    assert found == {
        "ticks_per_row": 5,
        "poc": "101.7",
        "vah": "102.0",
        "val": "101.0",
        "poc_row": "101.5",
        "method": "single",
        "percent": 70,
        "volume": "23.5",
        "hvn": ["101.5"],
        "lvn": [],
        "vwap": "101.06170",
    }


def test_profile_by_number_of_rows_and_from_an_anchor(trades: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", str(trades), "--tick-size", "0.1", "--rows", "5", "--anchor", "2024-08-08T23:55:00Z", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert (found["volume"], found["ticks_per_row"], found["poc"]) == ("2.0", 1, "99.9")


def test_profile_as_a_table_marks_the_point_of_control(trades: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", str(trades), "--tick-size", "0.1", "--ticks-per-row", "5"]) == 0
    out = capfd.readouterr().out
    marks = {words[0]: words[-1] for line in out.splitlines() if len(words := line.split()) > 3}
    assert {price: mark for price, mark in marks.items() if mark in ("POC", "│")} == {"101.5": "POC", "101.0": "│", "100.5": "│"}
    assert "POC 101.7   VAL 100.5   VAH 102.0   (70 % dalton)" in out


def test_in_rows_of_one_tick_the_table_marks_the_highest_row_of_the_area(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rows = [(100, 1), (101, 4), (102, 9), (103, 4), (104, 1)]
    path = tmp_path / "rows.csv"
    path.write_text(
        "time,price,quantity,side\n" + "".join(f"{MINUTE_MS + at},{price},{size},buy\n" for at, (price, size) in enumerate(rows))
    )
    assert run(["profile", str(path), "--tick-size", "1", "--ticks-per-row", "1", "--quiet"]) == 0
    out = capfd.readouterr().out
    assert [line.split()[-1] for line in out.splitlines()[1:6]] == ["│", "│", "POC", "4", "1"]
    assert "POC 102   VAL 102   VAH 104   (70 % dalton)" in out


def test_profile_help_states_the_price_of_poc(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["profile", "--help"]) == 0
    assert "poc_row is the lower edge of the POC row" in " ".join(capfd.readouterr().out.replace("│", "").split())


def test_skipped_rows_are_noted_unless_quiet(trades: Path, capfd: pytest.CaptureFixture[str]) -> None:
    trades.write_text(TRADES + f"{MINUTE_MS},100,0,buy,7\n")
    command = ["footprint", str(trades), "--tick-size", "0.1", "-o", str(trades.with_name("o.jsonl"))]
    assert run(command) == 0
    assert capfd.readouterr().err == f"tapeprint: {trades}: skipped 1 row with zero quantity\n"
    assert run([*command, "--quiet"]) == 0
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["footprint", "{file}"], "--tick-size"),
        (["footprint", "{file}", "--tick-size", "0"], "tick size: found '0'"),
        (["footprint", "{file}", "--tick-size", "0.7"], "line 2: found price 100.0, expected a multiple of 0.7"),
        (["footprint", "{file}", "--tick-size", "0.1", "--lot-size", "1"], "line 3: found quantity 3.5, expected a multiple of 1"),
        (["footprint", "{file}", "--tick-size", "0.1", "--bar", "1x"], "bar: found '1x'"),
        (["footprint", "{file}", "--tick-size", "0.1", "--ticks-per-row", "0"], "ticks per row: found 0"),
        (["footprint", "{file}", "--tick-size", "0.1", "-o", "x.txt"], "found extension '.txt'"),
        (["footprint", "{file}", "--tick-size", "0.1", "-o", "/nowhere/x.csv"], "cannot write /nowhere/x.csv"),
        (["footprint", "/nowhere.csv", "--tick-size", "0.1"], "/nowhere.csv: found No such file or directory"),
        (["footprint", "{file}", "--tick-size", "0.1", "--colour", "red"], "--colour"),
        (["profile", "{file}", "--tick-size", "0.1"], "exactly one of --ticks-per-row and --rows"),
        (["profile", "{file}", "--tick-size", "0.1", "--rows", "3", "--ticks-per-row", "3"], "exactly one of --ticks-per-row and --rows"),
        (["profile", "{file}", "--tick-size", "0.1", "--rows", "0"], "rows: found 0"),
        (["profile", "{file}", "--tick-size", "0.1", "--rows", "3", "--percent", "0"], "percent: found 0"),
        (["profile", "{file}", "--tick-size", "0.1", "--rows", "3", "--anchor", "noon"], "time: found 'noon'"),
        (["profile", "{file}", "--tick-size", "0.1", "--rows", "3", "--method", "magic"], "--method"),
        (["snapshot", "demo", "-o", "x.jpg"], "found extension '.jpg'"),
        (["snapshot", "demo", "-o", "x.png", "--size", "1"], "size: found '1'"),
        (["snapshot", "demo", "-o", "x.png", "--scale", "9"], "scale: found 9"),
        (["snapshot", "demo", "-o", "x.png", "--theme", "pink"], "theme: found 'pink'"),
        (["snapshot", "demo", "-o", "x.png", "--as-of", "2025-11-20T18:00Z"], "--as-of: found 2025-11-20 18:00:00.000, expected"),
        (["snapshot", "demo", "-o", "x.png", "--as-of", "noon"], "time: found 'noon'"),
        (["snapshot", "{file}", "-o", "x.png"], "requires --tick-size"),
        (["snapshot", "nofile.csv", "-o", "x.png"], "nofile.csv: no such file; expected demo, a trades file, or"),
        (["snapshot", "nofile.csv", "-o", "x.png", "--tick-size", "0.1"], "nofile.csv: no such file"),
        (["snapshot", "demo", "-o", "nodir/x.png"], "nodir/x.png: folder nodir does not exist"),
        (
            ["snapshot", "demo", "-o", "x.png", "--session", "us-rth", "--timezone", "Asia/Tokyo"],
            "time zone: session us-rth has its own (America/New_York), drop 'Asia/Tokyo'",
        ),
        (
            ["snapshot", "demo", "-o", "x.png", "--session", "us-rth", "--rule", "time.zone=Asia/Tokyo"],
            "time zone: session us-rth has its own (America/New_York), drop 'Asia/Tokyo'",
        ),
        (
            ["snapshot", "demo", "-o", "x.png", "--anchor", "2031-01-01"],
            "profile from 2031-01-01 00:00:00.000: no trades; the chart has trades from 2025-11-20 15:00:00.000 to",
        ),
        (["snapshot", "demo", "-o", "x.png", "--range", "2031-01-01/2031-01-02"], "to 2031-01-02 00:00:00.000: no trades; the chart has"),
        (
            ["snapshot", "demo", "-o", "x.png", "--composite", "2025-11-20T15:00Z/2025-11-20T15:30Z,2031-01-01/2031-01-02"],
            "profile from 2031-01-01 00:00:00.000 to 2031-01-02 00:00:00.000: no trades; the chart has",
        ),
        (["snapshot", "demo", "-o", "x.png", "--as-of", "2025-11-20T14:00Z"], "--as-of: found 2025-11-20 14:00:00.000, expected"),
        (["snapshot", "nasdaq:AAPL", "-o", "x.png"], "venue: found 'nasdaq'"),
        (["nasdaq:AAPL"], "venue: found 'nasdaq', expected one of binance"),
        (["demo:OTHER"], "instrument: found demo:OTHER, the only simulated market is demo:TAPE"),
        (["replay:X"], "instrument: replay:X is not the open replay"),
        (["collect", "demo:TAPE", "nasdaq:AAPL"], "venue: found 'nasdaq'"),
        (["dance"], "dance"),
    ],
)
def test_invalid_input_prints_one_line_and_exits_with_2(
    trades: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(trades.parent)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert run([argument.replace("{file}", str(trades)) for argument in arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("tapeprint: ") and err.count("\n") == 1 and said in err
    assert sorted(entry.name for entry in trades.parent.iterdir()) == ["trades.csv"]


def test_a_snapshot_has_the_requested_size_and_is_repeatable(tmp_path: Path, qapp: object) -> None:
    pictures = []
    for name, scale in (("a.png", "1"), ("b.png", "1"), ("c.png", "2")):
        path = tmp_path / name
        assert run(["snapshot", "demo", "-o", str(path), "--size", "640x420", "--scale", scale]) == 0
        pictures.append(QImage(str(path)))
    assert pictures[0] == pictures[1]
    assert (pictures[0].width(), pictures[0].height(), pictures[2].width(), pictures[2].height()) == (640, 420, 1280, 840)
    assert read_state(tmp_path / "a.png")["instrument"] == "demo:TAPE"


def test_an_as_of_snapshot_is_marked_and_differs(tmp_path: Path, qapp: object) -> None:
    now, then = tmp_path / "now.png", tmp_path / "then.png"
    assert run(["snapshot", "demo", "-o", str(now), "--size", "640x420"]) == 0
    assert run(["snapshot", "demo", "-o", str(then), "--size", "640x420", "--as-of", "2025-11-20T17:55Z"]) == 0
    assert QImage(str(now)) != QImage(str(then))
    assert "AS OF 17:55 UTC" in QImage(str(then)).text("Description")


def test_a_snapshot_of_the_demo_market_is_marked_simulated(tmp_path: Path, qapp: object) -> None:
    path = tmp_path / "tape.png"
    assert run(["snapshot", "demo:TAPE", "--seconds", "2", "-o", str(path), "--size", "640x420"]) == 0
    assert QImage(str(path)).text("Description").endswith("SIMULATED")


def test_a_snapshot_of_a_file_shows_its_trades(trades: Path, tmp_path: Path, qapp: object) -> None:
    path = tmp_path / "file.png"
    assert run(["snapshot", str(trades), "--tick-size", "0.1", "-o", str(path), "--size", "640x420"]) == 0
    assert read_state(path)["instrument"] == "file:trades"


def test_cells_of_a_recorded_tape_sum_to_its_trades(real_data: Path, tmp_path: Path) -> None:
    source, out = real_data / "archives" / "binance_usdm_btcusdt_20240808_trades.csv.gz", tmp_path / "bars.jsonl"
    assert run(["footprint", str(source), "--tick-size", "0.1", "--ticks-per-row", "50", "-o", str(out)]) == 0
    expected: dict[tuple[int, Decimal, str], Decimal] = defaultdict(Decimal)
    with gzip.open(source, "rt") as file:
        for row in list(csv.DictReader(file)):
            bar = int(row["time"]) // 60_000 * 60_000_000_000
            expected[bar, Decimal(row["price"]) // 5 * 5, row["side"]] += Decimal(row["quantity"])
    found = {
        (bar["start_ns"], Decimal(cell["price"]), side): Decimal(cell[side])
        for bar in map(json.loads, out.read_text().splitlines())
        for cell in bar["cells"]
        for side in ("buy", "sell")
        if Decimal(cell[side])
    }
    assert found == {key: volume for key, volume in expected.items() if volume}


def test_a_missing_display_prints_one_line_about_snapshot(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert run([]) == 1
    err = capfd.readouterr().err
    assert err.count("\n") == 1 and "tapeprint snapshot" in err


def test_require_display_checks_only_linux() -> None:
    require_display({}, "darwin")
    require_display({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    with pytest.raises(NoDisplayError):
        require_display({}, "linux")


def test_a_closed_pipe_is_no_error(trades: Path) -> None:
    command = f"{sys.executable} -m app footprint {trades} --tick-size 0.1 | head -c 10"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == '{"start_ns' and done.stderr == ""


def test_footprint_runs_without_qt(trades: Path) -> None:
    program = f"""
import sys
class Nowhere:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("PySide6", "pyqtgraph", "websockets", "qasync"):
            raise ImportError(name)
sys.meta_path.insert(0, Nowhere())
from app.entry.cli import run
file = {str(trades)!r}
sys.exit(run(["footprint", file, "--tick-size", "0.1"]) or run(["profile", file, "--tick-size", "0.1", "--rows", "4"]))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_doctor_fails_for_the_versions_that_abort() -> None:
    assert not qt_pair("6.12.0", (3, 11)).sound
    assert qt_pair("6.12.0", (3, 12)).sound and qt_pair("6.11.3", (3, 11)).sound


def test_doctor_checks_that_a_folder_is_writable(tmp_path: Path) -> None:
    assert writable("journal", tmp_path / "not" / "there" / "yet", "journal.folder").sound
    assert not writable("journal", Path("/proc/nowhere"), "journal.folder").sound


def test_doctor_prints_json(capfd: pytest.CaptureFixture[str], qapp: object) -> None:
    assert run(["doctor", "--json"]) == 0
    found = {finding["what"]: finding for finding in json.loads(capfd.readouterr().out)}
    assert found["painter"]["found"].startswith("raster") and found["Qt and Python"]["sound"]


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [("1723161255", 1723161255 * 10**9), ("1723161255342", 1723161255342 * 10**6), ("2024-08-08T23:54:15.342Z", 1723161255342 * 10**6)],
)
def test_a_time_is_parsed_or_raises_an_error(text: str, time_ns: int) -> None:
    assert parse_time(text) == time_ns
    with pytest.raises(BadInputError):
        parse_time("later")
