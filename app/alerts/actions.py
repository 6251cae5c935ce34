"""The user's actions on alerts, and the status of each alert."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from app.alerts.alert import Alert, AlertSpec, Condition, Subject, SubjectKind
from app.alerts.alert_store import AlertStore
from app.alerts.subjects import SubjectValues
from app.alerts.suggest import Suggestion, subjects_near
from app.alerts.watch import AlertWatch
from app.chart.chart import AlertLine, Chart
from app.errors import BadInputError
from app.market.decimals import step_text
from app.market.feed import FeedState, FeedStatus
from app.market.instrument import Instrument

_WATCHING = (FeedState.LIVE, FeedState.LAGGING, FeedState.SIMULATED, FeedState.REPLAY)


class AlertStatus(NamedTuple):
    """The status of one alert: armed, fired or not monitored.

    Attributes
    ----------
    word : "armed", "fired" or "not monitored"
    why : str
        Why it is not monitored; or, if trades are missing at the start of its line, when the line's data begins.
    since_ns : int
        Time of the last trade that was scanned for it, if it is not monitored; 0 if there was none.
    """

    word: str
    why: str = ""
    since_ns: int = 0


class Outcome(NamedTuple):
    """The result of a user action: a line for the status bar, and whether the action changed anything.

    Attributes
    ----------
    text : str
        A line for the status bar.
    done : bool
        False if nothing was changed.
    """

    text: str
    done: bool


class AlertActions:
    """The user's actions on alerts; each action returns a line for the status bar, some in an `Outcome`.

    Parameters
    ----------
    book : AlertStore
    chart, watch : callable
        Return the chart and the alert watch of the open market; None while no market is open.
    status : callable
        Returns the status of the open market's feed.
    """

    def __init__(
        self,
        book: AlertStore,
        chart: Callable[[], Chart | None],
        watch: Callable[[], AlertWatch | None],
        status: Callable[[], FeedStatus],
    ) -> None:
        self.book = book
        self._chart, self._watch, self._status = chart, watch, status
        self.dragged: tuple[int, int] | None = None
        """Number and current price, in ticks, of the alert that is being dragged; see `drop`."""

    @property
    def instrument(self) -> Instrument | None:
        """The instrument of the open market; None while no market is open."""
        chart = self._chart()
        return chart.spec.instrument if chart is not None else None

    def add(self, spec: AlertSpec) -> Outcome:
        """Add an alert to the open market and return the outcome; adds nothing if no market is open or the definition is invalid."""
        if (instrument := self.instrument) is None:
            return Outcome("No chart loaded yet", False)
        try:
            alert = self.book.add(instrument, spec)
        except BadInputError as error:
            return Outcome(error.user_message, False)
        self.show()
        return Outcome(self.book.trouble or f"Alert {alert.number}, {alert.text}, {alert.often.text}", True)

    def change(self, number: int, spec: AlertSpec) -> Outcome:
        """Replace the definition of an alert, arm it and return the outcome; the number stays the same.

        Changes nothing if the definition is invalid, or if the alert's market is not open: the market's tick and lot size are needed.
        """
        alert, instrument = self.book.get(number), self.instrument
        if alert is None or instrument is None or alert.instrument != instrument.id:
            return Outcome("Open the alert's market to edit it", False)
        try:
            self.book.change(instrument, number, spec)
        except BadInputError as error:
            return Outcome(error.user_message, False)
        self.show()
        return Outcome(self.book.trouble or f"Alert {number}, {spec.text}, {spec.often.text}", True)

    def add_at(self, price_ticks: int) -> str:
        """Add an alert to the open market that fires once, when a trade touches a price; return a status bar line."""
        if (instrument := self.instrument) is None:
            return "No chart loaded yet"
        price = price_ticks * instrument.tick_size
        added = self.add(AlertSpec(value=f"{price:f}", when=Condition.TOUCH))
        return f"Alert at {price:f}: fires once, on touch" if added.done and not self.book.trouble else added.text

    def move(self, number: int, price_ticks: int) -> str:
        """Move a price alert of the open market to another price and arm it; return a status bar line. Other alerts cannot be moved."""
        alert, instrument = self.book.get(number), self.instrument
        if alert is None or instrument is None or alert.subject.kind is not SubjectKind.PRICE:
            return "Only price alerts can be moved"
        return self.change(number, msgspec.structs.replace(alert.spec, value=f"{price_ticks * instrument.tick_size:f}")).text

    def drop(self) -> str:
        """Move the dragged alert to the price where it was dropped; return a status bar line, or an empty text if no alert is dragged."""
        dragged, self.dragged = self.dragged, None
        return self.move(*dragged) if dragged is not None else ""

    def delete_nearest(self, price_ticks: int) -> str:
        """Delete the open market's armed price alert that is nearest to a price; return a status bar line."""
        instrument = self.instrument
        found = [alert for alert in self.book.of(instrument.id) if alert.subject == Subject()] if instrument else []
        if instrument is None or not found:
            return "No price alert to delete"
        nearest = min(found, key=lambda alert: abs(Decimal(alert.value) - price_ticks * instrument.tick_size))
        return self.delete(nearest.number)

    def delete(self, number: int) -> str:
        """Delete an alert and return a status bar line."""
        alert = self.book.get(number)
        if alert is None:
            return "This alert has been deleted"
        self.book.delete(number)
        self.show()
        return f"Deleted alert {number}: {alert.text}"

    def arm(self, number: int) -> str:
        """Arm a fired alert again and return a status bar line."""
        alert = self.book.get(number)
        if alert is None:
            return "This alert has been deleted"
        self.book.arm(number)
        self.show()
        return f"Re-armed alert {number}: {alert.text}"

    def show(self) -> None:
        """Update the chart's alert lines and the time from which alerts need history; does nothing while no market is open."""
        chart, watch = self._chart(), self._watch()
        if chart is not None and watch is not None:
            lines, chart.alerts_from_ns = watch.lines(chart), watch.wants_from_ns(chart)
            chart.alert_lines = self._with_dragged(lines, chart.spec.instrument) if self.dragged is not None else lines

    def _with_dragged(self, lines: tuple[AlertLine, ...], instrument: Instrument) -> tuple[AlertLine, ...]:
        number, ticks = self.dragged or (0, 0)
        there = AlertLine(float(ticks), step_text(ticks, instrument.tick_size), number, False)
        return tuple(sorted(there if line.alert == number else line for line in lines))

    def status_of(self, alert: Alert) -> AlertStatus:
        """The status of an alert; if it is not monitored, with the reason."""
        if not alert.armed:
            return AlertStatus("fired")
        chart, watch, status = self._chart(), self._watch(), self._status()
        reached = self.book.reached(alert.instrument)
        since_ns = reached.time_ns if reached is not None else 0
        if chart is None or watch is None or chart.spec.instrument.id != alert.instrument:
            return AlertStatus("not monitored", f"{alert.instrument} is not open", since_ns)
        if status.state not in _WATCHING:
            return AlertStatus("not monitored", f"{status.state.value}{f', {status.reason}' if status.reason else ''}", since_ns)
        why = watch.why_not(alert, chart)
        return AlertStatus("not monitored", why, since_ns) if why else AlertStatus("armed", watch.partly(alert, chart))

    def near(self, ticks: float, reach: float) -> list[Suggestion]:
        """Suggested alert subjects: lines and naked levels within `reach` ticks of a price, nearest first; empty without an open market."""
        chart = self._chart()
        return subjects_near(SubjectValues(chart), ticks, reach) if chart is not None else []

    def profiles(self) -> list[tuple[int, str]]:
        """Key and name of each placed profile (anchored, range or composite) of the chart; empty while no market is open."""
        chart = self._chart()
        return [(placed.key, placed.name) for placed in chart.anchors.profiles] if chart is not None else []

    def text_of(self, subject: Subject) -> str:
        """The text of a subject; if it is of a profile on the chart, with the profile's name instead of the key."""
        names = dict(self.profiles())
        return subject.text.replace(f"profile {subject.key}", names[subject.key]) if subject.key in names else subject.text

    def pending(self) -> str:
        """One line about missed trades still to be checked; empty if there are none or no market is open."""
        watch = self._watch()
        return watch.pending if watch is not None else ""
