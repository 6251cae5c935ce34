"""The subjects of alerts: their conditions, units, and values in the chart.

A new subject is one entry in `SUBJECTS`. Only subjects of armed alerts are computed, at most once per bar.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import NamedTuple

from app.alerts.alert import AlertSpec, Condition, Scope, Subject, SubjectKind
from app.alerts.bar_events import divergence, percent_of_delta, stacked, unfinished
from app.analytics.anchored_vwap import VwapSums
from app.analytics.bar_groups import first_bar_at
from app.analytics.level_detection import LevelKind
from app.analytics.row_layout import RowLayout
from app.chart.chart import Chart
from app.chart.levels import PERIODS
from app.errors import BadInputError, OffGridError
from app.market.arrays import Int64Array
from app.market.decimals import to_steps
from app.market.instrument import Instrument
from app.market.session import Period, span_at, span_before
from app.market.span import Span
from app.market.trade import BUY, SELL
from app.profiles.profile_values import ProfileValues

SessionRuns = tuple[tuple[int, int], ...]
"""Runs of bars in order, each as the number of its first bar and of the bar after its last."""


class WatchKind(enum.Enum):
    """The ways in which an alert's subject is checked against trades."""

    LINE = "a price level"
    LEVELS = "levels that close at the first touch"
    RUNNING = "a value of the current bar"
    EVENT = "an event at bar close"


class LinePrice(NamedTuple):
    """The price of a line in ticks, or None and the reason why it has no price."""

    ticks: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class SubjectInfo:
    """The conditions, scopes and unit of a subject, and how its value is read.

    Attributes
    ----------
    family : WatchKind
    whens : tuple of Condition
        Conditions that apply to it.
    ofs : tuple of Scope
        Periods it can cover, or a profile.
    unit : "price", "quantity", "signed", "%" or ""
        Unit of the alert's value; empty if it needs none.
    read : callable
        From (subject values, subject, runs of bars) to ticks, or None, for a LINE; from (chart, bar, value) to a text, or None, for
        an EVENT.
    level, column : LevelKind or None, str
        For LEVELS, the kind of level; for RUNNING, the column of the series.
    """

    family: WatchKind
    whens: tuple[Condition, ...]
    ofs: tuple[Scope, ...] = (Scope.NOTHING,)
    unit: str = ""
    read: Callable[..., object] | None = None
    level: LevelKind | None = None
    column: str = ""


class SubjectValues:
    """Reads the values of alert subjects from one chart."""

    def __init__(self, chart: Chart) -> None:
        self.chart = chart
        self._vwap: VwapSums | None = None

    def line(self, subject: Subject, value: int, end: int, at: int) -> LinePrice:
        """The price of a line for the period of bar `at`, computed from the bars before `end`; without a price, the reason."""
        entry = SUBJECTS[subject.kind]
        if subject.kind is SubjectKind.PRICE:
            return LinePrice(float(value))
        runs = self._bars_of(subject, end, at)
        if isinstance(runs, str):
            return LinePrice(None, runs)
        if not runs:
            before = subject.of in _BEFORE
            return LinePrice(
                None, f"no trades loaded for {_of_text(subject)}" if before else f"no bar of {_of_text(subject)} has closed yet"
            )
        assert entry.read is not None
        ticks = entry.read(self, subject, runs)
        return LinePrice(None, f"no value for {_of_text(subject)}") if not isinstance(ticks, (int, float)) else LinePrice(float(ticks))

    def levels(self, subject: Subject, bar: int) -> Int64Array:
        """Prices of a subject's naked levels that were active when a bar began, int64 in ticks."""
        levels, kind = self.chart.levels, SUBJECTS[subject.kind].level
        assert kind is not None
        levels.refresh()
        found = levels.columns((kind,), bar, bar + 1)
        return found["bottom"][found["period"] == PERIODS.index(_PERIOD_OF[subject.of])]

    def from_ns(self, subject: Subject) -> int | None:
        """The time from which the current price of a line needs trades; None if it needs none, its profile is gone or no bar is loaded."""
        series = self.chart.series
        if subject.of is Scope.NOTHING or not series.n_bars:
            return None
        if subject.of is Scope.PROFILE:
            placed = self.chart.anchors.get(subject.key)
            return None if placed is None else placed.start_ns
        return self._span(subject, series.n_bars - 1).start_ns

    def vwap(self, runs: SessionRuns, band: int) -> float | None:
        """The VWAP of some bars plus `band` standard deviations, in ticks; None if the bars are not consecutive."""
        (first, end), *others = runs
        if others:
            return None
        if self._vwap is None or self._vwap.series is not self.chart.series:
            self._vwap = VwapSums(self.chart.series)
        self._vwap.follow()
        price, deviation = self._vwap.between(*map(self.chart.series.index_of, (first, end)))
        return price + band * deviation

    def profile(self, subject: Subject, runs: SessionRuns) -> ProfileValues | None:
        """The profile of some bars, with its placed profile's settings, else the chart's value area settings; None without volume."""
        chart, area = self.chart, self.chart.rules.value_area
        placed = chart.anchors.get(subject.key) if subject.of is Scope.PROFILE else None
        layout = placed.inputs.rows if placed else RowLayout()
        percent, method = (placed.inputs.percent, placed.inputs.method) if placed else (area.percent, area.method)
        return chart.profiles.of_bars(runs, layout, percent, method)

    def _bars_of(self, subject: Subject, end: int, at: int) -> SessionRuns | str:
        """The bars from which a line is computed, or the reason why it cannot be computed, as text."""
        chart, series = self.chart, self.chart.series
        end_number = int(series.number[end - 1]) + 1 if end else 0
        if subject.of is Scope.PROFILE:
            placed = chart.anchors.get(subject.key)
            if placed is None:
                return f"profile {subject.key} is not on the chart"
            start_ns = placed.start_ns
            touched = chart.profiles.bars_of(placed.stretches)
            runs = [(first, end_number if last is None else min(end_number, last)) for first, last in touched]
        else:
            span = self._span(subject, at)
            start_ns = span.start_ns
            first, last = first_bar_at(series, start_ns), min(end, first_bar_at(series, span.end_ns))
            runs = [(int(series.number[first]), int(series.number[last - 1]) + 1)] if first < last else []
        if chart.asked_from_ns > max(start_ns, chart.oldest_ns):
            return f"trades of {_of_text(subject)} are still loading"
        return tuple(run for run in runs if run[0] < run[1])

    def _span(self, subject: Subject, at: int) -> Span:
        """The period that a subject's value covers: the period of bar `at`, or the one before it.

        A day's VWAP runs on after the close of the session; a day's POC, VAH and VAL cover the session itself.
        """
        hours, time_ns = self.chart.rules.hours, self.chart.series.start_ns(at)
        period, before = _PERIOD_OF[subject.of], subject.of in _BEFORE
        by_session = period is Period.DAY and subject.kind is not SubjectKind.VWAP
        division = hours.divisions if by_session else hours.from_start(period)
        if not before:
            return span_at(division, time_ns)
        if by_session and hours.rule is not None:  # skips the time between two sessions
            start_ns = span_at(division, time_ns).start_ns
            return [span for span in hours.sessions(Span(start_ns - _LONG_BREAK_NS, start_ns)) if span.end_ns <= start_ns][-1]
        return span_before(division, time_ns)


def value_in_steps(instrument: Instrument, spec: AlertSpec) -> int:
    """The value of an alert in ticks, lots or per cent; 0 if its subject needs no value.

    Raises
    ------
    BadInputError
        If the condition, period or profile does not apply to the subject, the value can never be reached, or it is not a whole number
        of ticks or lots.
    """
    entry = SUBJECTS[spec.subject.kind]
    if spec.when not in entry.whens or spec.subject.of not in entry.ofs:
        raise BadInputError(f"alert: found {spec.text}, expected one of {', '.join(when.text for when in entry.whens)}")
    if not entry.unit:
        return 0
    step = {"price": instrument.tick_size, "%": Decimal(1)}.get(entry.unit, instrument.lot_size)
    steps = _steps(step, spec.value)
    if not steps or (steps < 0 and entry.unit not in ("signed", "%")) or (entry.unit == "%" and abs(steps) > 100):
        wanted = {"price": "a price above 0", "quantity": "a quantity above 0", "signed": "a non-zero quantity"}
        raise BadInputError(f"alert: found {spec.value or 'no value'}, expected {wanted.get(entry.unit, '1 to 100 %, or negative')}")
    return steps


@lru_cache(maxsize=1 << 12)  # all alerts are grouped again each time one fires
def _steps(step: Decimal, value: str) -> int:
    try:
        Decimal(value)
        return int(to_steps([value], step, "value")[0])
    except InvalidOperation:
        return 0
    except OffGridError as error:
        raise BadInputError(f"alert: {error.user_message}") from None


def _of_text(subject: Subject) -> str:
    return f"profile {subject.key}" if subject.of is Scope.PROFILE else f"the {subject.of.text}"


def _poc(readings: SubjectValues, subject: Subject, runs: SessionRuns) -> int | None:
    figures = readings.profile(subject, runs)
    return figures.poc_ticks if figures else None


def _vah(readings: SubjectValues, subject: Subject, runs: SessionRuns) -> int | None:
    figures = readings.profile(subject, runs)
    return figures.vah_ticks if figures else None


def _val(readings: SubjectValues, subject: Subject, runs: SessionRuns) -> int | None:
    figures = readings.profile(subject, runs)
    return figures.val_ticks if figures else None


def _vwap(readings: SubjectValues, subject: Subject, runs: SessionRuns) -> float | None:
    return readings.vwap(runs, subject.band)


LINE_WHENS = (Condition.TOUCH, Condition.CROSS, Condition.CROSS_UP, Condition.CROSS_DOWN, Condition.CLOSE_ABOVE, Condition.CLOSE_BELOW)
_PERIODS = (Scope.DAY, Scope.WEEK, Scope.MONTH)
_BEFORE = (Scope.DAY_BEFORE, Scope.WEEK_BEFORE, Scope.MONTH_BEFORE)
_PERIOD_OF: dict[Scope, Period] = dict(zip((*_PERIODS, *_BEFORE), (Period.DAY, Period.WEEK, Period.MONTH) * 2, strict=True))
_PROFILES = (*_PERIODS, *_BEFORE, Scope.PROFILE)
_LONG_BREAK_NS = 10 * 86_400 * 10**9
"""Longer than any break between two sessions, with weekends and holidays."""
_NEW, _TOUCH, _REACH = (Condition.NEW,), (Condition.TOUCH,), (Condition.REACH,)

SUBJECTS: dict[SubjectKind, SubjectInfo] = {
    SubjectKind.PRICE: SubjectInfo(WatchKind.LINE, LINE_WHENS, unit="price"),
    SubjectKind.POC: SubjectInfo(WatchKind.LINE, LINE_WHENS, _PROFILES, read=_poc),
    SubjectKind.VAH: SubjectInfo(WatchKind.LINE, LINE_WHENS, _PROFILES, read=_vah),
    SubjectKind.VAL: SubjectInfo(WatchKind.LINE, LINE_WHENS, _PROFILES, read=_val),
    SubjectKind.VWAP: SubjectInfo(WatchKind.LINE, LINE_WHENS, _PROFILES, read=_vwap),
    SubjectKind.NAKED_POC: SubjectInfo(WatchKind.LEVELS, _TOUCH, _PERIODS, level=LevelKind.POC),
    SubjectKind.NAKED_VAH: SubjectInfo(WatchKind.LEVELS, _TOUCH, _PERIODS, level=LevelKind.VAH),
    SubjectKind.NAKED_VAL: SubjectInfo(WatchKind.LEVELS, _TOUCH, _PERIODS, level=LevelKind.VAL),
    SubjectKind.DELTA: SubjectInfo(WatchKind.RUNNING, _REACH, unit="signed", column="delta"),
    SubjectKind.VOLUME: SubjectInfo(WatchKind.RUNNING, _REACH, unit="quantity", column="volume"),
    SubjectKind.DELTA_PERCENT: SubjectInfo(WatchKind.EVENT, _REACH, unit="%", read=percent_of_delta),
    SubjectKind.STACKED_BUY: SubjectInfo(WatchKind.EVENT, _NEW, read=stacked(BUY)),
    SubjectKind.STACKED_SELL: SubjectInfo(WatchKind.EVENT, _NEW, read=stacked(SELL)),
    SubjectKind.UNFINISHED_HIGH: SubjectInfo(WatchKind.EVENT, _NEW, read=unfinished(high=True)),
    SubjectKind.UNFINISHED_LOW: SubjectInfo(WatchKind.EVENT, _NEW, read=unfinished(high=False)),
    SubjectKind.DIVERGENCE_UP: SubjectInfo(WatchKind.EVENT, _NEW, read=divergence(1)),
    SubjectKind.DIVERGENCE_DOWN: SubjectInfo(WatchKind.EVENT, _NEW, read=divergence(-1)),
}
"""All kinds of subject that an alert can have."""
