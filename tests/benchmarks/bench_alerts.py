"""Compare the cost of a batch of live trades with 1,000 alerts and with none: medians of batches that alternate."""

from __future__ import annotations

import time

import numpy as np
import pytest

from app.alerts.alert import AlertSpec, Condition, Scope, Subject, SubjectKind, Trigger
from app.alerts.alert_store import AlertStore
from app.alerts.watch import AlertWatch
from app.chart.chart import Chart, ChartSpec
from app.market.bar_rule import parse_bar_rule
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore
from tests.app.chart.test_chart import MARKET
from tests.builders import SECOND_NS, random_trades

_HOURS, _TRADES, _BATCHES, _ALERTS = 6, 60_000, 200, 1_000
_MOST_US = 1_000  # half of what a batch of a thousand trades may cost, with a margin for a busy machine


class Live:
    """A market with some hours of trades and alerts, which takes one batch after another."""

    def __init__(self, wishes: list[AlertSpec]) -> None:
        self.store, self.chart, book = TradeStore(), Chart(ChartSpec(MARKET, parse_bar_rule("1m"), 10)), AlertStore()
        self.watch = AlertWatch(book, MARKET)
        trades = random_trades(3, _TRADES, seconds=_HOURS * 3_600, price=100_000, spread=400)
        self.chart.apply(self.store.insert(trades), self.store)
        self.watch.scan(trades[-1:], self.chart, self.store)
        for wish in wishes:
            book.add(MARKET, wish)
        self.price, self.last_ns, self.next_id = int(trades.price_ticks[-1]), int(trades.time_ns[-1]), len(trades) + 1
        self.rng = np.random.default_rng(1)

    def batch(self, size: int) -> tuple[float, float]:
        """Add a batch of trades; return the seconds that the chart and the alerts take."""
        prices = self.price + self.rng.integers(-3, 4, size)
        times = self.last_ns + np.arange(1, size + 1) * (SECOND_NS // 4 // size)
        self.last_ns = int(times[-1])
        ids = np.arange(self.next_id, self.next_id + size)
        self.next_id += size
        trades = TradeBatch.of(times, prices, self.rng.integers(1, 9, size), self.rng.choice((-1, 1), size), ids)
        begin = time.perf_counter()
        self.chart.apply(self.store.insert(trades), self.store)
        between = time.perf_counter()
        self.watch.scan(trades, self.chart, self.store)
        self.watch.catch_up(self.chart, self.store)
        return between - begin, time.perf_counter() - between


def prices(count: int) -> list[AlertSpec]:
    """Price alerts, half above and half below the trades to come, which fire none of them."""
    return [
        AlertSpec(value=f"{(100_000 + (600 + place) * (-1) ** place) * MARKET.tick_size:f}", often=Trigger.EVERY_TIME)
        for place in range(count)
    ]


def of_all_kinds(count: int) -> list[AlertSpec]:
    """Alerts on prices, on moving lines, on closes, and on values of bars."""
    lines = [
        AlertSpec(subject=Subject(kind=kind, of=Scope.DAY), when=Condition.CLOSE_ABOVE)
        for kind in (SubjectKind.POC, SubjectKind.VAH, SubjectKind.VAL)
    ]
    lines += [
        AlertSpec(subject=Subject(kind=SubjectKind.VWAP, of=Scope.DAY, band=band), when=Condition.CROSS, often=Trigger.ONCE_A_BAR)
        for band in (-2, -1, 1, 2)
    ]
    bars = [
        AlertSpec(subject=Subject(kind=SubjectKind.VOLUME), when=Condition.REACH, value="99999999"),
        AlertSpec(subject=Subject(kind=SubjectKind.STACKED_BUY), when=Condition.NEW),
    ]
    return [*prices(count // 2), *(lines + bars) * (count // 2 // len(lines + bars))]


@pytest.mark.parametrize("kinds", [prices, of_all_kinds])
@pytest.mark.parametrize("size", [1, 20, 1_000])
def test_a_thousand_alerts_against_none(size: int, kinds) -> None:
    none, many = Live([]), Live(kinds(_ALERTS))
    costs = np.array([(*none.batch(size), *many.batch(size)) for _ in range(_BATCHES)])
    chart, bare, _, full = (1e6 * np.median(costs, axis=0)).tolist()
    worst = 1e6 * float(np.quantile(costs[:, 3], 0.99))
    print(
        f"\nbatch of {size:,}, 1,000 alerts ({kinds.__name__}): watch {full:.0f} us (p99 {worst:.0f}) against {bare:.0f} us with none, "
        f"ratio {full / bare:.2f}; with the chart {(chart + full) / (chart + bare):.2f}"
    )
    assert full < _MOST_US
