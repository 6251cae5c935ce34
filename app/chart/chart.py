"""One chart: what it shows, and the series that hold its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from app.analytics.anchored_vwap import VwapSums
from app.analytics.bar_values import BarValues
from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import ImbalanceRule
from app.chart.levels import LevelRules, LevelTracker
from app.errors import GridTooFineError
from app.market.bar_rule import BarRule
from app.market.coverage import CoveredSpan
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch, concatenate
from app.profiles.candle_fill import CandleFillCache
from app.profiles.chart_profiles import ChartProfiles
from app.profiles.profile_settings import ProfileSettings
from app.profiles.profile_values import ProfileCache
from app.settings.calculation import CalculationSettings
from app.storage.late_trades import NEVER_NS, LateTrades
from app.storage.trade_store import Gap, TradeStore


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """What a chart shows of a market.

    Attributes
    ----------
    instrument : Instrument
    bar_rule : BarRule
    ticks_per_row : int

    What makes the series; how it is read is said by `ChartRules`.
    """

    instrument: Instrument
    bar_rule: BarRule
    ticks_per_row: int = 1


class AlertLine(NamedTuple):
    """A price at which an alert waits, as it is drawn.

    Attributes
    ----------
    ticks : float
        A tick is meant by its middle; between two of them where the line is a figure.
    text : str
    alert : int
        Number of the alert.
    moves : bool
        Whether it is a figure of the chart, and not a price that the user has set.
    """

    ticks: float
    text: str
    alert: int
    moves: bool


class Chart:
    """The series of one chart, kept up to date with a store.

    The screen looks at `series`, `figures`, `holes`, `revision` and `generation` once a frame; nothing
    here knows that there is one.
    """

    def __init__(self, spec: ChartSpec, rules: CalculationSettings | None = None) -> None:
        self.generation = 0
        """How often the series was replaced as a whole."""
        self.holes: Sequence[Gap] = ()
        """Trades that are missing between those shown."""
        self.covered: Sequence[CoveredSpan] = ()
        """Times of which all trades are held, oldest first; what lies between was never asked for, or is missing."""
        self.alert_lines: tuple[AlertLine, ...] = ()
        """Prices at which an alert waits, ascending."""
        self.alerts_from_ns: int | None = None
        """The earliest time whose trades an alert needs; None if any will do."""
        self.asked_from_ns = 0
        """What lies between here and now has been asked for, and what there is of it is shown."""
        self.oldest_ns = 0
        """The earliest time worth wanting: older trades are neither kept nor soon to be had."""
        self.wanted = Span(0, 0)
        """The time that somebody looks at, or needs for a figure."""
        self.last_key = -1
        """Highest key (see `TradeStore.keys`) in the series."""
        self.refused = ""
        """Why the series stands still, when the row size cannot hold a bar; empty otherwise."""
        self.rebuilt_trades = 0
        """Trades folded a second time because of late ones, a count of work for the tests."""
        self.trades: Callable[[int, int], TradeBatch] | None = None
        """From two times to the trades of `[start, end)`, in the order of the tape; None before the first trade."""
        self.trades_from_ns = 0
        """Of earlier times there may be bars, but no trades any more."""
        self.rules = rules or CalculationSettings()
        """How all its figures are made; see `set_rules`."""
        area = self.rules.value_area
        self.anchors = ChartProfiles(ProfileSettings(percent=area.percent, method=area.method))
        """The profiles that the user has put on it."""
        self.late = LateTrades()
        """How far back trades reach that came late."""
        self.candles = CandleFillCache(self)
        """What stands in for trades that are not held."""
        self._take(spec, empty_series(spec))

    @property
    def revision(self) -> int:
        """Grows with every change of the series."""
        return self.series.revision

    def apply(self, fresh: TradeBatch, store: TradeStore) -> None:
        """Show trades that the store has just taken in.

        In the order of the tape they are folded into the last bar and those that follow. A late trade
        makes its bar (or, where bars are not of time, all of its day) and all after it be built again
        from the store, which gives what a complete rebuild would give.

        Parameters
        ----------
        fresh : TradeBatch
            In the order of the tape, none of them shown before; already in the store.
        store : TradeStore
        """
        self.trades, self.trades_from_ns = store.trades, store.floor_ns
        if not len(fresh) or self.refused:
            return
        series, rule = self.series, self.spec.bar_rule
        oldest_ns, reached = int(fresh.time_ns.min()), series.period_reached()
        self.late.saw(oldest_ns, int(fresh.time_ns.max()))
        keys = store.keys(fresh)
        in_order = int(keys[0]) >= self.last_key and (reached is None or oldest_ns // rule.period_ns >= reached)
        self.last_key = max(self.last_key, int(keys[-1]))
        try:
            if in_order:
                series.append(split_by_period(fresh, rule))
            else:
                self._fold_again(oldest_ns, store)
        except GridTooFineError as error:
            self.refused = error.user_message

    def replace_series(self, spec: ChartSpec, series: FootprintSeries, last_key: int) -> None:
        """Replace the series as a whole, by one that was built beside it and holds trades up to `last_key`."""
        self.generation += 1
        self.last_key, self.refused = last_key, ""
        self.late.note(-NEVER_NS)
        self._take(spec, series)

    def set_rules(self, rules: CalculationSettings) -> None:
        """Make its figures otherwise; those that a change does not concern are kept, and the bars in any case.

        Profiles that were placed have inputs of their own: another rule of value areas is for the next one.
        """
        before, self.rules = self.rules, rules
        if rules.value_area != before.value_area:
            self.anchors.use_value_area(before.value_area, rules.value_area)
        self.figures.set_rules(rules.value_area.method, rules.value_area.percent, self._imbalance)
        if (self._level_rules, rules.value_area, rules.imbalance) != (self.levels.rules, before.value_area, before.imbalance):
            self.levels = LevelTracker(self.figures, self._level_rules)

    def complete_from_ns(self, store: TradeStore, rule: BarRule | None = None) -> int:
        """Start of the oldest bar that can be built from all its trades; those before lost some when the store let go of them.

        Where bars are not of time they count from the first trade held.
        """
        rule = rule or self.spec.bar_rule
        if not store.floor_ns:
            return 0
        return -(-store.floor_ns // rule.length_ns) * rule.length_ns if rule.is_time else store.floor_ns

    def _take(self, spec: ChartSpec, series: FootprintSeries) -> None:
        self.spec, self.series = spec, series
        area = self.rules.value_area
        self.figures = BarValues(series, area.method, area.percent, self._imbalance)
        self.vwap_sums = VwapSums(series)
        self.profiles = ProfileCache(series, self.candles)
        self.levels = LevelTracker(self.figures, self._level_rules)

    @property
    def _imbalance(self) -> ImbalanceRule:
        return self.rules.imbalance.of(self.spec.instrument.lot_size)

    @property
    def _level_rules(self) -> LevelRules:
        rules = self.rules
        return LevelRules(rules.hours, rules.levels.periods, rules.tpo.bracket_ns, rules.levels.nodes, rules.levels.zones_end)

    def _fold_again(self, oldest_ns: int, store: TradeStore) -> None:
        """Build the bars from the period of a time on once more, from what the store holds."""
        start_ns = max(self.spec.bar_rule.period_start_ns(oldest_ns), self.complete_from_ns(store))
        self.series.truncate_from(start_ns)
        if not self.spec.bar_rule.is_time:
            self.generation += 1  # the bars that follow may have other numbers now
        again = store.trades(start_ns)
        self.rebuilt_trades += len(again)
        if store.last_key is not None:
            self.last_key = max(self.last_key, store.last_key)  # the store may hold more than what we were told of
        self.series.append(split_by_period(again, self.spec.bar_rule))


def empty_series(spec: ChartSpec) -> FootprintSeries:
    """The series of a chart that has no trades yet."""
    return FootprintSeries(spec.bar_rule, spec.instrument.grid(spec.ticks_per_row), spec.instrument.lot_size)


def build_series(batches: Sequence[TradeBatch], spec: ChartSpec, older: FootprintSeries | None = None) -> FootprintSeries:
    """The series of a chart from all trades, in the order of the tape; may run in another thread.

    Parameters
    ----------
    batches : sequence of TradeBatch
    spec : ChartSpec
    older : FootprintSeries, optional
        The bars of all trades before; they become part of the series that is returned.

    Raises
    ------
    GridTooFineError
        If the rows are too fine for a bar.
    """
    series, rule = empty_series(spec) if older is None else older, spec.bar_rule
    periods = [rule.periods(batch.time_ns) for batch in batches if len(batch)]
    if any(int(after.min()) < int(before.max()) for before, after in pairwise(periods)):
        batches = [concatenate(batches)]  # times step back over a period's edge from one batch to the next: order all of them at once
    for batch in batches:
        series.append(split_by_period(batch, rule))
    return series


def split_by_period(trades: TradeBatch, rule: BarRule) -> TradeBatch:
    """The trades period by period, inside one in the order of the tape, even where a late report steps back in time."""
    if np.all(trades.time_ns[1:] >= trades.time_ns[:-1]):
        return trades
    return trades[np.argsort(rule.periods(trades.time_ns), kind="stable")]
