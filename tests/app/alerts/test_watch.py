"""Alerts fire at the same trades in any batches, after restarts and kills."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import MonkeyPatch

from app.alerts.alert import Alert, AlertSpec
from app.alerts.alert_store import AlertStore
from app.alerts.subjects import value_in_steps
from app.chart.chart import ChartSpec
from app.market.bar_rule import parse_bar_rule
from app.market.trade import TradeBatch
from app.settings.calculation import CalculationSettings, ImbalanceSettings
from tests.app.alerts.tapes import Tape, every_wish
from tests.app.chart.test_chart import MARKET, spec
from tests.builders import SECOND_NS, random_trades, split, trade_batches
from tests.oracles.alerts import Print, SlowAlert

LEVELS = (100, 101, 103, 115)
CUTS = st.lists(st.integers(0, 60), max_size=6)


def expected(alerts: tuple[Alert, ...], trades: TradeBatch, rules: CalculationSettings | None = None) -> list[tuple[int, int]]:
    rules = rules or CalculationSettings()
    imbalance, percent = rules.imbalance.of(MARKET.lot_size), rules.value_area.percent
    slow = [SlowAlert(alert, value_in_steps(MARKET, alert), 60 * SECOND_NS, percent, imbalance) for alert in alerts]
    found = []
    columns = (column.tolist() for column in trades.columns)
    for time_ns, price, lots, side, trade_id in zip(*columns, strict=True):
        for alert in slow:
            found += [(trade_id, alert.alert.number)] * alert.tell(Print(time_ns, price, lots, side))
    return sorted(found)


def of(tape: Tape) -> list[tuple[int, int]]:
    return sorted((fired.trade_id, fired.alert) for fired in tape.fired)


def watched(
    wishes: list[AlertSpec], book: AlertStore | None = None, chart_spec: ChartSpec | None = None, rules: CalculationSettings | None = None
) -> Tape:
    tape = Tape(book, chart_spec, rules)
    path, tape.book.path = tape.book.path, None  # written to disk once, not after each of many alerts
    for wish in wishes:
        tape.book.add(MARKET, wish)
    tape.book.path = path
    tape.book.save()
    return tape


@pytest.fixture(autouse=True, scope="module")
def quick_disk() -> Iterator[None]:
    """A test cannot cut the power, so nothing waits for the disk."""
    with MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@settings(max_examples=40, deadline=None)
@given(trades=trade_batches(max_size=50), cuts=CUTS)
def test_any_batching_fires_what_the_oracle_fires(trades: TradeBatch, cuts: list[int]):
    tape = watched(every_wish(LEVELS))
    alerts = tape.book.alerts
    for piece in split(trades, cuts):
        tape.say(piece)
    assert of(tape) == expected(alerts, trades)


def test_watch_equals_the_oracle_on_days_where_every_alert_fires():
    trades = random_trades(5, 320, seconds=2.5 * 86_400, price=106, spread=12)
    single = CalculationSettings(imbalance=ImbalanceSettings(stacked=1))
    tape = watched(every_wish(LEVELS), rules=single)
    alerts = tape.book.alerts
    for piece in split(trades, list(range(0, 320, 7))):
        tape.say(piece)
    fired = of(tape)
    assert fired == expected(alerts, trades, single)
    assert {alert.number for alert in alerts} == {number for _, number in fired}


@settings(max_examples=30, deadline=None)
@given(trades=trade_batches(max_size=40), cuts=CUTS, rule=st.sampled_from(["500t", "7t", "3v", "2r", "4delta"]))
def test_any_batching_fires_the_same_on_bars_other_than_time(trades: TradeBatch, cuts: list[int], rule: str):
    chart_spec = replace(spec(), bar_rule=parse_bar_rule(rule))
    told = []
    for pieces in (split(trades, cuts), split(trades, range(len(trades)))):
        tape = watched(every_wish(LEVELS), chart_spec=chart_spec)
        for piece in pieces:
            tape.say(piece)
        told.append(sorted((fired.trade_id, fired.alert, fired.text) for fired in tape.fired))
    assert told[0] == told[1]


@settings(max_examples=30, deadline=None)
@given(trades=trade_batches(max_size=40), cuts=CUTS)
def test_a_restart_between_any_two_batches_changes_nothing(trades: TradeBatch, cuts: list[int]):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "alerts.json"
        tape = watched(every_wish(LEVELS), AlertStore(path))
        alerts = tape.book.alerts
        for piece in split(trades, cuts):
            tape.say(piece)
            tape.book.save()
            tape.restart(path)
        assert of(tape) == expected(alerts, trades)
        assert not any(fired.late for fired in tape.fired)


class KilledError(Exception):
    """Nothing after this happens."""


@settings(max_examples=30, deadline=None)
@given(trades=trade_batches(max_size=40), cuts=CUTS, data=st.data())
def test_a_kill_at_any_moment_loses_and_doubles_no_fired_alert(trades: TradeBatch, cuts: list[int], data: st.DataObject):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "alerts.json"
        tape = watched(every_wish(LEVELS), AlertStore(path))
        alerts = tape.book.alerts
        tape.say(trades[:1])
        tape.book.save()  # as it is when an alert is set: the chart is there already
        for piece in split(trades[1:], cuts):
            doomed = data.draw(st.sampled_from(["", "", "before the log", "between log and list", "after"]))
            with MonkeyPatch.context() as patch:
                if doomed == "before the log":
                    patch.setattr(tape.book, "note_reached", _kill)
                elif doomed == "between log and list":
                    patch.setattr(tape.book, "save", _kill)
                with suppress(KilledError):
                    tape.say(piece)
            if doomed:
                tape.restart(path)
        tape.restart(path)
        assert [entry for entry in of(tape) if entry[0] <= reached(tape)] == [
            entry for entry in expected(alerts, trades) if entry[0] <= reached(tape)
        ]


def _kill(*_: object) -> None:
    raise KilledError


def reached(tape: Tape) -> int:
    return tape.watch.reached.key if tape.watch.reached else 0
