"""The armed alerts of a market, grouped by what can fire them.

Alerts that cannot fire cost nothing per trade.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from app.alerts.alert import Alert, Condition, SubjectKind
from app.alerts.subjects import SUBJECTS, LinePrice, SubjectValues, WatchKind, value_in_steps
from app.errors import BadInputError
from app.market.arrays import Float64Array
from app.market.instrument import Instrument

_PASSES = (Condition.TOUCH, Condition.CROSS, Condition.CROSS_UP, Condition.CROSS_DOWN)


class ArmedAlert(NamedTuple):
    """An alert with its value in ticks, lots or per cent; 0 if its subject needs no value."""

    alert: Alert
    steps: int


class ActiveLines(NamedTuple):
    """The lines that touch and cross alerts watch while one bar is in progress.

    `ticks` are the prices of the lines, float64, ascending; `waiting` has the alert of each line, in the same order; `unknown` maps alert
    numbers to the reason why their line has no price.
    """

    ticks: Float64Array
    waiting: tuple[ArmedAlert, ...]
    unknown: dict[int, str]


class Thresholds:
    """Alerts that fire when a running value of a bar reaches their threshold."""

    def __init__(self, waiting: list[ArmedAlert]) -> None:
        self._waiting = sorted(waiting, key=lambda one: abs(one.steps))
        self._values = np.array([abs(one.steps) for one in self._waiting], np.int64)
        self._bar: object = None
        self._passed = 0

    def passed(self, bar: object, figure: int) -> list[ArmedAlert]:
        """The alerts whose threshold a bar's running value `figure` has reached since the last call with the same `bar`."""
        if bar != self._bar:
            self._bar, self._passed = bar, 0
        before, self._passed = self._passed, max(self._passed, int(np.searchsorted(self._values, figure, side="right")))
        return self._waiting[before : self._passed]


class ArmedAlerts:
    """The armed alerts of one market, at one revision of the alert store, grouped by what can fire them.

    Attributes
    ----------
    alerts : tuple of Alert
        All of them; the groups leave out those whose value does not fit the tick and lot size.
    fixed, moving : list of ArmedAlert
        Alerts on trades that touch or cross a fixed price, or a line that moves.
    closes, events, levels : list of ArmedAlert
        Alerts on closes beyond a line, on events of closed bars, on naked levels.
    buying, selling, volume : Thresholds
        Alerts on the running delta that rises or falls to a value, and on the running volume.
    """

    def __init__(self, alerts: list[Alert], instrument: Instrument) -> None:
        self._instrument = instrument
        self.alerts = tuple(alerts)
        self.fixed: list[ArmedAlert] = []
        self.moving: list[ArmedAlert] = []
        self.closes: list[ArmedAlert] = []
        self.events: list[ArmedAlert] = []
        self.levels: list[ArmedAlert] = []
        running: list[ArmedAlert] = []
        for alert in alerts:
            try:
                one = ArmedAlert(alert, value_in_steps(instrument, alert))
            except BadInputError:  # the market's tick size has changed since; the panel shows it
                continue
            family = SUBJECTS[alert.subject.kind].family
            if family is WatchKind.LINE and alert.when in _PASSES:
                (self.fixed if alert.subject.kind is SubjectKind.PRICE else self.moving).append(one)
            else:
                {WatchKind.LINE: self.closes, WatchKind.EVENT: self.events, WatchKind.LEVELS: self.levels, WatchKind.RUNNING: running}[
                    family
                ].append(one)
        delta = [one for one in running if one.alert.subject.kind is SubjectKind.DELTA]
        self.buying = Thresholds([one for one in delta if one.steps > 0])
        self.selling = Thresholds([one for one in delta if one.steps < 0])
        self.volume = Thresholds([one for one in running if one.alert.subject.kind is SubjectKind.VOLUME])
        self.fixed.sort(key=lambda one: one.steps)
        self._fixed = ActiveLines(np.array([one.steps for one in self.fixed], np.float64), tuple(self.fixed), {})
        self._lines = self._fixed
        self._key: tuple[object, ...] = ()

    def lines_alone(self) -> ArmedAlerts:
        """A copy with only the alerts that fire when trades touch or cross a line."""
        return ArmedAlerts([one.alert for one in (*self.fixed, *self.moving)], self._instrument)

    def key(self, readings: SubjectValues, bar: int) -> tuple[object, ...]:
        """A key that changes whenever the prices of the lines for a bar may have changed."""
        chart, series = readings.chart, readings.chart.series
        rules = chart.anchors.revision, chart.rules, chart.asked_from_ns, chart.oldest_ns
        return (chart.generation, int(series.number[bar]), int(series.changed_at[bar - 1]) if bar else -1, *rules) if bar >= 0 else rules

    def active_lines(self, readings: SubjectValues, bar: int) -> ActiveLines:
        """The lines of the touch and cross alerts, with the prices that hold while a bar is in progress.

        Computed once per bar, and again when the bar before it, a profile or a setting has changed.
        """
        if not self.moving:
            return self._fixed
        if bar < 0:
            return self._fixed._replace(unknown={one.alert.number: "no bars loaded" for one in self.moving})
        key = self.key(readings, bar)
        if key != self._key:
            self._lines, self._key = self._computed_lines(readings, bar), key
        return self._lines

    def _computed_lines(self, readings: SubjectValues, bar: int) -> ActiveLines:
        found = dict.fromkeys(one.alert.subject for one in self.moving)
        lines: dict[object, LinePrice] = {subject: readings.line(subject, 0, bar, bar) for subject in found}
        unknown: dict[int, str] = {}
        known: list[tuple[float, ArmedAlert]] = []
        for one in self.moving:
            line = lines[one.alert.subject]
            if line.ticks is None:
                unknown[one.alert.number] = line.why
            else:
                known.append((line.ticks, one))
        ticks = np.concatenate((self._fixed.ticks, [ticks for ticks, _ in known]))
        order = np.argsort(ticks, kind="stable")
        waiting = [*self.fixed, *(one for _, one in known)]
        places: list[int] = order.tolist()
        return ActiveLines(ticks[order], tuple(waiting[place] for place in places), unknown)
