"""Matches fire by their trigger, once each, and never from before an alert was armed."""

from __future__ import annotations

import msgspec
import pytest

from app.alerts.alert import Alert, Condition, FiredAlert, SubjectKind, Trigger
from app.alerts.alert_store import AlertStore
from app.alerts.armed_alerts import ArmedAlerts
from app.alerts.crossings import bars_of
from app.alerts.firing import FiringPolicy
from app.alerts.scan import AlertMatch, AlertScan
from app.alerts.subjects import SubjectValues
from app.chart.chart import Chart
from app.market.trade import BUY
from app.storage.trade_store import TradeStore
from tests.app.alerts.tapes import lots, price, wish
from tests.app.chart.test_chart import MARKET, spec
from tests.builders import SECOND_NS, START_NS, trades_of

TRADES = trades_of([(0, 100, 1, BUY), (1, 101, 1, BUY), (60, 100, 1, BUY), (61, 102, 1, BUY)])


class Desk:
    """An alert store with one alert of each trigger, and a scan of four trades in two bars."""

    def __init__(self, kind: SubjectKind = SubjectKind.PRICE) -> None:
        self.book, chart, store = AlertStore(), Chart(spec()), TradeStore()
        for often in Trigger:
            is_volume = kind is SubjectKind.VOLUME
            when, value = (Condition.REACH, lots(1)) if is_volume else (Condition.TOUCH, price(100))
            self.book.add(MARKET, wish(kind, when, value, often))
        chart.apply(store.insert(TRADES), store)
        bars, begins = bars_of(chart, TRADES, None, at_end=True)
        self.scan = AlertScan(TRADES, bars, begins, None, SubjectValues(chart), store, ArmedAlerts([], MARKET))
        self.policy = FiringPolicy(self.book, MARKET)

    def alert(self, often: Trigger) -> Alert:
        return next(alert for alert in self.book.alerts if alert.often is often)

    def fire(self, often: Trigger, *trades: int, late: bool = False) -> list[int]:
        """The trades that fire."""
        self.policy.begin()
        found = self.policy.select(self.scan, [AlertMatch(trade, self.alert(often), f"touched at {trade}") for trade in trades], late=late)
        return [one.trade_id - 1 for one in found]

    def log(self, often: Trigger, trade: int, *, late: bool = False) -> None:
        """As if it had fired before the program was started."""
        time_ns = int(TRADES.time_ns[trade])
        fired = FiredAlert(
            alert=self.alert(often).number, instrument=MARKET.id, time_ns=time_ns, trade_id=trade + 1, price_ticks=1, text="", late=late
        )
        self.book.note_reached(MARKET.id, None, (), [fired])


def test_a_firing_has_everything_of_its_trade() -> None:
    desk = Desk()
    (alert,) = [msgspec.structs.replace(desk.alert(Trigger.ONCE), note="yesterday's high", sound="bell")]
    (fired,) = desk.policy.select(desk.scan, [AlertMatch(1, alert, "touched 10.1")], late=True, ending=" (earlier)")
    assert fired == FiredAlert(
        n=0,
        alert=1,
        instrument="test:XYZ",
        time_ns=START_NS + SECOND_NS,
        trade_id=2,
        price_ticks=101,
        text="test:XYZ touched 10.1 (earlier) (yesterday's high)",
        late=True,
        sound="bell",
    )


def test_a_firing_without_note_and_ending_is_the_text_alone() -> None:
    desk = Desk()
    (fired,) = desk.policy.select(desk.scan, [AlertMatch(0, desk.alert(Trigger.ONCE), "touched 10.0")], late=False)
    assert (fired.text, fired.late, fired.sound) == ("test:XYZ touched 10.0", False, "chime")


@pytest.mark.parametrize(("often", "fired"), [(Trigger.ONCE, [0]), (Trigger.ONCE_A_BAR, [0, 2]), (Trigger.EVERY_TIME, [0, 1, 2, 3])])
def test_an_alert_fires_as_often_as_its_trigger_says(often: Trigger, fired: list[int]) -> None:
    assert Desk().fire(often, 0, 1, 2, 3) == fired


def test_a_running_value_fires_at_most_once_a_bar() -> None:
    assert Desk(SubjectKind.VOLUME).fire(Trigger.EVERY_TIME, 0, 1, 2, 3) == [0, 2]


def test_alerts_are_counted_separately() -> None:
    desk = Desk()
    hits = [AlertMatch(trade, alert, "x") for trade in (0, 1) for alert in desk.book.alerts]
    assert [(one.trade_id, one.alert) for one in desk.policy.select(desk.scan, hits, late=False)] == [(1, 1), (1, 2), (1, 3), (2, 3)]


def test_the_next_scan_relies_on_the_alert_store_for_alerts_that_fire_once() -> None:
    desk = Desk()
    assert desk.fire(Trigger.ONCE, 0) == [0]
    assert desk.fire(Trigger.ONCE, 1) == [1]  # a spent alert is not armed, so it is not scanned


def test_a_bar_fires_once_over_several_scans() -> None:
    desk = Desk()
    assert [desk.fire(Trigger.ONCE_A_BAR, trade) for trade in range(4)] == [[0], [], [2], []]
    assert desk.policy.fired_bar == {2: desk.scan.bar_key(1)}


def test_a_bar_in_which_an_alert_fired_before_the_start_does_not_fire_again() -> None:
    desk = Desk()
    desk.log(Trigger.ONCE_A_BAR, 0)
    assert desk.fire(Trigger.ONCE_A_BAR, 1, 2, 3) == [2]


def test_a_firing_in_the_bar_in_progress_counts_however_late_it_was() -> None:
    for trade, fired in ((1, [1]), (2, [])):
        desk = Desk()
        desk.log(Trigger.ONCE_A_BAR, 3)
        assert desk.fire(Trigger.ONCE_A_BAR, trade) == fired


def test_a_late_match_checks_the_log_although_its_alert_fired_live() -> None:
    desk = Desk()
    assert desk.fire(Trigger.ONCE_A_BAR, 2) == [2]
    desk.log(Trigger.ONCE_A_BAR, 0)
    assert desk.fire(Trigger.ONCE_A_BAR, 1, late=True) == []
    assert desk.fire(Trigger.ONCE_A_BAR, 1) == [1]  # live alerts go from bar to bar: the log is not needed


def test_a_match_that_is_in_the_log_does_not_fire_again() -> None:
    desk = Desk()
    alert = desk.alert(Trigger.EVERY_TIME)
    (fired,) = desk.policy.select(desk.scan, [AlertMatch(1, alert, "x")], late=False)
    desk.book.note_reached(MARKET.id, None, (), [fired])
    again = desk.policy.select(desk.scan, [AlertMatch(trade, alert, "x") for trade in (1, 2)], late=False)
    assert [one.trade_id for one in again] == [3]


@pytest.mark.parametrize(("armed_s", "fired"), [(1, [1, 2, 3]), (2, [2, 3])])
def test_trades_before_an_alert_was_armed_do_not_fire_it(armed_s: int, fired: list[int]) -> None:
    desk = Desk()
    alert = msgspec.structs.replace(desk.alert(Trigger.EVERY_TIME), armed_ns=START_NS + armed_s * SECOND_NS)
    found = desk.policy.select(desk.scan, [AlertMatch(trade, alert, "x") for trade in range(4)], late=False)
    assert [one.trade_id - 1 for one in found] == fired


def test_without_bars_a_bar_is_all_of_time() -> None:
    desk = Desk()
    desk.log(Trigger.ONCE_A_BAR, 0)
    empty = Chart(spec())
    desk.scan = AlertScan(TRADES, desk.scan.bars * 0 - 1, desk.scan.begins, None, SubjectValues(empty), TradeStore(), desk.scan.armed)
    assert desk.fire(Trigger.ONCE_A_BAR, 2) == []
