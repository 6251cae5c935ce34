"""Every action on alerts returns its line for the status bar, and changes what it says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.alerts.actions import AlertActions, AlertStatus, Outcome
from app.alerts.alert import AlertSpec, Condition, Scope, Subject, SubjectKind, Trigger
from app.alerts.alert_store import AlertStore
from app.alerts.suggest import Suggestion
from app.chart.chart import AlertLine
from app.market.feed import FeedState, FeedStatus
from app.market.trade import BUY
from tests.app.alerts.tapes import Tape, price, wish
from tests.app.chart.test_chart import MARKET
from tests.builders import SECOND_NS, START_NS, trades_of

TRADES = trades_of([(0, 100, 1, BUY), (1, 103, 1, BUY), (60, 104, 1, BUY)])
CLOSED = "No chart loaded yet"
DAY_VWAP = wish(SubjectKind.VWAP, of=Scope.DAY)


class Desk:
    """Actions on an open market with three trades, or with none open."""

    def __init__(self, book: AlertStore | None = None, *, is_open: bool = True) -> None:
        self.tape = Tape(book)
        self.tape.say(TRADES)
        self.status = FeedStatus(FeedState.LIVE)
        self.is_open = is_open
        self.actions = AlertActions(
            self.tape.book,
            lambda: self.tape.chart if self.is_open else None,
            lambda: self.tape.watch if self.is_open else None,
            lambda: self.status,
        )

    @property
    def values(self) -> list[tuple[int, str]]:
        return [(alert.number, alert.value) for alert in self.tape.book.alerts]

    @property
    def lines(self) -> list[tuple[float, str, int]]:
        return [line[:3] for line in self.tape.chart.alert_lines]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def broken(tmp_path: Path) -> Desk:
    """The alerts cannot be saved."""
    (tmp_path / "folder").write_text("in the way")
    return Desk(AlertStore(tmp_path / "folder" / "alerts.json"))


# -- adding and changing -------------------------------------------------------------------------


def test_an_added_alert_is_shown_in_text_and_on_the_chart(desk: Desk) -> None:
    added = desk.actions.add(AlertSpec(value=price(102), often=Trigger.ONCE_A_BAR))
    assert added == Outcome("Alert 1, price 10.2: touch, once per bar", True)
    assert (desk.values, desk.lines) == ([(1, "10.2")], [(102.0, "10.2", 1)])


def test_an_alert_with_a_bad_value_is_not_added(desk: Desk) -> None:
    added = desk.actions.add(AlertSpec(value="-1"))
    assert added == Outcome("alert: found -1, expected a price above 0", False)
    assert desk.values == []


def test_nothing_is_added_or_changed_while_no_market_is_open() -> None:
    desk = Desk()
    desk.actions.add(wish(value=price(102)))
    desk.is_open = False
    assert desk.actions.instrument is None
    assert desk.actions.add(wish(value=price(99))) == Outcome(CLOSED, False)
    assert desk.actions.add_at(99) == CLOSED
    assert desk.actions.change(1, wish(value=price(99))) == Outcome("Open the alert's market to edit it", False)
    assert desk.actions.move(1, 99) == "Only price alerts can be moved"
    assert desk.actions.delete_nearest(102) == "No price alert to delete"
    assert desk.values == [(1, "10.2")]


def test_an_alert_that_was_not_saved_says_so(tmp_path: Path) -> None:
    desk = broken(tmp_path)
    added = desk.actions.add(wish(value=price(102)))
    assert added.done and added.text.startswith("alerts not saved: cannot write ")
    assert desk.actions.add_at(103).startswith("alerts not saved: ")
    assert desk.actions.change(1, wish(value=price(101))).text.startswith("alerts not saved: ")
    assert desk.values == [(1, "10.1"), (2, "10.3")]


def test_a_changed_alert_keeps_its_number(desk: Desk) -> None:
    desk.actions.add(wish(value=price(102)))
    changed = desk.actions.change(1, wish(when=Condition.CROSS, value=price(99), often=Trigger.ONCE))
    assert changed == Outcome("Alert 1, price 9.9: cross, once", True)
    assert (desk.values, desk.lines) == ([(1, "9.9")], [(99.0, "9.9", 1)])


def test_an_alert_is_not_changed_to_a_bad_value(desk: Desk) -> None:
    desk.actions.add(wish(value=price(102)))
    changed = desk.actions.change(1, wish(value="0.05"))
    assert not changed.done and changed.text.startswith("alert: ") and "multiple of 0.1" in changed.text
    assert desk.values == [(1, "10.2")]


def test_only_alerts_of_the_open_market_can_be_changed(desk: Desk) -> None:
    other = desk.tape.book.add(replace(MARKET, symbol="ABC"), wish(value=price(102)))
    for number in (other.number, 99):
        assert desk.actions.change(number, wish(value=price(99))) == Outcome("Open the alert's market to edit it", False)
    assert desk.actions.move(other.number, 99) == "Open the alert's market to edit it"
    assert desk.actions.move(99, 99) == "Only price alerts can be moved"


def test_an_alert_at_a_price_fires_once_on_touch(desk: Desk) -> None:
    assert desk.actions.add_at(102) == "Alert at 10.2: fires once, on touch"
    (alert,) = desk.tape.book.alerts
    assert alert.spec == AlertSpec(value="10.2", when=Condition.TOUCH, often=Trigger.ONCE)
    assert desk.actions.add_at(0) == "alert: found 0.0, expected a price above 0"


def test_a_price_alert_is_moved_and_keeps_its_settings(desk: Desk) -> None:
    desk.actions.add(wish(when=Condition.CROSS_UP, value=price(102)))
    assert desk.actions.move(1, 105) == "Alert 1, price 10.5: cross above, every time"
    desk.actions.add(DAY_VWAP)
    assert desk.actions.move(2, 105) == "Only price alerts can be moved"
    assert desk.values == [(1, "10.5"), (2, "")]


# -- dragging ------------------------------------------------------------------------------------


def test_a_dragged_alert_is_drawn_at_the_mouse_until_it_is_dropped(desk: Desk) -> None:
    desk.actions.add(wish(value=price(102)))
    desk.actions.add(wish(value=price(104)))
    desk.actions.dragged = (1, 106)
    desk.actions.show()
    assert desk.tape.chart.alert_lines == (AlertLine(104.0, "10.4", 2, False), AlertLine(106.0, "10.6", 1, False))
    assert desk.values == [(1, "10.2"), (2, "10.4")]
    assert desk.actions.drop() == "Alert 1, price 10.6: touch, every time"
    assert (desk.values, desk.actions.dragged) == ([(1, "10.6"), (2, "10.4")], None)
    assert desk.actions.drop() == ""


def test_lines_and_the_history_they_need_are_shown_with_the_chart(desk: Desk) -> None:
    desk.tape.book.add(MARKET, DAY_VWAP)
    desk.actions.show()
    assert desk.lines == [(pytest.approx(101.5), "VWAP of the day", 1)]
    assert desk.tape.chart.alerts_from_ns == START_NS // (86_400 * SECOND_NS) * 86_400 * SECOND_NS
    desk.tape.chart.alert_lines = ()
    desk.is_open = False
    desk.actions.show()
    assert desk.tape.chart.alert_lines == ()


# -- deleting and arming -------------------------------------------------------------------------


def test_a_deleted_alert_is_named_and_its_line_is_gone(desk: Desk) -> None:
    desk.actions.add(wish(value=price(102)))
    assert desk.actions.delete(1) == "Deleted alert 1: price 10.2: touch"
    assert (desk.values, desk.lines) == ([], [])
    assert desk.actions.delete(1) == desk.actions.arm(1) == "This alert has been deleted"


@pytest.mark.parametrize(("at", "number"), [(90, 1), (101, 1), (103, 1), (104, 2), (200, 2)])
def test_the_nearest_price_alert_is_deleted(desk: Desk, at: int, number: int) -> None:
    for ticks in (101, 106):
        desk.actions.add(wish(value=price(ticks)))
    desk.actions.add(DAY_VWAP)
    assert desk.actions.delete_nearest(at).startswith(f"Deleted alert {number}: price ")


def test_fired_and_moving_alerts_are_not_the_nearest(desk: Desk) -> None:
    desk.actions.add(DAY_VWAP)
    desk.actions.add(wish(value=price(105), often=Trigger.ONCE))
    desk.tape.say(trades_of([(0, 1, 1, BUY)] * 3 + [(61, 105, 1, BUY)])[3:])
    assert desk.actions.delete_nearest(105) == "No price alert to delete"


def test_a_fired_alert_is_armed_again(desk: Desk) -> None:
    desk.actions.add(wish(value=price(105), often=Trigger.ONCE))
    desk.tape.say(trades_of([(0, 1, 1, BUY)] * 3 + [(61, 105, 1, BUY)])[3:])
    desk.actions.show()
    assert (desk.tape.book.alerts[0].armed, desk.lines) == (False, [])
    assert desk.actions.arm(1) == "Re-armed alert 1: price 10.5: touch"
    assert (desk.tape.book.alerts[0].armed, desk.lines) == (True, [(105.0, "10.5", 1)])


# -- status --------------------------------------------------------------------------------------


def status(desk: Desk, number: int = 1) -> AlertStatus:
    alert = desk.tape.book.get(number)
    assert alert is not None
    return desk.actions.status_of(alert)


@pytest.mark.parametrize("state", list(FeedState))
def test_an_alert_is_armed_only_while_trades_are_scanned(desk: Desk, state: FeedState) -> None:
    desk.actions.add(wish(value=price(102)))
    desk.status = FeedStatus(state)
    if state in (FeedState.LIVE, FeedState.LAGGING, FeedState.SIMULATED, FeedState.REPLAY):
        assert status(desk) == AlertStatus("armed")
    else:
        assert status(desk) == AlertStatus("not monitored", state.value, START_NS + 60 * SECOND_NS)


def test_the_status_names_the_reason_of_the_feed(desk: Desk) -> None:
    desk.actions.add(wish(value=price(102)))
    desk.status = FeedStatus(FeedState.STALE, "no trades for 10 s")
    assert status(desk).why == "STALE, no trades for 10 s"


def test_an_alert_of_a_closed_market_is_not_monitored(desk: Desk) -> None:
    desk.actions.add(wish(value=price(102)))
    desk.is_open = False
    assert status(desk) == AlertStatus("not monitored", "test:XYZ is not open", START_NS + 60 * SECOND_NS)


def test_an_alert_of_another_market_was_never_scanned(desk: Desk) -> None:
    other = desk.tape.book.add(replace(MARKET, symbol="ABC"), wish(value=price(102)))
    assert status(desk, other.number) == AlertStatus("not monitored", "test:ABC is not open", 0)


def test_an_alert_that_has_fired_is_fired_in_any_state(desk: Desk) -> None:
    desk.actions.add(wish(value=price(105), often=Trigger.ONCE))
    desk.tape.say(trades_of([(0, 1, 1, BUY)] * 3 + [(61, 105, 1, BUY)])[3:])
    desk.status = FeedStatus(FeedState.STOPPED)
    assert status(desk) == AlertStatus("fired")


def test_an_alert_without_a_line_is_not_monitored(desk: Desk) -> None:
    desk.actions.add(wish(SubjectKind.POC, of=Scope.PROFILE, key=7))
    assert status(desk) == AlertStatus("not monitored", "profile 7 is not on the chart", START_NS + 60 * SECOND_NS)


def test_an_armed_alert_says_since_when_its_data_begins(desk: Desk) -> None:
    desk.actions.add(DAY_VWAP)
    assert status(desk) == AlertStatus("armed", "data from 14 Nov 22:14")


# -- the rest ------------------------------------------------------------------------------------


def test_subjects_near_a_price_are_suggested(desk: Desk) -> None:
    of_the_day = [one for one in desk.actions.near(102.6, 0.25) if one.subject.of is Scope.DAY]
    assert of_the_day == []
    of_the_day = [one for one in desk.actions.near(102.25, 0.25) if one.subject.of is Scope.DAY]
    assert of_the_day == [Suggestion(Subject(kind=SubjectKind.VWAP, of=Scope.DAY), 307 / 3)]
    desk.is_open = False
    assert desk.actions.near(102.25, 1e9) == []


def test_subjects_are_named_by_the_profiles_on_the_chart(desk: Desk) -> None:
    key = desk.tape.chart.anchors.add(START_NS)
    desk.tape.chart.anchors.rename(key, "from the low")
    assert desk.actions.profiles() == [(key, "from the low")]
    poc = Subject(kind=SubjectKind.POC, of=Scope.PROFILE, key=key)
    assert desk.actions.text_of(poc) == "POC of from the low"
    assert desk.actions.text_of(Subject(kind=SubjectKind.POC, of=Scope.PROFILE, key=key + 1)) == f"POC of profile {key + 1}"
    assert desk.actions.text_of(Subject(kind=SubjectKind.POC, of=Scope.DAY)) == "POC of the day"
    desk.is_open = False
    assert (desk.actions.profiles(), desk.actions.text_of(poc)) == ([], f"POC of profile {key}")


def test_missed_trades_are_pending_while_a_market_is_open(desk: Desk) -> None:
    assert desk.actions.pending() == ""
    desk.actions.add(wish(value=price(150)))
    desk.tape.say(trades_of([(0, 1, 1, BUY)] * 5 + [(120, 105, 1, BUY)])[5:], connects=1)
    assert desk.actions.pending() == "alerts: 60 s of trades still to check"
    desk.is_open = False
    assert desk.actions.pending() == ""
