"""`tapeprint tpo`: one object per session."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.entry.cli import run

START_MS = 1_768_780_800_000  # 19 January 2026
HALF_HOUR_MS = 1_800_000


@pytest.fixture
def trades(tmp_path: Path) -> Path:
    """Two days: three brackets of the first, from 14:00 on, and one of the second."""
    rows = [
        (28, 100.0), (28, 100.5), (28, 101.0), (29, 100.5), (29, 101.0), (29, 101.5), (30, 101.0), (30, 102.0), (30, 101.5),
        (48, 99.0),
    ]  # fmt: skip
    lines = [f"{START_MS + bracket * HALF_HOUR_MS + at},{price},1,buy,{at + 1}" for at, (bracket, price) in enumerate(rows)]
    path = tmp_path / "trades.csv"
    path.write_text("time,price,quantity,side,trade_id\n" + "\n".join(lines))
    return path


def asked(capfd: pytest.CaptureFixture[str], file: Path, *flags: str) -> list[dict]:
    assert run(["tpo", str(file), "--tick-size", "0.5", "--ticks-per-row", "1", "--json", *flags]) == 0
    return json.loads(capfd.readouterr().out)


def test_tpo_writes_every_documented_field(trades: Path, capfd: pytest.CaptureFixture[str]):
    (only,) = asked(capfd, trades, "--session", "14:00-16:00")
    assert only == {
        "start": "2026-01-19T14:00:00+00:00",
        "letters": {"100.0": "A", "100.5": "AB", "101.0": "ABC", "101.5": "BC", "102.0": "C"},
        "ib_high": "101.5",
        "ib_low": "100.0",
        "ib_complete": True,
        "poc": "101.0",
        "vah": "102.0",
        "val": "100.0",
        "poc_row": "101.0",
        "midpoint": "101.0",
        "single_prints": [],
        "poor_high": False,
        "poor_low": False,
        "rotation_factor": 4,
    }


def test_tpo_without_a_session_is_per_day_of_the_time_zone(trades: Path, capfd: pytest.CaptureFixture[str]):
    first, second = asked(capfd, trades)
    assert [first["start"], second["start"]] == ["2026-01-19T00:00:00+00:00", "2026-01-20T00:00:00+00:00"]
    assert first["letters"]["101.0"] == "cde"
    assert (first["ib_high"], first["ib_low"], first["ib_complete"]) == (None, None, False)
    assert second["letters"] == {"99.0": "A"}
    (whole,) = asked(capfd, trades, "--timezone", "America/New_York")
    assert whole["start"] == "2026-01-19T00:00:00-05:00"
    assert whole["midpoint"] == "100.5"


def test_the_letters_are_printed_highest_price_first(trades: Path, capfd: pytest.CaptureFixture[str]):
    assert run(["tpo", str(trades), "--tick-size", "0.5", "--ticks-per-row", "2", "--session", "14:00-16:00", "--quiet"]) == 0
    out = capfd.readouterr().out.splitlines()
    assert out[:4] == ["2026-01-19T14:00:00+00:00", "102.0  C", "101.0  ABC  POC", "100.0  AB"]
    assert out[4] == "POC 101.5   VAL 100.0   VAH 102.0   (70 % dalton)   midpoint 101.0"
    assert out[5] == "initial balance 100.0 to 101.5   rotation +4   poor: low"


@pytest.mark.parametrize(
    ("minutes", "said", "fields"),
    [
        (range(7), "initial balance so far 100.0 to 103.0 (not complete)", ("103.0", "100.0", False)),
        (range(30, 37), "initial balance so far 100.0 to 103.0 (not complete)", ("103.0", "100.0", False)),
        (range(20, 60), "initial balance so far 100.0 to 119.5 (not complete)", ("119.5", "100.0", False)),
        (range(20, 61), "initial balance 100.0 to 119.5", ("119.5", "100.0", True)),
        (range(35, 75), "initial balance so far 100.0 to 112.0 (not complete)", ("112.0", "100.0", False)),
        (range(60, 67), "initial balance not complete: no trades in the first two brackets", (None, None, False)),
        (range(700, 707), "initial balance not complete: no trades in the first two brackets", (None, None, False)),
    ],
)
def test_an_initial_balance_that_is_not_complete_says_so(
    minutes: range, said: str, fields: tuple[str | None, str | None, bool], tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    """T7: whichever minutes of a day a file has."""
    path = tmp_path / "short.csv"
    rows = (f"{START_MS + minute * 60_000},{100 + at / 2},1,buy" for at, minute in enumerate(minutes))
    path.write_text("\n".join(["time,price,quantity,side", *rows]))
    (found,) = asked(capfd, path)
    assert (found["ib_high"], found["ib_low"], found["ib_complete"]) == fields
    assert run(["tpo", str(path), "--tick-size", "0.5", "--ticks-per-row", "1", "--quiet"]) == 0
    out = capfd.readouterr().out
    assert f"\n{said}   rotation" in out and "None" not in out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--session", "02:00-03:00"], "no trades inside any session"),
        (["--session", "2-3"], "session: found '2-3'"),
        (["--timezone", "Mars"], "time zone: found 'Mars'"),
        (["--bracket", "0m"], "bar: found '0m'"),
        (["--ticks-per-row", "0"], "ticks per row: found 0"),
        (["--percent", "101"], "percent: found 101"),
    ],
)
def test_invalid_tpo_options_print_one_line(trades: Path, flags: list[str], said: str, capfd: pytest.CaptureFixture[str]):
    assert run(["tpo", str(trades), "--tick-size", "0.5", *([] if "--ticks-per-row" in flags else ["--ticks-per-row", "1"]), *flags]) == 2
    err = capfd.readouterr().err
    assert said in err and err.count("\n") == 1
