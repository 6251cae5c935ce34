"""The alert scan of one market: live trades on arrival, missed trades once they are loaded."""

from __future__ import annotations

import msgspec
import numpy as np

from app.alerts.alert import Alert, FiredAlert, MissedRange, ScanProgress, UnmonitoredSpan
from app.alerts.alert_store import AlertStore
from app.alerts.armed_alerts import ArmedAlerts
from app.alerts.crossings import bars_of
from app.alerts.firing import FiringPolicy
from app.alerts.missed_trades import (
    batch_of,
    first_trade,
    is_ready,
    is_unrecoverable,
    missed_trades,
    next_batch_size,
    progress_after,
    split_at_gaps,
)
from app.alerts.scan import AlertMatch, AlertScan, line_label
from app.alerts.subjects import SUBJECTS, LinePrice, SubjectValues, WatchKind
from app.chart.chart import AlertLine, Chart
from app.market.instrument import Instrument
from app.market.times import clock_text, short_date_text
from app.market.trade import TradeBatch, concatenate
from app.storage.trade_store import TradeStore

_LOST = "the connection was lost"
_PATIENCE_NS = 60_000_000_000
"""Time to wait for missed trades before the crossings that are certain without them are reported."""


class AlertWatch:
    """Scans the trades of one market for alerts while the market is open.

    Parameters
    ----------
    book : AlertStore
    instrument : Instrument

    Attributes
    ----------
    looks : int
        Number of scans of live trades so far: a count of work for the tests.
    """

    def __init__(self, book: AlertStore, instrument: Instrument) -> None:
        self.looks = 0
        self._book, self._instrument = book, instrument
        self._reached = book.reached(instrument.id)
        self._missed = [msgspec.structs.replace(missed, open=False) for missed in book.missed_ranges(instrument.id)]
        self._why = "another market was open" if instrument.id in book.opened else "Tapeprint was not running"
        book.opened.add(instrument.id)
        self._connects: int | None = None
        self._readings: SubjectValues | None = None
        self._armed: tuple[int, ArmedAlerts] | None = None
        self._unknown: dict[int, str] = {}
        self._drawn: tuple[tuple[object, ...], tuple[AlertLine, ...]] = ((), ())
        self._firing = FiringPolicy(book, instrument)
        self._seam: tuple[int, dict[int, int]] = 0, {}  # key of the trade after the last missed range, and the side of each line at its end

    @property
    def missed_ranges(self) -> tuple[MissedRange, ...]:
        """The ranges of missed trades that are still to be scanned, oldest first."""
        return tuple(self._missed)

    @property
    def reached(self) -> ScanProgress | None:
        """The scan progress of the market: its last scanned trade; None if no trade has been scanned."""
        return self._reached

    @property
    def pending(self) -> str:
        """One line about missed trades still to be checked; empty if there are none."""
        seconds = sum(missed.until_ns - missed.start_ns for missed in self._missed) / 1e9
        long = f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} min"
        return f"alerts: {long} of trades still to check" if self._missed else ""

    def scan(self, fresh: TradeBatch, chart: Chart, store: TradeStore, connects: int = 0, *, settled: bool = True) -> None:
        """Scan live trades and record the alerts that fire; store and chart must have the trades already.

        The trades must be in the order of the tape.

        Parameters
        ----------
        connects : int
            Number of times the feed has connected so far.
        settled : bool
            True if store and chart have the same trades, so that missed trades may be scanned.
        """
        if not len(fresh):
            return
        at_start, before = self._connects is None, self._reached
        why = self._why if at_start else _LOST if connects != self._connects else "trades were missing"
        self._connects = connects
        if not self.armed.alerts and not self._missed:
            if before is not None and store.keys(fresh)[-1] < before.key:
                return
            self._reached = progress_after(fresh, store)
            self._book.note_reached(self._instrument.id, self._reached, (), [])
            return
        bars, begins = bars_of(chart, fresh, before, at_end=True)
        for piece, follows in split_at_gaps(fresh, before, store, at_start=at_start):
            self._firing.begin()
            trades, before = fresh[piece], self._reached
            if before is not None and store.keys(trades)[-1] < before.key:  # reported late, between trades that were scanned already
                scanned = self._late(trades, None, chart, store)
                fired = self._firing.select(scanned, scanned.hits()[0], late=True)
            else:
                if before is not None:
                    self._note_gap(before, trades, store, why, at_start=at_start, follows=follows)
                    if not follows and settled:
                        self.catch_up(chart, store)  # older trades first
                at_start, why = False, "trades were missing"
                scanned = AlertScan(
                    trades,
                    bars[piece],
                    begins[piece],
                    before,
                    self._readings_of(chart),
                    store,
                    self.armed,
                    piece.start,
                    self._firing.fired_bar,
                )
                fired = self._firing.select(scanned, self._scan_next(scanned, follows), late=False)
                self._extend_open_range(trades, store)
            self._book.note_reached(self._instrument.id, self._reached, self.missed_ranges, fired)

    def catch_up(self, chart: Chart, store: TradeStore) -> None:
        """Scan missed trades that are loaded by now, some bars at a time; log the ranges whose trades are unavailable.

        Store and chart must have the same trades. If trades of a range are still missing 60 s later, the alerts fire whose lines the price
        must have crossed meanwhile.
        """
        for missed in self.missed_ranges:
            self._firing.begin()
            fired: list[FiredAlert] = []
            trades = missed_trades(missed, store, chart) if is_ready(missed, chart, self._lines_from_ns(chart)) else None
            if trades is not None:
                fired = self._scan_missed(missed, trades, chart, store)
            elif is_unrecoverable(missed, store, chart):
                self._replace(missed, None)
                self._log_unwatched(missed.start_ns, missed.until_ns, missed.why, "trades unavailable, never checked")
            elif not missed.told and self._reached is not None and self._reached.time_ns - missed.until_ns > _PATIENCE_NS:
                fired = self._report_certain(missed, chart, store)
            else:
                continue
            self._book.note_reached(self._instrument.id, self._reached, self.missed_ranges, fired)

    def lines(self, chart: Chart) -> tuple[AlertLine, ...]:
        """The lines of the armed alerts, by ascending price at the start of the bar in progress; lines without a price are left out."""
        armed, readings, last = self.armed, self._readings_of(chart), chart.series.n_bars - 1
        key = self._book.revision, *armed.key(readings, last)
        if key != self._drawn[0]:
            standing = armed.active_lines(readings, last)
            self._unknown = dict(standing.unknown)
            found = list(zip(standing.ticks.tolist(), standing.waiting, strict=True))
            for one in armed.closes:
                line = readings.line(one.alert.subject, one.steps, last, last) if last >= 0 else LinePrice(None, "no bars loaded")
                if line.ticks is None:
                    self._unknown[one.alert.number] = line.why
                else:
                    found.append((line.ticks, one))
            drawn = (AlertLine(ticks, line_label(one, self._instrument, ticks), one.alert.number, one.steps == 0) for ticks, one in found)
            self._drawn = key, tuple(sorted(drawn, key=lambda line: (line.ticks, line.alert)))
        return self._drawn[1]

    def wants_from_ns(self, chart: Chart) -> int | None:
        """The time from which the armed alerts need trades; None if they need none.

        Trades are needed for the alerts' lines and for missed ranges.
        """
        begins = [self._lines_from_ns(chart), *(missed.before.time_ns for missed in self._missed)]
        return min((begin for begin in begins if begin is not None), default=None)

    def why_not(self, alert: Alert, chart: Chart) -> str:
        """The reason why an armed alert cannot fire now; empty if it can."""
        if chart.refused and SUBJECTS[alert.subject.kind].family is not WatchKind.LINE:
            return chart.refused
        if alert.number in self._unknown:
            return self._unknown[alert.number]
        if SUBJECTS[alert.subject.kind].family is WatchKind.LEVELS and chart.levels.refresh():
            return "still computing levels"
        return ""

    def partly(self, alert: Alert, chart: Chart) -> str:
        """A note with the time at which the data of an alert's line begins; empty if the data is complete or the alert has no line."""
        from_ns, series = self._readings_of(chart).from_ns(alert.subject), chart.series
        is_line = SUBJECTS[alert.subject.kind].family is WatchKind.LINE
        if (
            from_ns is None
            or not is_line
            or series.times.start_ns(int(series.number[0])) <= series.times.start_ns(series.times.number(from_ns))
        ):
            return ""
        start_ns = series.start_ns(0)
        return f"data from {short_date_text(start_ns)} {clock_text(start_ns, seconds=False)}"

    def use(self, instrument: Instrument) -> None:
        """Switch to the tick and lot size of an instrument; alerts do not change, because they are in prices and base units."""
        self._instrument, self._armed = instrument, None
        self._firing = FiringPolicy(self._book, instrument)

    @property
    def armed(self) -> ArmedAlerts:
        """The armed alerts, grouped once for each revision of the alert store."""
        if self._armed is None or self._armed[0] != self._book.revision:
            self._armed = self._book.revision, ArmedAlerts(self._book.of(self._instrument.id), self._instrument)
        return self._armed[1]

    # -- scanning --------------------------------------------------------------------------------

    def _scan_next(self, scanned: AlertScan, follows: bool) -> list[AlertMatch]:
        """Scan consecutive live trades, advance the scan progress and return the matches.

        After a gap, the path of prices begins at the first of these trades: whether that trade reached a line or ended a bar is found
        when the missing trades are scanned.
        """
        if scanned.before is not None and not follows:
            first = scanned.trades[:1]
            key, sides = self._seam
            sides = sides if key == int(scanned.store.keys(first)[0]) else {}
            scanned.before = ScanProgress(key=0, time_ns=int(first.time_ns[0]), price_ticks=int(first.price_ticks[0]), sides=sides)
            scanned.begins = np.concatenate(([False], scanned.begins[1:]))
        hits, sides = scanned.hits()
        self.looks += 1
        self._reached = progress_after(scanned.trades, scanned.store, sides)
        return hits

    def _late(self, trades: TradeBatch, before: ScanProgress | None, chart: Chart, store: TradeStore) -> AlertScan:
        bars, begins = bars_of(chart, trades, before, at_end=False)
        return AlertScan(
            trades, bars, begins, before, self._readings_of(chart), store, ArmedAlerts(self._book.of(self._instrument.id), self._instrument)
        )

    # -- missed trades ---------------------------------------------------------------------------

    def _note_gap(self, before: ScanProgress, trades: TradeBatch, store: TradeStore, why: str, *, at_start: bool, follows: bool) -> None:
        """Add a missed range to scan later, or log a lost connection during which no trades were missed.

        Does nothing if no alert is armed, or while an open range includes these trades. After a start, a range is added even if no trade
        is missing: the chart may not have the earlier bars yet.
        """
        if not self._book.of(self._instrument.id) or any(missed.open for missed in self._missed):
            return
        if at_start or not follows:
            after, key = first_trade(trades), int(store.keys(trades)[0])
            found = MissedRange(before=before, after=after, end_key=key, end=after, start_ns=before.time_ns, why=why, open=at_start)
            self._missed.append(found)
        elif why == _LOST:
            self._log_unwatched(before.time_ns, int(trades.time_ns[0]), why, "no trades missed")

    def _extend_open_range(self, trades: TradeBatch, store: TradeStore) -> None:
        """Extend the open missed range, if there is one, to the last of these live trades."""
        for missed in self.missed_ranges:
            if missed.open:
                end_key, end = int(store.keys(trades)[-1]), first_trade(trades[-1:])
                self._replace(missed, msgspec.structs.replace(missed, end_key=end_key, end=end))

    def _scan_missed(self, missed: MissedRange, trades: TradeBatch, chart: Chart, store: TradeStore) -> list[FiredAlert]:
        """Scan the trades of a missed range, or the first part of them if they are many; return the alerts that fired.

        The last part ends with the trade after the range, which completes the path of prices.
        """
        count = next_batch_size(trades, chart)
        whole = count == len(trades)
        part = concatenate((trades[:count], batch_of(missed.end), self._resting(missed, store))) if whole else trades[:count]
        scanned = self._late(part, missed.before, chart, store)
        hits, sides = scanned.hits()
        fired = self._firing.select(scanned, hits, late=True)
        looked, n_fired = missed.looked + count, missed.fired + len(fired)
        if whole:
            outcome = (
                f"{looked:,} missed trades checked, {n_fired:,} alert{'' if n_fired == 1 else 's'} fired" if looked else "no trades missed"
            )
            self._replace(missed, None)
            self._seam = missed.end_key, sides
            self._log_unwatched(missed.start_ns, missed.until_ns, missed.why, outcome)
        else:
            before = progress_after(part, store, sides)
            self._replace(missed, msgspec.structs.replace(missed, before=before, looked=looked, fired=n_fired, open=False))
        return fired

    def _resting(self, missed: MissedRange, store: TradeStore) -> TradeBatch:
        """The scanned trades after a missed range, up to and including the first with another price than the trade that ends the range.

        The lines that they cross are known only together with the missed trades.
        """
        after = store.in_order(store.trades(missed.end[0]))
        keys, reached = store.keys(after), self._reached
        after = after[(keys > missed.end_key) & (keys <= (reached.key if reached else missed.end_key))]
        elsewhere = np.flatnonzero(after.price_ticks != missed.end[1])
        return after[: int(elsewhere[0]) + 1] if len(elsewhere) else after

    def _report_certain(self, missed: MissedRange, chart: Chart, store: TradeStore) -> list[FiredAlert]:
        """Log that a missed range is not fully checked; return the firings for lines between the prices before and after it.

        The price must have crossed these lines.
        """
        self._replace(missed, msgspec.structs.replace(missed, told=True))
        after = batch_of(missed.after)
        scanned = self._late(after, missed.before, chart, store)
        scanned.armed, scanned.begins = scanned.armed.lines_alone(), np.zeros(1, bool)
        outcome = "not fully checked: trades unavailable; lines crossed between the prices before and after were reported"
        self._log_unwatched(missed.start_ns, missed.until_ns, missed.why, outcome)
        return self._firing.select(scanned, scanned.hits()[0], late=True, ending=" (earlier, exact time unknown)")

    def _replace(self, missed: MissedRange, instead: MissedRange | None) -> None:
        place = self._missed.index(missed)
        self._missed[place : place + 1] = [] if instead is None else [instead]

    def _log_unwatched(self, start_ns: int, end_ns: int, why: str, outcome: str) -> None:
        if self._book.of(self._instrument.id):
            entry = UnmonitoredSpan(instrument=self._instrument.id, start_ns=start_ns, end_ns=end_ns, why=why, outcome=outcome)
            self._book.note_unwatched(entry)

    # -- private ---------------------------------------------------------------------------------

    def _lines_from_ns(self, chart: Chart) -> int | None:
        readings = self._readings_of(chart)
        subjects = {one.alert.subject for one in (*self.armed.moving, *self.armed.closes)}
        return min((from_ns for subject in subjects if (from_ns := readings.from_ns(subject)) is not None), default=None)

    def _readings_of(self, chart: Chart) -> SubjectValues:
        if self._readings is None or self._readings.chart is not chart:
            self._readings = SubjectValues(chart)
        return self._readings
