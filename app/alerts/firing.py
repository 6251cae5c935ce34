"""Selects the matches of a scan that fire alerts: as often as the trigger allows, and never one that is already in the log."""

from __future__ import annotations

from collections.abc import Sequence

from app.alerts.alert import Alert, FiredAlert, Trigger
from app.alerts.alert_store import AlertStore
from app.alerts.scan import AlertMatch, AlertScan
from app.alerts.subjects import SUBJECTS, WatchKind
from app.chart.chart import Chart
from app.market.instrument import Instrument


class FiringPolicy:
    """Selects which matches of a scan fire the alerts of one market.

    Attributes
    ----------
    fired_bar : dict of int to (int, int)
        The bar in which each alert fired last, see `AlertScan.bar_key`.
    """

    def __init__(self, book: AlertStore, instrument: Instrument) -> None:
        self.fired_bar: dict[int, tuple[int, int]] = {}
        self._book, self._instrument = book, instrument
        self._done: set[int] = set()  # alerts that fired in this scan

    def begin(self) -> None:
        """Forget which alerts fired in the previous scan; call before each scan, after the alert store has recorded those firings."""
        self._done.clear()

    def select(self, scan: AlertScan, hits: Sequence[AlertMatch], *, late: bool, ending: str = "") -> list[FiredAlert]:
        """The firings for a scan's matches: as often as the trigger allows, not before the alert was armed, and not in the log yet."""
        fired: list[FiredAlert] = []
        for trade, alert, text in hits:
            note = f" ({alert.note})" if alert.note else ""
            one = FiredAlert(
                alert=alert.number,
                instrument=self._instrument.id,
                time_ns=int(scan.trades.time_ns[trade]),
                trade_id=int(scan.trades.trade_id[trade]),
                price_ticks=int(scan.trades.price_ticks[trade]),
                text=f"{self._instrument.id} {text}{ending}{note}",
                late=late,
                sound=alert.sound,
            )
            if one.time_ns < alert.armed_ns or self._is_spent(alert, one, scan, trade) or self._book.knows(one):
                continue
            fired.append(one)
            self._note_fired(alert, scan, trade)
        return fired

    def _is_spent(self, alert: Alert, fired: FiredAlert, scan: AlertScan, trade: int) -> bool:
        """True if an alert may not fire again in this scan (trigger once) or in this bar (once per bar, or on a running value)."""
        if alert.often is Trigger.ONCE:
            return alert.number in self._done
        if alert.often is Trigger.EVERY_TIME and SUBJECTS[alert.subject.kind].family is not WatchKind.RUNNING:
            return False
        in_bar = scan.bar_key(int(scan.bars[trade]))
        if self.fired_bar.get(alert.number) == in_bar:
            return True
        # live alerts go from bar to bar, and need the log only for firings before the program was started
        return (fired.late or alert.number not in self.fired_bar) and self._book.fired_in(
            alert.number, *_bar_around(scan.chart, fired.time_ns)
        )

    def _note_fired(self, alert: Alert, scan: AlertScan, trade: int) -> None:
        self._done.add(alert.number)
        self.fired_bar[alert.number] = scan.bar_key(int(scan.bars[trade]))


def _bar_around(chart: Chart, time_ns: int) -> tuple[int, int]:
    """Start and end, in ns, of the bar that contains a time; the last bar ends in the far future. Without bars, all times."""
    series = chart.series
    if not series.n_bars:
        return 0, 1 << 62
    number = min(series.times.number(time_ns), int(series.number[-1]))
    last = number == int(series.number[-1])
    return series.times.start_ns(number), 1 << 62 if last else series.times.start_ns(number + 1)
