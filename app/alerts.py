"""Alerts: conditions on prices and bars, watched trade by trade, and what has fired.

Rules, decided here:

- *touch*: the price of a trade is the level, or it lies between the prices of two trades that follow one another. Trades that
  stay at the level are one touch.
- *cross*: a trade lies on the other side of the level than the last trade that was not at it.
- *close above, below*: a bar that has ended closed strictly beyond the level.
- *delta*: the running delta of a bar reached the value (a negative value: fell to it). *volume*: a bar's volume reached it.
- *stacked*: a bar that has ended has a new zone of stacked imbalances.

Whether a condition fires does not depend on how trades are batched. What happened while nobody watched (the program was closed, the
line was down) is made up for from the trades once they have been fetched, and told as late; until then it is said since when.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np

from app.analytics.imbalance import zones_of
from app.chart import Chart
from app.errors import BadInputError, OffGridError, StoreError
from app.market.decimals import step_text, to_steps
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import BUY, TradeBatch
from app.storage.whole_file import write_whole

_MOST_FIRED = 1_000  # what the list of fired alerts keeps


class When(enum.Enum):
    """What an alert waits for; the value is the word shown and stored."""

    TOUCH = "touch"
    CROSS = "cross"
    CLOSE_ABOVE = "close above"
    CLOSE_BELOW = "close below"
    DELTA = "delta"
    VOLUME = "volume"
    STACKED = "stacked"


PRICES = (When.TOUCH, When.CROSS, When.CLOSE_ABOVE, When.CLOSE_BELOW)
"""Those whose value is a price."""


class Often(enum.Enum):
    """How often it fires."""

    ONCE = "once"
    ONCE_A_BAR = "once a bar"
    EVERY_TIME = "every time"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert.

    Attributes
    ----------
    number : int
        Its name in the list; never used again.
    instrument : str
    when : When
    value : str
        Price, or quantity for delta and volume, as a decimal; empty for stacked imbalances.
    often : Often
    note : str
        The user's own words.
    armed : bool
        False once it has fired and was to fire once.
    """

    number: int
    instrument: str
    when: When
    value: str = ""
    often: Often = Often.ONCE
    note: str = ""
    armed: bool = True


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that has fired.

    Attributes
    ----------
    alert : Alert
    time_ns : int
        Of the trade that fired it; of a bar that has ended, when the next one began.
    text : str
        In a line: what, where, at which price or figure.
    late : bool
        It happened while nobody watched.
    """

    alert: Alert
    time_ns: int
    text: str
    late: bool = False


class _Saved(msgspec.Struct, forbid_unknown_fields=True):
    """The file of alerts."""

    alerts: list[Alert] = []
    watched_ns: dict[str, int] = {}
    next_number: int = 1


class AlertBook:
    """All alerts of a user, kept in a file; watched for one market at a time.

    Parameters
    ----------
    path : Path or None
        None keeps nothing.

    Raises
    ------
    BadInputError
        If the file is there and cannot be read: it is left as it is.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.fired: list[Fired] = []
        """The last thousand, oldest first."""
        self.fired_count = 0
        """How many have fired since the start: whoever tells of them compares."""
        self.revision = 0
        """Grows when an alert is added, changed or deleted."""
        self.trouble = ""
        """Why the alerts could not be saved."""
        self._saved = _Saved()
        if path is not None and path.exists():
            try:
                self._saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
            except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise BadInputError(f"{path}: found no list of alerts ({' '.join(str(error).split())[:120]})") from None

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """Those that are there, in the order in which they were made."""
        return tuple(self._saved.alerts)

    def of(self, instrument_id: str) -> list[Alert]:
        """The armed alerts of a market."""
        return [alert for alert in self._saved.alerts if alert.armed and alert.instrument == instrument_id]

    def add(self, instrument: Instrument, when: When, value: Decimal | None, often: Often = Often.ONCE, note: str = "") -> Alert:
        """A new alert.

        Raises
        ------
        BadInputError
            If the value is no whole number of ticks or lots, or is missing.
        """
        text = "" if value is None else str(value)
        _steps(instrument, when, text)
        alert = Alert(number=self._saved.next_number, instrument=instrument.id, when=when, value=text, often=often, note=note[:200])
        self._saved.next_number += 1
        self._saved.alerts.append(alert)
        self.save()
        return alert

    def delete(self, number: int) -> None:
        """Forget an alert; nothing if it is gone already."""
        self._saved.alerts = [alert for alert in self._saved.alerts if alert.number != number]
        self.save()

    def rearm(self, number: int) -> None:
        """Let one that has fired once fire again."""
        self._saved.alerts = [
            msgspec.structs.replace(alert, armed=True) if alert.number == number else alert for alert in self._saved.alerts
        ]
        self.save()

    def watched_ns(self, instrument_id: str) -> int | None:
        """The time of the last trade of a market that was watched."""
        return self._saved.watched_ns.get(instrument_id)

    def note_watched(self, instrument_id: str, time_ns: int) -> None:
        """Up to when a market has been watched; saved with the next change, and by `save`."""
        self._saved.watched_ns[instrument_id] = time_ns

    def note_fired(self, fired: Fired) -> None:
        """Take note; an alert that was to fire once is disarmed."""
        self.fired = [*self.fired[-_MOST_FIRED + 1 :], fired]
        self.fired_count += 1
        self._log(fired)
        if fired.alert.often is Often.ONCE:
            self._saved.alerts = [
                msgspec.structs.replace(alert, armed=False) if alert.number == fired.alert.number else alert for alert in self._saved.alerts
            ]
        self.save()

    def _log(self, fired: Fired) -> None:
        """A line for each in `fired.jsonl` beside the list."""
        if self.path is None:
            return
        line = {"time_ns": fired.time_ns, "alert": fired.alert.number, "text": fired.text, "late": fired.late}
        try:
            with self.path.with_name("fired.jsonl").open("ab") as log:
                log.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            self.trouble = f"alerts are not logged: {error.strerror or error}"

    def save(self) -> None:
        """Write the file; what goes wrong is told by `trouble`."""
        self.revision += 1
        if self.path is None:
            return
        try:
            write_whole(self.path, msgspec.json.format(msgspec.json.encode(self._saved)))
            self.trouble = ""
        except StoreError as error:
            self.trouble = f"alerts are not saved: {error.user_message}"


class AlertWatch:
    """Watches the trades of one market for the alerts of a book.

    Parameters
    ----------
    book : AlertBook
    instrument : Instrument
    """

    def __init__(self, book: AlertBook, instrument: Instrument) -> None:
        self._book, self._instrument = book, instrument
        self._levels: dict[int, Level] = {}
        self._bar_done: dict[int, int] = {}  # alert number: the last bar in which it fired
        self._bars_seen: int | None = None  # number of the newest bar that had begun at the last look
        self._last_price: int | None = None
        self._ticks: tuple[int, tuple[int, ...]] = (-1, ())
        self._watched_ns = book.watched_ns(instrument.id)
        self.unwatched: Span | None = None
        """The time in which nobody watched, until its trades are there."""

    def look(self, fresh: TradeBatch, chart: Chart) -> None:
        """Live trades have come, which the chart shows already; in the order of the tape."""
        if not len(fresh):
            return
        first_ns, last_ns = int(fresh.time_ns[0]), int(fresh.time_ns.max())
        if self._last_price is None and self._watched_ns is not None and first_ns > self._watched_ns + 1:
            self.unwatched = Span(self._watched_ns + 1, first_ns)
        alerts = self._book.of(self._instrument.id)
        if alerts:
            self._look_at_prices(alerts, fresh, chart, late=False)
            self._look_at_bars(alerts, chart, last_ns)
        self._last_price = int(fresh.price_ticks[-1])
        self._bars_seen = int(chart.series.number[-1]) if chart.series.n_bars else None
        self._watched_ns = max(last_ns, self._watched_ns or 0)
        self._book.note_watched(self._instrument.id, self._watched_ns)
        chart.alert_ticks = self.ticks()

    def ticks(self) -> tuple[int, ...]:
        """The prices that armed alerts wait for, each once, ascending."""
        if self._ticks[0] != self._book.revision:
            alerts = [alert for alert in self._book.of(self._instrument.id) if alert.when in PRICES]
            self._ticks = (self._book.revision, tuple(sorted({_steps(self._instrument, alert.when, alert.value) for alert in alerts})))
        return self._ticks[1]

    def make_up(self, missed: TradeBatch, chart: Chart) -> None:
        """The trades of the time in which nobody watched are there: look at them now, and say that it is late."""
        alerts = self._book.of(self._instrument.id)
        if len(missed) and alerts:
            before, self._last_price = self._last_price, None
            self._look_at_prices(alerts, missed, chart, late=True)
            self._last_price = before
        self.unwatched = None

    def _look_at_prices(self, alerts: Sequence[Alert], fresh: TradeBatch, chart: Chart, *, late: bool) -> None:
        for alert in alerts:
            if alert.when not in (When.TOUCH, When.CROSS):
                continue
            level = _steps(self._instrument, alert.when, alert.value)
            if alert.when is When.TOUCH:
                hits = touches(fresh.price_ticks, level, self._last_price)
            else:
                hits = crossings(fresh.price_ticks, level, Level() if late else self._levels.setdefault(alert.number, Level()))
            times = fresh.time_ns[hits]
            if alert.often is Often.ONCE:
                times = times[:1]
            elif alert.often is Often.ONCE_A_BAR:
                times = self._one_a_bar(alert, times, chart)
            for time_ns in times.tolist():
                word = "touched" if alert.when is When.TOUCH else "crossed"
                self._fire(alert, time_ns, f"{self._instrument.id} {word} {alert.value}", late=late)

    def _one_a_bar(self, alert: Alert, times: np.ndarray, chart: Chart) -> np.ndarray:
        if not len(times):
            return times
        bars = chart.series.times.numbers(times)
        kept = np.concatenate(([True], bars[1:] != bars[:-1])) & (bars > self._bar_done.get(alert.number, -(1 << 62)))
        self._bar_done[alert.number] = int(bars[-1])
        return times[kept]

    def _look_at_bars(self, alerts: Sequence[Alert], chart: Chart, last_ns: int) -> None:
        """Bars that have ended since the last look, and the figures of those that have changed."""
        series, number = chart.series, chart.series.number
        if self._bars_seen is None or not series.n_bars:
            return
        first, last = int(np.searchsorted(number, self._bars_seen)), series.n_bars - 1
        for alert in alerts:
            for bar in range(first, last):  # those that have ended: hardly ever more than one
                if (text := self._of_closed_bar(alert, chart, bar)) is not None:
                    self._fire_of_bar(alert, chart, bar, series.start_ns(bar + 1), text)
            for bar in range(first, last + 1):
                if (text := self._of_growing_bar(alert, chart, bar)) is not None:
                    self._fire_of_bar(alert, chart, bar, last_ns, text)

    def _of_closed_bar(self, alert: Alert, chart: Chart, bar: int) -> str | None:
        series, name = chart.series, self._instrument.id
        if alert.when in (When.CLOSE_ABOVE, When.CLOSE_BELOW):
            level, close = _steps(self._instrument, alert.when, alert.value), int(series.close[bar])
            beyond = close > level if alert.when is When.CLOSE_ABOVE else close < level
            shown = step_text(close, self._instrument.tick_size)
            return f"{name} closed at {shown}, {alert.when.value[6:]} {alert.value}" if beyond else None
        if alert.when is When.STACKED:
            found = chart.figures.imbalances(bar, bar + 1)
            zones = zones_of(series, bar, bar + 1, found, chart.figures.rule.stacked)
            if len(zones.bar):
                low = step_text(int(zones.first_row[0]) * series.grid.ticks_per_row, self._instrument.tick_size)
                return f"{name} stacked {'buying' if zones.side[0] == BUY else 'selling'} imbalance from {low}"
        return None

    def _of_growing_bar(self, alert: Alert, chart: Chart, bar: int) -> str | None:
        series, name = chart.series, self._instrument.id
        if alert.when is When.DELTA:
            value = _steps(self._instrument, alert.when, alert.value)
            reached = int(series.delta_max[bar]) >= value if value > 0 else int(series.delta_min[bar]) <= value
            return f"{name} delta of a bar reached {alert.value}" if reached else None
        if alert.when is When.VOLUME and int(series.volume[bar]) >= _steps(self._instrument, alert.when, alert.value):
            return f"{name} volume of a bar reached {alert.value}"
        return None

    def _fire_of_bar(self, alert: Alert, chart: Chart, bar: int, time_ns: int, text: str) -> None:
        """A bar fires an alert once, however often it is to fire."""
        number = int(chart.series.number[bar])
        if number <= self._bar_done.get(alert.number, -(1 << 62)):
            return
        self._bar_done[alert.number] = number
        self._fire(alert, time_ns, text, late=False)

    def _fire(self, alert: Alert, time_ns: int, text: str, *, late: bool) -> None:
        if any(armed.number == alert.number for armed in self._book.of(self._instrument.id)):
            self._book.note_fired(Fired(alert, time_ns, f"{text}{f' ({alert.note})' if alert.note else ''}", late))


class Level:
    """What has to be remembered of a level from batch to batch: on which side of it the last trade was that was not at it."""

    __slots__ = ("side",)

    def __init__(self) -> None:
        self.side = 0


def touches(price_ticks: np.ndarray, level: int, last_price: int | None) -> np.ndarray:
    """Which trades begin a touch of a level, int64 indices; `last_price` is that of the trade before, if there was one."""
    before = np.concatenate(([price_ticks[0] if last_price is None else last_price], price_ticks[:-1]))
    touching = (np.minimum(before, price_ticks) <= level) & (level <= np.maximum(before, price_ticks))
    was_there = before == level  # a trade that stays, or that leaves, begins nothing
    was_there[0] &= last_price is not None
    return np.flatnonzero(touching & ~was_there)


def crossings(price_ticks: np.ndarray, level: int, state: Level) -> np.ndarray:
    """Which trades are the first on the other side of a level, int64 indices; `state` goes on from batch to batch."""
    off = np.flatnonzero(price_ticks != level)
    if not len(off):
        return off
    side = np.sign(price_ticks[off] - level)
    before = np.concatenate(([state.side or side[0]], side[:-1]))
    state.side = int(side[-1])
    return off[side != before]


def _steps(instrument: Instrument, when: When, value: str) -> int:
    """An alert's value in ticks or lots; 0 for those without one.

    Raises
    ------
    BadInputError
        If it is none.
    """
    if when is When.STACKED:
        return 0
    is_quantity = when in (When.DELTA, When.VOLUME)
    try:
        steps = to_steps([value], instrument.lot_size if is_quantity else instrument.tick_size, "value")
    except OffGridError as error:
        raise BadInputError(f"alert: {error.user_message}") from None
    if not steps[0] or (steps[0] < 0 and when is not When.DELTA):
        raise BadInputError(f"alert: found {value or 'no value'}, expected {'a quantity' if is_quantity else 'a price'} above 0")
    return int(steps[0])
