"""`tapeprint candles`: the previous and the current period of a candle file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.entry.cli import run

DAY_S = 86_400
START_S = 1_768_780_800  # Monday, 19 January 2026


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    """Two days of hours: the first around 100, the second around 200."""
    rows = [
        f"{START_S + hour * 3600},{base},{base + 24},{base},{base + 3},2.5" for hour in range(40) for base in [100 if hour < 24 else 200]
    ]
    path = tmp_path / "hours.csv"
    path.write_text("time,open,high,low,close,volume\n" + "\n".join(rows))
    return path


def asked(capfd: pytest.CaptureFixture[str], *argv: object) -> dict:
    assert run(["candles", *map(str, argv), "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def test_candles_shows_the_day_before_the_last_candle(candles: Path, capfd: pytest.CaptureFixture[str]):
    found = asked(capfd, candles, "--period", "day")
    assert list(found) == ["period_start", "period_end", "candles", "low", "high", "poc", "vah", "val", "rows"]
    assert (found["period_start"], found["period_end"]) == ("2026-01-19T00:00:00+00:00", "2026-01-20T00:00:00+00:00")
    assert {name: found[name] for name in ("candles", "low", "high", "poc", "vah", "val")} == {
        "candles": 24,
        "low": "100",
        "high": "124",
        "poc": "112.5",
        "vah": "113",
        "val": "112",
    }
    assert found["rows"][12] == {"price": "112", "volume": "60.0"}
    assert len(found["rows"]) == 24


def test_current_shows_the_day_of_the_last_candle(candles: Path, capfd: pytest.CaptureFixture[str]):
    found = asked(capfd, candles, "--period", "day", "--current", "--price", "close", "--rows", "3")
    assert (found["candles"], found["low"], found["poc"]) == (16, "200", "204")
    assert [row["volume"] for row in found["rows"]] == ["40.0", "0.0", "0.0"]


def test_the_day_depends_on_the_time_zone(candles: Path, capfd: pytest.CaptureFixture[str]):
    found = asked(capfd, candles, "--period", "day", "--as-of", "2026-01-20", "--timezone", "America/New_York")
    assert (found["period_start"], found["candles"]) == ("2026-01-19T00:00:00-05:00", 24)
    assert (found["low"], found["high"]) == ("100", "224")


def test_as_of_selects_the_week_or_month_before_it(candles: Path, capfd: pytest.CaptureFixture[str]):
    assert asked(capfd, candles, "--period", "week", "--as-of", "2026-01-26")["candles"] == 40
    assert asked(capfd, candles, "--period", "month", "--as-of", "2026-02-28T12:00:00Z")["period_end"] == "2026-02-01T00:00:00+00:00"


def test_an_incomplete_period_prints_a_note(candles: Path, capfd: pytest.CaptureFixture[str]):
    assert run(["candles", str(candles), "--period", "week", "--as-of", "2026-01-26"]) == 0
    out, err = capfd.readouterr()
    assert err == f"tapeprint: {candles}: the week is incomplete, 40 candles\n"
    assert "POC" in out and "2026-01-19T00:00:00+00:00 to 2026-01-26T00:00:00+00:00   40 candles" in out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--as-of", "2026-02-30"], "--as-of: found '2026-02-30', expected a date such as 2026-11-21"),
        (["--as-of", "soon"], "time: found 'soon'"),
        (
            ["--as-of", "2020-01-01"],
            "candles cover 2026-01-19T00:00:00+00:00 to 2026-01-20T15:00:00+00:00, none between 2019-12-31",
        ),
        (["--timezone", "Mars"], "time zone: found 'Mars'"),
        (["--rows", "0"], "rows: found 0"),
        (["--percent", "0"], "percent: found 0"),
    ],
)
def test_invalid_candles_options_print_one_line(candles: Path, flags: list[str], said: str, capfd: pytest.CaptureFixture[str]):
    assert run(["candles", str(candles), "--period", "day", *flags]) == 2
    err = capfd.readouterr().err
    assert said in err and err.count("\n") == 1


def test_a_period_without_volume_is_an_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    path = tmp_path / "still.csv"
    path.write_text(f"time,open,high,low,close,volume\n{START_S},1,1,1,1,0\n")
    assert run(["candles", str(path), "--period", "day", "--current"]) == 2
    assert "no volume between" in capfd.readouterr().err


def test_missing_candles_are_listed(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """T6: a day of Binance's minutes without a header and with holes names each hole."""
    minutes = [n for n in range(2881) if n not in range(100, 159) and n != 1000]
    rows = [f"{(START_S + n * 60) * 1000},100,101,99,100,2.5,{(START_S + n * 60) * 1000 + 59_999},1,1,1,1,0" for n in minutes]
    path = tmp_path / "BTCUSDT-1m.csv"
    path.write_text("\n".join(rows) + "\n")
    assert run(["candles", str(path), "--period", "day", "--as-of", "2026-01-20"]) == 0
    err = capfd.readouterr().err
    assert "the day is incomplete, 1380 candles" in err
    assert "59 candles missing, 2026-01-19T01:40:00+00:00 to 2026-01-19T02:39:00+00:00" in err
    assert "1 candle missing, 2026-01-19T16:40:00+00:00 to 2026-01-19T16:41:00+00:00" in err
    scattered = [row for n, row in enumerate(rows) if n % 40]
    path.write_text("\n".join(scattered) + "\n")
    assert run(["candles", str(path), "--period", "day", "--as-of", "2026-01-20"]) == 0
    assert "more gaps" in capfd.readouterr().err
    assert run(["candles", str(path), "--period", "day", "--as-of", "2026-01-20", "--quiet"]) == 0
    assert capfd.readouterr().err == ""
