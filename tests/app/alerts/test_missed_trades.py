"""Missed trades are checked late, once, and the unmonitored time is logged."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.alerts.alert import Condition, Scope, SubjectKind, Trigger
from app.alerts.alert_store import AlertStore
from app.alerts.watch import AlertWatch
from app.market.coverage import CoveredSpan, Source
from app.market.span import Span
from app.storage.trade_store import TradeStore
from tests.app.alerts.tapes import Tape, price, wish
from tests.app.chart.test_chart import MARKET
from tests.builders import trades_of

ROWS = [(0, 100, 1, 1), (1, 101, 1, 1), (30, 103, 1, 1), (60, 100, 1, 1), (90, 100, 1, 1), (95, 101, 1, 1)]
TRADES = trades_of(ROWS)


def closed_and_opened(tmp_path: Path, *wishes: object) -> Tape:
    """A restarted program: two trades scanned, two missed, the fifth received."""
    path = tmp_path / "alerts.json"
    before = Tape(AlertStore(path))
    before.say(TRADES[:2])
    for one in wishes:
        before.book.add(MARKET, one)  # type: ignore[arg-type]
    again = Tape(AlertStore(path))
    again.say(TRADES[4:5])
    return again


def test_missed_trades_are_checked_late_once_they_are_fetched(tmp_path: Path):
    tape = closed_and_opened(tmp_path, wish(value=price(102)), wish(when=Condition.CLOSE_ABOVE, value=price(102)))
    (stretch,) = tape.watch.missed_ranges
    assert (stretch.start_ns, stretch.until_ns, stretch.why) == (TRADES.time_ns[1], TRADES.time_ns[4], "Tapeprint was not running")
    assert tape.told == []
    tape.fetch(TRADES[:2])
    assert len(tape.watch.missed_ranges) == 1  # two are missing still
    tape.fetch(TRADES[2:4])
    assert tape.told == [(30, "touched 10.2"), (60, "touched 10.2"), (60, "closed above 10.2 at 10.3")]
    assert all(fired.late for fired in tape.fired)
    (entry,) = tape.unwatched
    assert (entry.start_ns, entry.end_ns) == (TRADES.time_ns[1], TRADES.time_ns[4])
    assert entry.outcome == "2 missed trades checked, 3 alerts fired"
    assert tape.watch.missed_ranges == AlertStore(tape.book.path).missed_ranges(MARKET.id) == ()


def test_a_missed_range_survives_another_restart(tmp_path: Path):
    tape = closed_and_opened(tmp_path, wish(value=price(102), often=Trigger.ONCE))
    tape.book.save()
    again = Tape(AlertStore(tape.book.path))
    assert len(again.watch.missed_ranges) == 1
    again.say(TRADES[5:])
    again.fetch(TRADES[:5])
    assert again.told == [(30, "touched 10.2")]
    assert [entry.outcome for entry in again.unwatched] == ["no trades missed", "2 missed trades checked, 1 alert fired"]
    assert AlertStore(tape.book.path).of(MARKET.id) == []


def test_an_id_gap_is_checked_once_filled_without_delaying_live(tmp_path: Path):
    tape = Tape()
    tape.say(TRADES[:2])
    tape.book.add(MARKET, wish(value=price(102)))
    tape.book.add(MARKET, wish(value=price(101)))
    tape.say(TRADES[4:], connects=1)
    assert tape.told == [(95, "touched 10.1")]
    tape.fetch(TRADES[2:4])
    assert [(at, text) for at, text in tape.told if "10.2" in text] == [(30, "touched 10.2"), (60, "touched 10.2")]
    assert [(entry.why, entry.outcome) for entry in tape.unwatched] == [
        ("the connection was lost", "2 missed trades checked, 3 alerts fired")
    ]


def test_a_reconnect_without_missed_trades_is_logged():
    tape = Tape()
    tape.say(TRADES[:2])
    tape.book.add(MARKET, wish(value=price(150)))
    tape.say(TRADES[2:], connects=1)
    assert [(entry.why, entry.outcome) for entry in tape.unwatched] == [("the connection was lost", "no trades missed")]


def test_a_gap_without_alerts_leaves_no_range_and_no_log_entry():
    tape = Tape()
    tape.say(TRADES[:2])
    tape.say(TRADES[4:], connects=1)
    assert tape.watch.missed_ranges == () and tape.unwatched == []


def test_certain_crossings_fire_after_a_minute_without_trades(tmp_path: Path):
    tape = Tape()
    tape.say(TRADES[:2])
    tape.book.add(MARKET, wish(value=price(103)))
    tape.book.add(MARKET, wish(value=price(110), when=Condition.CROSS_UP))
    tape.say(trades_of([*ROWS[:4], (90, 120, 1, 1), (140, 120, 1, 1)])[4:])
    assert tape.told == []
    tape.say(trades_of([*ROWS, (151, 120, 1, 1)])[6:])
    assert tape.told == [(90, "touched 10.3 (earlier, exact time unknown)"), (90, "crossed 11.0 from below (earlier, exact time unknown)")]
    assert tape.unwatched[-1].outcome.startswith("not fully checked: trades unavailable")
    assert len(tape.watch.missed_ranges) == 1


def test_missed_trades_dropped_from_memory_are_logged(tmp_path: Path):
    tape = closed_and_opened(tmp_path, wish(value=price(102)))
    tape.store.forgotten, tape.store.floor_key = 3, 3
    tape.say(TRADES[5:])
    assert tape.watch.missed_ranges == ()
    assert tape.unwatched[-1].outcome == "trades unavailable, never checked"


def test_a_line_of_the_day_is_checked_once_the_day_is_loaded(tmp_path: Path):
    tape = closed_and_opened(tmp_path, wish(SubjectKind.VWAP, of=Scope.DAY, often=Trigger.ONCE))
    day_ns = int(TRADES.time_ns[0]) // 86_400_000_000_000 * 86_400_000_000_000
    assert tape.watch.wants_from_ns(tape.chart) == day_ns
    tape.chart.asked_from_ns = int(TRADES.time_ns[0])  # the day's first trades are not here
    tape.fetch(TRADES[:4])
    tape.say(TRADES[5:])
    (alert,) = tape.book.alerts
    tape.watch.lines(tape.chart)
    assert tape.watch.why_not(alert, tape.chart) == "trades of the day are still loading"
    assert tape.told == [] and len(tape.watch.missed_ranges) == 1
    tape.chart.asked_from_ns = day_ns
    tape.fetch(TRADES[:0])
    assert tape.told == [(90, "touched VWAP of the day 10.13")] or tape.told[0][1].startswith("touched VWAP of the day")
    assert tape.watch.missed_ranges == ()


def test_unnumbered_trades_are_checked_once_time_is_covered(tmp_path: Path):
    path = tmp_path / "alerts.json"
    before = Tape(AlertStore(path))
    before.store = TradeStore(by_time=True)
    before.say(TRADES[:2])
    before.book.add(MARKET, wish(value=price(102)))
    again = Tape(AlertStore(path))
    again.store = TradeStore(by_time=True)
    again.say(TRADES[4:])
    again.fetch(TRADES[:4])
    assert len(again.watch.missed_ranges) == 1  # nothing shows yet that these are all
    again.chart.covered = [CoveredSpan(Span(0, 1 << 62), Source.BACKFILL, 0, 0, proven=False)]
    again.fetch(TRADES[:0])
    assert again.told == [(30, "touched 10.2"), (60, "touched 10.2")]


@pytest.mark.parametrize("missing", [1, 200])
def test_a_long_missed_range_is_checked_in_parts(missing: int):
    rows = [(60 * place, 100 + place % 2 * 2, 1, 1) for place in range(missing + 2)]
    trades = trades_of(rows)
    tape = Tape()
    tape.say(trades[:1])
    tape.book.add(MARKET, wish(SubjectKind.VOLUME, Condition.REACH, "0.01"))
    tape.say(trades[-1:])
    tape.fetch(trades[1:-1])
    parts = 1
    while tape.watch.missed_ranges:
        tape.fetch(trades[:0])
        parts += 1
    assert parts == 1 + missing // 64
    assert len(tape.fired) == missing + 1
    assert tape.unwatched[-1].outcome.startswith(f"{missing:,} missed trades checked")


def test_a_missed_range_names_another_open_market_as_its_reason(tmp_path: Path):
    tape = Tape(AlertStore(tmp_path / "alerts.json"))
    tape.say(TRADES[:2])
    tape.book.add(MARKET, wish(value=price(150)))
    tape.watch = AlertWatch(tape.book, MARKET)
    tape.say(TRADES[4:])
    assert [stretch.why for stretch in tape.watch.missed_ranges] == ["another market was open"]


def test_missed_trades_decide_how_a_price_at_a_line_crossed_it():
    trades = trades_of([(0, 105, 1, 1), (1, 99, 1, 1), (2, 101, 1, 1), (3, 101, 1, 1), (4, 103, 1, 1), (5, 99, 1, 1)])
    tape = Tape()
    tape.say(trades[:1])
    tape.book.add(MARKET, wish(value=price(101), when=Condition.CROSS))
    tape.say(trades[2:5])
    assert tape.told == []  # not known yet whether from above or from below
    tape.fetch(trades[1:2])
    assert tape.told == [(1, "crossed 10.1 from above"), (4, "crossed 10.1 from below")]
    tape.say(trades[5:])
    assert tape.told[2:] == [(5, "crossed 10.1 from above")]
