"""A market whose trades are watched by alerts, for the tests of this folder."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from app.alerts.alert import Fired, Kind, Of, Often, Subject, Unwatched, When, Wish
from app.alerts.alert_store import AlertBook
from app.alerts.watch import AlertWatch
from app.chart.chart import Chart, ChartSpec
from app.market.trade import TradeBatch
from app.settings.calculation import ChartRules
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import MARKET, spec
from tests.builders import SECOND_NS, START_NS


class Tape:
    """A chart that trades come to, watched by alerts; the program may be closed and started again."""

    def __init__(self, book: AlertBook | None = None, chart_spec: ChartSpec | None = None, rules: ChartRules | None = None) -> None:
        self.book, self.store, self.chart = book or AlertBook(), TradeStore(), Chart(chart_spec or spec(), rules)
        self.watch = AlertWatch(self.book, MARKET)
        self.book.log = deque(self.book.log)  # of any length

    def say(self, trades: TradeBatch, *, connects: int = 0) -> None:
        """Live trades."""
        self.chart.apply(fresh := self.store.insert(trades), self.store)
        self.watch.look(fresh, self.chart, self.store, connects)
        self.watch.catch_up(self.chart, self.store)

    def fetch(self, trades: TradeBatch) -> None:
        """Trades of the past."""
        self.chart.apply(self.store.insert(trades), self.store)
        self.chart.holes = self.store.holes()
        self.watch.catch_up(self.chart, self.store)

    def restart(self, path: Path) -> None:
        """Another program opens the file; the trades so far are read from the disk before the first live one comes."""
        self.book = AlertBook(path)
        self.book.log = deque(self.book.log)
        self.watch = AlertWatch(self.book, MARKET)

    @property
    def fired(self) -> list[Fired]:
        return [entry for entry in self.book.log if isinstance(entry, Fired)]

    @property
    def unwatched(self) -> list[Unwatched]:
        return [entry for entry in self.book.log if isinstance(entry, Unwatched)]

    @property
    def told(self) -> list[tuple[float, str]]:
        """Seconds since the start, and what is told."""
        return [((fired.time_ns - START_NS) / SECOND_NS, fired.text.partition(" ")[2]) for fired in self.fired]


def price(ticks: int) -> str:
    return f"{ticks * MARKET.tick_size:f}"


def lots(count: int) -> str:
    return f"{count * MARKET.lot_size:f}"


def wish(kind: Kind = Kind.PRICE, when: When = When.TOUCH, value: str = "", often: Often = Often.EVERY_TIME, **subject: object) -> Wish:
    return Wish(subject=Subject(kind=kind, **subject), when=when, value=value, often=often)  # type: ignore[arg-type]


def every_wish(ticks: Iterable[int]) -> list[Wish]:
    """One of each kind that there is an oracle for, at some prices."""
    passes = (When.TOUCH, When.CROSS, When.CROSS_UP, When.CROSS_DOWN, When.CLOSE_ABOVE, When.CLOSE_BELOW)
    found = [wish(when=when, value=price(at), often=often) for at in ticks for when in passes for often in Often]
    for kind, of in ((Kind.POC, Of.DAY), (Kind.VAH, Of.DAY), (Kind.VAL, Of.DAY), (Kind.VWAP, Of.DAY), (Kind.POC, Of.DAY_BEFORE)):
        found += [wish(kind, when, of=of) for when in passes]
    found += [wish(kind, of=Of.DAY) for kind in (Kind.NAKED_POC, Kind.NAKED_VAH, Kind.NAKED_VAL)]
    for value in (1, 4, 60):
        found += [wish(Kind.VOLUME, When.REACH, lots(value)), wish(Kind.DELTA, When.REACH, lots(value))]
        found += [wish(Kind.DELTA, When.REACH, lots(-value)), wish(Kind.DELTA_PERCENT, When.REACH, str(value))]
    found.append(wish(Kind.DELTA_PERCENT, When.REACH, "-50"))
    events = (Kind.STACKED_BUY, Kind.STACKED_SELL, Kind.UNFINISHED_HIGH, Kind.UNFINISHED_LOW)
    found += [wish(kind, When.NEW, often=often) for kind in events for often in (Often.ONCE, Often.EVERY_TIME)]
    return found


assert Decimal(price(1)) == MARKET.tick_size
