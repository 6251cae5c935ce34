"""Alerts computed slowly and simply: for each trade, everything again from the list of all earlier trades."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from app.alerts.alert import Alert, Condition, Scope, SubjectKind, Trigger
from tests.oracles.imbalances import imbalanced_rows, stacked_runs
from tests.oracles.value_areas import point_of_control, value_area

DAY_NS = 86_400 * 10**9


class Print(NamedTuple):
    """A trade."""

    time_ns: int
    price: int
    lots: int
    side: int


class SlowAlert:
    """One alert that is given each trade in turn.

    Parameters
    ----------
    alert : Alert
    steps : int
        The value of the alert in ticks, lots or per cent.
    bar_ns, percent, rule
        Bar length, value area and imbalance rule of the chart, whose rows are one tick high.
    """

    def __init__(self, alert: Alert, steps: int, bar_ns: int, percent: int, rule) -> None:
        self.alert, self.steps, self.bar_ns, self.percent, self.rule = alert, steps, bar_ns, percent, rule
        self.past: list[Print] = []
        self.side, self.side_at = 0, None
        self.fired_bar = None
        self.spent = False
        self.naked_done: set[tuple[int, int]] = set()

    def tell(self, trade: Print) -> int:
        """Add a trade; return how many times it fires the alert."""
        hits = self._hits(trade)
        self.past.append(trade)
        bar = trade.time_ns // self.bar_ns
        if hits and self.alert.often is Trigger.ONCE:
            hits = 0 if self.spent else 1
            self.spent = True
        elif hits and self.alert.often is Trigger.ONCE_A_BAR:
            hits = 0 if self.fired_bar == bar else 1
            self.fired_bar = bar
        return hits

    def _hits(self, trade: Print) -> int:
        bar, begins = trade.time_ns // self.bar_ns, bool(self.past) and self.past[-1].time_ns // self.bar_ns < trade.time_ns // self.bar_ns
        kind, when = self.alert.subject.kind, self.alert.when
        in_bar = [past for past in self.past if past.time_ns // self.bar_ns == bar]
        if when in (Condition.TOUCH, Condition.CROSS, Condition.CROSS_UP, Condition.CROSS_DOWN) and not kind.value.startswith("naked"):
            before = [past for past in self.past if past.time_ns // self.bar_ns < bar]
            return self._passes(trade.price, self._line(before, bar))
        if when in (Condition.CLOSE_ABOVE, Condition.CLOSE_BELOW):
            if not begins:
                return 0
            line, close = self._line(self.past, self.past[-1].time_ns // self.bar_ns), self.past[-1].price
            return int(line is not None and (close > line if when is Condition.CLOSE_ABOVE else close < line))
        if kind is SubjectKind.VOLUME:
            before = sum(past.lots for past in in_bar)
            return int(before < self.steps <= before + trade.lots)
        if kind is SubjectKind.DELTA:
            return self._delta(in_bar, trade)
        if kind.value.startswith("naked"):
            return self._naked(trade, in_bar, bar)
        ended = [past for past in self.past if past.time_ns // self.bar_ns == self.past[-1].time_ns // self.bar_ns] if begins else []
        return int(bool(ended) and self._left_behind(ended))

    def _passes(self, price: int, line: float | None) -> int:
        if line is None:
            return 0
        before = self.past[-1].price if self.past else None
        if self.alert.when is Condition.TOUCH:
            if before is None:
                return int(price == line)
            return int(before != line and min(before, price) <= line <= max(before, price))
        if before is not None and before != line:
            self.side = 1 if before > line else -1
        elif self.side_at != line:
            self.side = 0
        self.side_at = line
        if price == line:
            return 0
        side, self_side = 1 if price > line else -1, self.side
        self.side = side
        wanted = {Condition.CROSS: (1, -1), Condition.CROSS_UP: (1,), Condition.CROSS_DOWN: (-1,)}[self.alert.when]
        return int(self_side == -side and side in wanted)

    def _line(self, trades: list[Print], bar: int) -> float | None:
        subject = self.alert.subject
        if subject.kind is SubjectKind.PRICE:
            return self.steps
        day = bar * self.bar_ns // DAY_NS - (subject.of is Scope.DAY_BEFORE)
        inside = [trade for trade in trades if trade.time_ns // self.bar_ns * self.bar_ns // DAY_NS == day]
        if not inside:
            return None
        if subject.kind is SubjectKind.VWAP:
            volume = sum(trade.lots for trade in inside)
            return float(Fraction(sum(trade.price * trade.lots for trade in inside), volume))
        poc, low, high = self._area(inside)
        return {SubjectKind.POC: poc, SubjectKind.VAH: high, SubjectKind.VAL: low}[subject.kind]

    def _area(self, trades: list[Print]) -> tuple[int, int, int]:
        bottom, top = min(trade.price for trade in trades), max(trade.price for trade in trades)
        rows = [sum(trade.lots for trade in trades if trade.price == price) for price in range(bottom, top + 1)]
        low, high = value_area(rows, self.percent, "dalton")
        return bottom + point_of_control(rows), bottom + low, bottom + high

    def _delta(self, in_bar: list[Print], trade: Print) -> int:
        running, reached = 0, []
        for past in [*in_bar, trade]:
            running += past.lots * past.side
            reached.append(running >= self.steps if self.steps > 0 else running <= self.steps)
        return int(reached[-1] and not any(reached[:-1]))

    def _naked(self, trade: Print, in_bar: list[Print], bar: int) -> int:
        """The number of naked levels of finished days that the range of this bar contains only since this trade."""
        days: dict[int, list[Print]] = {}
        bars: dict[int, list[int]] = {}
        for past in self.past:
            number = past.time_ns // self.bar_ns
            days.setdefault(number * self.bar_ns // DAY_NS, []).append(past)
            bars.setdefault(number, []).append(past.price)
        hits = 0
        for day, trades in days.items():
            if day >= bar * self.bar_ns // DAY_NS:
                continue
            poc, low, high = self._area(trades)
            level = {SubjectKind.NAKED_POC: poc, SubjectKind.NAKED_VAH: high, SubjectKind.NAKED_VAL: low}[self.alert.subject.kind]
            later = [prices for number, prices in bars.items() if number * self.bar_ns // DAY_NS > day and number < bar]
            if any(min(prices) <= level <= max(prices) for prices in later):
                continue
            now, then = [past.price for past in [*in_bar, trade]], [past.price for past in in_bar]
            hits += int(min(now) <= level <= max(now) and not (then and min(then) <= level <= max(then)))
        return hits

    def _left_behind(self, ended: list[Print]) -> bool:
        kind = self.alert.subject.kind
        delta, volume = sum(past.lots * past.side for past in ended), sum(past.lots for past in ended)
        if kind is SubjectKind.DELTA_PERCENT:
            return 100 * delta >= self.steps * volume if self.steps > 0 else 100 * delta <= self.steps * volume
        bottom, top = min(past.price for past in ended), max(past.price for past in ended)
        buy, sell = (
            [sum(past.lots for past in ended if past.price == price and past.side == side) for price in range(bottom, top + 1)]
            for side in (1, -1)
        )
        if kind in (SubjectKind.UNFINISHED_HIGH, SubjectKind.UNFINISHED_LOW):
            row = -1 if kind is SubjectKind.UNFINISHED_HIGH else 0
            return buy[row] > 0 and sell[row] > 0
        marks = imbalanced_rows(buy, sell, self.rule)
        return bool(stacked_runs(marks[0] if kind is SubjectKind.STACKED_BUY else marks[1], self.rule.stacked))
