"""One scan of consecutive trades for the conditions of armed alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from app.alerts.alert import Alert, Condition, ScanProgress, SubjectKind, Trigger
from app.alerts.armed_alerts import ArmedAlert, ArmedAlerts
from app.alerts.crossings import crossings, touches, trades_of_bar
from app.alerts.subjects import SUBJECTS, SubjectValues
from app.chart.chart import Chart
from app.market.arrays import BoolArray, Int64Array
from app.market.decimals import decimal_places, step_text
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from app.storage.trade_store import TradeStore

_SIGN = {Condition.CROSS_UP: 1, Condition.CROSS_DOWN: -1}
_WORD = {1: " from below", -1: " from above"}


class AlertMatch(NamedTuple):
    """A trade, by index, at which the condition of an alert is met, and the text to show."""

    trade: int
    alert: Alert
    text: str


@dataclass(slots=True)
class AlertScan:
    """A scan of consecutive trades for the conditions of the armed alerts.

    Attributes
    ----------
    trades : TradeBatch
        In the order of the tape, without gaps.
    bars, begins : int64, bool [shape=(n,)]
        See `crossings.bars_of`.
    before : ScanProgress or None
        The trade before the first of them; None if there was none.
    readings : SubjectValues
        Of a chart that has these trades already.
    store : TradeStore
    armed : ArmedAlerts
    part : int
        Index at which these trades begin in the batch that was received; the totals of the bar include the complete batch.
    fired_bar : mapping of int to (int, int), or None
        The bar in which each alert fired last, see `bar_key`. Given for live trades: an alert that does not fire every time then needs
        only its first match in a bar.
    """

    trades: TradeBatch
    bars: Int64Array
    begins: BoolArray
    before: ScanProgress | None
    readings: SubjectValues
    store: TradeStore
    armed: ArmedAlerts
    part: int = 0
    fired_bar: Mapping[int, tuple[int, int]] | None = None

    @property
    def chart(self) -> Chart:
        """The chart that the values of the subjects are read from."""
        return self.readings.chart

    def hits(self) -> tuple[list[AlertMatch], dict[int, int]]:
        """The matches, sorted by trade and alert number, and the `ScanProgress.sides` after the last trade."""
        price, sides = (self.before.price_ticks, self.before.sides) if self.before else (None, {})
        found: list[AlertMatch] = []
        edges = [0, *(np.flatnonzero(np.diff(self.bars)) + 1).tolist(), len(self.trades)]
        for start, end in pairwise(edges):
            bar = int(self.bars[start])
            if self.begins[start] and bar > 0:
                found += [AlertMatch(start, alert, text) for alert, text in self._of_ended(bar - 1)]
            piece = self.trades.price_ticks[start:end]
            hits, sides = self._of_lines(bar, piece, price, sides)
            found += [hit._replace(trade=start + hit.trade) for hit in hits]
            if bar >= 0:
                found += self._of_running(bar, start, end) + self._of_levels(bar, start, end)
            price = int(piece[-1])
        found.sort(key=lambda hit: (hit.trade, hit.alert.number))
        return found, sides

    def bar_key(self, bar: int) -> tuple[int, int]:
        """A key that identifies a bar across scans: the chart's generation, and the bar's number."""
        return self.chart.generation, int(self.chart.series.number[bar]) if bar >= 0 else -1

    def has_fired(self, alert: Alert, bar: int) -> bool:
        """True if an alert that fires once per bar has fired in this bar; False for other triggers and in scans of missed trades."""
        fired = self.fired_bar.get(alert.number) if self.fired_bar and alert.often is Trigger.ONCE_A_BAR else None
        return fired is not None and fired == self.bar_key(bar)

    # -- lines -----------------------------------------------------------------------------------

    def _of_lines(self, bar: int, prices: Int64Array, before: int | None, sides: dict[int, int]) -> tuple[list[AlertMatch], dict[int, int]]:
        standing = self.armed.active_lines(self.readings, bar)
        low, high = int(prices.min()), int(prices.max())
        low, high = (low, high) if before is None else (min(low, before), max(high, before))
        first, end = np.searchsorted(standing.ticks, low), np.searchsorted(standing.ticks, high, side="right")
        found: list[AlertMatch] = []
        remembered: dict[int, int] = {}
        last = int(prices[-1])
        passes: dict[tuple[float, int | None], tuple[list[int], list[int], int]] = {}  # computed once for a line that several alerts watch
        for ticks, (alert, _) in zip(standing.ticks[first:end].tolist(), standing.waiting[first:end], strict=True):
            if self.has_fired(alert, bar) and last != ticks:
                continue
            is_touch = alert.when is Condition.TOUCH
            side = sides.get(alert.number, 0) if before is None or before == ticks else 1 if before > ticks else -1
            key = ticks, None if is_touch else side
            if key not in passes:
                at, to, after = (touches(prices, ticks, before), np.zeros(0, np.int64), 0) if is_touch else crossings(prices, ticks, side)
                passes[key] = at.tolist(), to.tolist() or [0] * len(at), after
            at, to, after = passes[key]
            wanted = [(trade, above) for trade, above in zip(at, to, strict=True) if _SIGN.get(alert.when, above) == above]
            for trade, above in wanted[:1] if self.fired_bar is not None and alert.often is not Trigger.EVERY_TIME else wanted:
                word = "touched" if is_touch else "crossed"
                found.append(AlertMatch(trade, alert, f"{word} {self._name(alert, ticks)}{_WORD.get(above, '')}"))
            if last == ticks and after:
                remembered[alert.number] = after
        return found, remembered

    # -- bars ------------------------------------------------------------------------------------

    def _of_ended(self, bar: int) -> list[tuple[Alert, str]]:
        """The alerts whose condition a closed bar meets, with their texts."""
        found: list[tuple[Alert, str]] = []
        if self.armed.closes:
            close, shown = int(self.chart.series.close[bar]), ""
            for alert, steps in self.armed.closes:
                ticks = self.readings.line(alert.subject, steps, bar + 1, bar).ticks
                above = alert.when is Condition.CLOSE_ABOVE
                if ticks is not None and (close > ticks if above else close < ticks):
                    shown = shown or price_text(self.chart.spec.instrument, close)
                    found.append((alert, f"closed {'above' if above else 'below'} {self._name(alert, ticks)} at {shown}"))
        texts: dict[tuple[object, int], object] = {}
        for alert, steps in self.armed.events:
            key = alert.subject, steps
            if key not in texts:
                read = SUBJECTS[alert.subject.kind].read
                assert read is not None
                texts[key] = read(self.chart, bar, steps)
            if isinstance(text := texts[key], str):
                found.append((alert, text))
        return found

    def _of_running(self, bar: int, start: int, end: int) -> list[AlertMatch]:
        """Matches of alerts whose threshold a running value of the bar reaches with one of the trades `[start, end)`.

        The totals of the bar show whether the trades have to be scanned.
        """
        series, armed = self.chart.series, self.armed
        key = *self.bar_key(bar), self.part
        passed = (
            (armed.volume.passed(key, int(series.volume[bar])), "volume", 1),
            (armed.buying.passed(key, int(series.delta_max[bar])), "delta", 1),
            (armed.selling.passed(key, -int(series.delta_min[bar])), "delta", -1),
        )
        if not any(waiting for waiting, _, _ in passed):
            return []
        of_bar = trades_of_bar(self.chart, self.store, bar)
        found: list[AlertMatch] = []
        for waiting, name, sign in passed:
            if not waiting:
                continue
            running = np.cumsum(of_bar.quantity_lots if name == "volume" else sign * of_bar.quantity_lots * of_bar.side)
            running = np.maximum.accumulate(running)
            for alert, steps in waiting:
                trade = self._place(of_bar, int(np.searchsorted(running, abs(steps))), start, end)
                if trade is not None:
                    found.append(AlertMatch(trade, alert, f"bar {name} reached {alert.value}"))
        return found

    def _of_levels(self, bar: int, start: int, end: int) -> list[AlertMatch]:
        """Matches of naked levels: for each level the bar's first trade to reach it, if that trade is in `[start, end)`."""
        found: list[AlertMatch] = []
        of_bar, series = None, self.chart.series
        read: dict[object, list[int]] = {}
        for alert, _ in self.armed.levels:
            if alert.subject not in read:
                low, high = int(series.low[bar]), int(series.high[bar])
                levels = self.readings.levels(alert.subject, bar)
                read[alert.subject] = levels[(low <= levels) & (levels <= high)].tolist()
            for level in read[alert.subject]:
                of_bar = trades_of_bar(self.chart, self.store, bar) if of_bar is None else of_bar
                prices = of_bar.price_ticks
                holds = (np.minimum.accumulate(prices) <= level) & (level <= np.maximum.accumulate(prices))
                trade = self._place(of_bar, int(np.argmax(holds)), start, end) if holds.any() else None
                if trade is not None:
                    found.append(AlertMatch(trade, alert, f"touched {self._name(alert, level)}"))
        return found

    def _place(self, of_bar: TradeBatch, index: int, start: int, end: int) -> int | None:
        """The index in this scan of a bar's trade; None if it is not one of the trades `[start, end)`."""
        if index >= len(of_bar):
            return None
        same = self.trades.time_ns[start:end] == of_bar.time_ns[index]
        places = np.flatnonzero(same & (self.trades.trade_id[start:end] == of_bar.trade_id[index]))
        return start + int(places[0]) if len(places) else None

    def _name(self, alert: Alert, ticks: float) -> str:
        price = price_text(self.chart.spec.instrument, ticks)
        return price if alert.subject.kind is SubjectKind.PRICE else f"{alert.subject.text} {price}"


def line_label(one: ArmedAlert, instrument: Instrument, ticks: float) -> str:
    """The label of an alert line on the chart: the price for a price alert, else the subject."""
    return price_text(instrument, ticks) if one.alert.subject.kind is SubjectKind.PRICE else one.alert.subject.text


def price_text(instrument: Instrument, ticks: float) -> str:
    """A price as text, with the decimal places of the tick size, and one more if it is between two ticks."""
    if ticks == int(ticks):
        return step_text(int(ticks), instrument.tick_size)
    return f"{float(instrument.tick_size) * ticks:.{decimal_places(instrument.tick_size) + 1}f}"
