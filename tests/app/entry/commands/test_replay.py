"""`tapeprint replay`: the trades it plays, and its options."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from app.entry.cli import run
from app.entry.commands.common import Reading, parse_span
from app.entry.commands.replay import load_trades, parse_speed, with_sequential_ids
from app.errors import BadInputError
from app.market.coverage import Source
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.disk import DiskStore
from app.storage.tape_writer import TapeWriter
from tests.builders import SECOND_NS, START_NS, random_trades

MINUTE_MS = 1_723_161_240_000
ALL = parse_span(None, None)
READING = Reading(Decimal("0.1"), quiet=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "trades.csv"
    rows = [f"{MINUTE_MS + 1000 * k},{100 + k / 10},1,buy,{k + 1}" for k in range(10)]
    path.write_text("\n".join(["time,price,quantity,side,trade_id", *rows]))
    return path


def with_ids(ids: list[int]) -> TradeBatch:
    trades = random_trades(1, len(ids))
    return TradeBatch.of(trades.time_ns, trades.price_ticks, trades.quantity_lots, trades.side, ids)


def test_replay_loads_the_trades_of_a_span(file: Path):
    recording = load_trades(str(file), parse_span("2024-08-08T23:54:02Z", "2024-08-08T23:54:05Z"), READING, Path())
    assert recording.trades.trade_id.tolist() == [3, 4, 5]
    assert recording.instrument.id == "file:trades"


@pytest.mark.parametrize(
    ("span", "reading", "complaint"),
    [(ALL, None, "requires --tick-size"), (Span(0, 1), READING, "no trades between --from and --to")],
)
def test_replay_raises_an_error_without_tick_size_or_trades(file: Path, span: Span, reading: Reading | None, complaint: str):
    with pytest.raises(BadInputError, match=complaint):
        load_trades(str(file), span, reading, Path())


@pytest.mark.parametrize("numbered", [False, True])
def test_uncovered_time_is_a_gap_of_an_unnumbered_recording(tmp_path: Path, numbered: bool):
    instrument = Instrument("bybit", "BTCUSDT", Decimal("0.1"), Decimal("0.001"), numbered=numbered)
    first, last = random_trades(1, 50), random_trades(2, 50, start_ns=START_NS + 3600 * SECOND_NS)
    last = TradeBatch.of(*last.columns[:4], last.trade_id + 1000)
    store = DiskStore(tmp_path)
    writer = TapeWriter(store, instrument)
    for trades in (first, last):
        writer.insert(trades, Source.LIVE, Span(int(trades.time_ns[0]), int(trades.time_ns[-1]) + 1))
    writer.close()
    store.close()
    recording = load_trades("bybit:BTCUSDT", ALL, None, tmp_path)
    assert (len(recording.trades), recording.instrument) == (100, instrument)
    assert recording.gaps == (() if numbered else (Span(int(first.time_ns[-1]) + 1, int(last.time_ns[0])),))


def test_mostly_consecutive_ids_stay_with_their_gaps():
    assert with_sequential_ids(with_ids([5, 6, 7, 9, 10])).trade_id.tolist() == [5, 6, 7, 9, 10]


def test_ids_that_are_not_consecutive_are_numbered_again():
    assert with_sequential_ids(with_ids([5, 16, 17, 90, 1000])).trade_id.tolist() == [1, 2, 3, 4, 5]


def test_a_single_trade_keeps_its_id():
    assert with_sequential_ids(with_ids([77])).trade_id.tolist() == [77]


@pytest.mark.parametrize(("text", "speed"), [("1", 1.0), ("0.5", 0.5), ("1000", 1000.0), ("max", math.inf)])
def test_a_speed_is_a_number_or_max(text: str, speed: float):
    assert parse_speed(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "1001", "fast", "nan", "inf", ""])
def test_an_invalid_speed_raises_an_error(text: str):
    with pytest.raises(BadInputError, match=r"expected 0\.1 to 1000, or max"):
        parse_speed(text)


def test_a_span_may_be_open_at_either_end():
    begin = 1_723_161_240 * 10**9
    assert parse_span("2024-08-08T23:54Z", None).start_ns == begin
    assert parse_span(None, "2024-08-08T23:54Z").end_ns == begin
    assert np.iinfo(np.int64).min < ALL.start_ns < 0 < ALL.end_ns < np.iinfo(np.int64).max


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--from", "2024-08-09", "--to", "2024-08-08"], "--to: found 2024-08-08, expected a time after --from 2024-08-09"),
        (["--from", "yesterday"], "time: found 'yesterday'"),
        (["--speed", "warp"], "speed: found 'warp', expected 0.1 to 1000, or max"),
    ],
)
def test_invalid_replay_options_print_one_line(file: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], complaint: str):
    assert run(["replay", str(file), "--tick-size", "0.1", *arguments]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert complaint in line
