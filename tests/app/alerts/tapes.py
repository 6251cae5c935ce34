"""A market whose trades are scanned for alerts, for the tests of this folder."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from app.alerts.alert import AlertSpec, Condition, FiredAlert, Scope, Subject, SubjectKind, Trigger, UnmonitoredSpan
from app.alerts.alert_store import AlertStore
from app.alerts.watch import AlertWatch
from app.chart.chart import Chart, ChartSpec
from app.market.trade import TradeBatch
from app.settings.calculation import CalculationSettings
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import MARKET, spec
from tests.builders import SECOND_NS, START_NS


class Tape:
    """A chart with alerts that a test gives trades; it can be restarted like the program."""

    def __init__(
        self, book: AlertStore | None = None, chart_spec: ChartSpec | None = None, rules: CalculationSettings | None = None
    ) -> None:
        self.book, self.store, self.chart = book or AlertStore(), TradeStore(), Chart(chart_spec or spec(), rules)
        self.watch = AlertWatch(self.book, MARKET)
        self.book.log = deque(self.book.log)  # of any length

    def say(self, trades: TradeBatch, *, connects: int = 0) -> None:
        """Add live trades, and scan them for alerts."""
        self.chart.apply(fresh := self.store.insert(trades), self.store)
        self.watch.scan(fresh, self.chart, self.store, connects)
        self.watch.catch_up(self.chart, self.store)

    def fetch(self, trades: TradeBatch) -> None:
        """Insert older trades as a history download does, and scan them for missed alerts."""
        self.chart.apply(self.store.insert(trades), self.store)
        self.chart.holes = self.store.gaps()
        self.watch.catch_up(self.chart, self.store)

    def restart(self, path: Path) -> None:
        """Restart with the alerts of a file; the loaded trades stay."""
        self.book = AlertStore(path)
        self.book.log = deque(self.book.log)
        self.watch = AlertWatch(self.book, MARKET)

    @property
    def fired(self) -> list[FiredAlert]:
        return [entry for entry in self.book.log if isinstance(entry, FiredAlert)]

    @property
    def unwatched(self) -> list[UnmonitoredSpan]:
        return [entry for entry in self.book.log if isinstance(entry, UnmonitoredSpan)]

    @property
    def told(self) -> list[tuple[float, str]]:
        """Seconds since the start, and text, of each fired alert."""
        return [((fired.time_ns - START_NS) / SECOND_NS, fired.text.partition(" ")[2]) for fired in self.fired]


def price(ticks: int) -> str:
    return f"{ticks * MARKET.tick_size:f}"


def lots(count: int) -> str:
    return f"{count * MARKET.lot_size:f}"


def wish(
    kind: SubjectKind = SubjectKind.PRICE,
    when: Condition = Condition.TOUCH,
    value: str = "",
    often: Trigger = Trigger.EVERY_TIME,
    **subject: object,
) -> AlertSpec:
    return AlertSpec(subject=Subject(kind=kind, **subject), when=when, value=value, often=often)  # type: ignore[arg-type]


def every_wish(ticks: Iterable[int]) -> list[AlertSpec]:
    """Alerts of every kind that the oracle supports, at the given prices."""
    passes = (Condition.TOUCH, Condition.CROSS, Condition.CROSS_UP, Condition.CROSS_DOWN, Condition.CLOSE_ABOVE, Condition.CLOSE_BELOW)
    found = [wish(when=when, value=price(at), often=often) for at in ticks for when in passes for often in Trigger]
    for kind, of in (
        (SubjectKind.POC, Scope.DAY),
        (SubjectKind.VAH, Scope.DAY),
        (SubjectKind.VAL, Scope.DAY),
        (SubjectKind.VWAP, Scope.DAY),
        (SubjectKind.POC, Scope.DAY_BEFORE),
    ):
        found += [wish(kind, when, of=of) for when in passes]
    found += [wish(kind, of=Scope.DAY) for kind in (SubjectKind.NAKED_POC, SubjectKind.NAKED_VAH, SubjectKind.NAKED_VAL)]
    for value in (1, 4, 60):
        found += [wish(SubjectKind.VOLUME, Condition.REACH, lots(value)), wish(SubjectKind.DELTA, Condition.REACH, lots(value))]
        found += [wish(SubjectKind.DELTA, Condition.REACH, lots(-value)), wish(SubjectKind.DELTA_PERCENT, Condition.REACH, str(value))]
    found.append(wish(SubjectKind.DELTA_PERCENT, Condition.REACH, "-50"))
    events = (SubjectKind.STACKED_BUY, SubjectKind.STACKED_SELL, SubjectKind.UNFINISHED_HIGH, SubjectKind.UNFINISHED_LOW)
    found += [wish(kind, Condition.NEW, often=often) for kind in events for often in (Trigger.ONCE, Trigger.EVERY_TIME)]
    return found


assert Decimal(price(1)) == MARKET.tick_size
