"""One chart: its market, bars, settings, profiles and levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from operator import is_

import numpy as np
import structlog

from app.analytics.anchored_vwap import VwapSums
from app.analytics.bar_values import BarValues
from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import ImbalanceRule
from app.analytics.older.older_bars import OlderBars
from app.chart.chart_state import AlertLine, ChartState
from app.chart.levels import LevelRules, LevelTracker
from app.errors import GridTooFineError, StoreError
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

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """The market, bar rule and row size of a chart, which define its bars.

    Attributes
    ----------
    instrument : Instrument
    bar_rule : BarRule
    ticks_per_row : int

    The values computed from the bars depend on `CalculationSettings` as well.
    """

    instrument: Instrument
    bar_rule: BarRule
    ticks_per_row: int = 1


class Chart:
    """The bars of one chart and all values computed from them, updated from the trades in a store.

    The screen reads `series`, `figures`, `holes`, `revision` and `generation` once per screen frame; the
    chart does not depend on a screen.
    """

    def __init__(self, spec: ChartSpec, rules: CalculationSettings | None = None) -> None:
        self.generation = 0
        """Number of times that bars may have got other numbers: the series was replaced, or bars other than time bars were rebuilt."""
        self.holes: Sequence[Gap] = ()
        """Gaps between the trades in the series."""
        self.covered: Sequence[CoveredSpan] = ()
        """Times of which all trades are loaded, oldest first; the time between was never requested, or its trades are missing."""
        self.alert_lines: tuple[AlertLine, ...] = ()
        """Lines of the armed alerts, by ascending price."""
        self.alerts_from_ns: int | None = None
        """The earliest time from which an alert needs trades; None if no alert needs older trades."""
        self.asked_from_ns = 0
        """All trades since this time have been requested, and the existing ones are in the series."""
        self.oldest_ns = 0
        """The earliest time worth requesting: older trades would not stay in memory, or are not available soon."""
        self.wanted = Span(0, 0)
        """The time range that the view or a computed value needs."""
        self.last_key = -1
        """Highest key (see `TradeStore.keys`) in the series."""
        self.refused = ""
        """Why the series no longer updates (a bar would need too many rows); empty while it does."""
        self.older_trouble = ""
        """Why the older bars are no longer shown; empty if they are, or if there are none."""
        self.rebuilt_trades = 0
        """Number of trades added again because of late trades: a count of work for the tests."""
        self.trades: Callable[[int, int], TradeBatch] | None = None
        """Function that returns the trades between two times, `[start, end)`, in the order of the tape; None before the first `apply`."""
        self.trades_from_ns = 0
        """The time from which trades are in memory; bars may begin earlier."""
        self.rules = rules or CalculationSettings()
        """The calculation settings of all values; see `set_rules`."""
        area = self.rules.value_area
        self.anchors = ChartProfiles(ProfileSettings(percent=area.percent, method=area.method))
        """The profiles that the user has placed on the chart."""
        self.late = LateTrades()
        """The times of late trades, by which caches find out which of their values may have changed."""
        self.candles = CandleFillCache(self)
        """Candles that fill profiles where trades are missing."""
        self._take(spec, empty_series(spec))
        self._state: ChartState | None = None
        self._state_revision = 0

    @property
    def revision(self) -> int:
        """Revision number of the current series; grows with every change of the bars, but may fall when the series is replaced."""
        return self.series.revision

    @property
    def state_revision(self) -> int:
        """Number that grows on reading if anything that a screen shows has changed since the last reading.

        Covers bars, settings, gaps, coverage, candles, late trades, profiles (and which is selected), alert lines and levels.
        Everything else that is drawn is computed from these.
        """
        self.state()
        return self._state_revision

    def state(self) -> ChartState:
        """The values that a screen shows; the same object until one of them changes."""
        candles, series, anchors, levels, before = self.candles.candle_store, self.series, self.anchors, self.levels, self._state
        n_bars = series.n_bars
        if before is not None and before.n_bars == n_bars:
            n_bars = before.n_bars  # states are compared by identity
        state = ChartState(
            *(series, n_bars, self.generation, series.revision, self.rules, self.holes, self.covered, candles, candles.revision),
            *(self.late.told, anchors, anchors.revision, self.alert_lines, levels, levels.revision),
        )
        if before is None or not all(map(is_, state, before)):
            self._state, self._state_revision = state, self._state_revision + 1
            return state
        return before

    def apply(self, fresh: TradeBatch, store: TradeStore) -> None:
        """Add new trades, which the store must have already, to the bars; adds none once `refused` is set.

        Trades in the order of the tape go into the last bar and new bars. After a late trade, its bar
        (or, for bars other than time bars, its UTC day) and all later bars are rebuilt from the store,
        with the same result as a complete rebuild. A bar with too many rows sets `refused`.

        Parameters
        ----------
        fresh : TradeBatch
            In the order of the tape, none of them added before; already in the store.
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
                self._rebuild_from(oldest_ns, store)
        except GridTooFineError as error:
            self.refused = error.user_message

    def replace_series(self, spec: ChartSpec, series: FootprintSeries, last_key: int) -> None:
        """Replace the series by one that was built separately for `spec`, from the trades up to the key `last_key`."""
        self.generation += 1
        self.last_key, self.refused, self.older_trouble = last_key, "", ""
        self.late.note(-NEVER_NS)
        self._take(spec, series)

    def read_older_bars(self, first: int, last: int) -> None:
        """Read the older bars numbered `first` to `last`; if they or others cannot be read, drop all older bars and set `older_trouble`.

        Called before these bars are shown: a layer must not fail because of a damaged file.
        """
        series, older = self.series, self.series.older
        if older is None:
            return
        with suppress(StoreError):  # which is `trouble`
            for day in range(older.day_of(series.index_of(first)), min(older.day_of(series.index_of(last)) + 1, len(older.days))):
                older.column(day, "number")
        if older.trouble:
            _log.warning("older bars dropped", reason=older.trouble)
            self.older_trouble = f"older bars: {older.trouble}"
            self.generation += 1
            self._take(self.spec, series.without_older())

    def set_rules(self, rules: CalculationSettings) -> None:
        """Change the calculation settings, except those of single profiles; values that do not depend on a change stay cached.

        New value area settings apply to the visible range profile and to profiles added later, unless these have their own.
        """
        before, self.rules = self.rules, rules
        if rules.value_area != before.value_area:
            self.anchors.use_value_area(before.value_area, rules.value_area)
        self.figures.set_rules(rules.value_area.method, rules.value_area.percent, self._imbalance)
        if (self._level_rules, rules.value_area, rules.imbalance) != (self.levels.rules, before.value_area, before.imbalance):
            self.levels = LevelTracker(self.figures, self._level_rules)

    def complete_from_ns(self, store: TradeStore, rule: BarRule | None = None) -> int:
        """The earliest time from which complete bars can be built from the loaded trades; 0 if the store has dropped no trades.

        For time bars a bar edge; bars other than time bars count from the first loaded trade.
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

    def _rebuild_from(self, oldest_ns: int, store: TradeStore) -> None:
        """Rebuild the bars of the period that contains a time, and all later bars, from the trades in the store."""
        start_ns = max(self.spec.bar_rule.period_start_ns(oldest_ns), self.complete_from_ns(store))
        self.series.truncate_from(start_ns)
        if not self.spec.bar_rule.is_time:
            self.generation += 1  # the bars after it may have other numbers now
        again = store.trades(start_ns)
        self.rebuilt_trades += len(again)
        if store.last_key is not None:
            self.last_key = max(self.last_key, store.last_key)  # the store may have more trades than were passed to `apply`
        self.series.append(split_by_period(again, self.spec.bar_rule))


def empty_series(spec: ChartSpec, older: OlderBars | None = None) -> FootprintSeries:
    """The series of a chart that has no trades in memory yet; `older` bars are read from the disk."""
    return FootprintSeries(spec.bar_rule, spec.instrument.grid(spec.ticks_per_row), spec.instrument.lot_size, older)


def build_series(batches: Sequence[TradeBatch], spec: ChartSpec, older: FootprintSeries | None = None) -> FootprintSeries:
    """Build the series of a chart from trades in the order of the tape.

    May run in another thread.

    Parameters
    ----------
    batches : sequence of TradeBatch
    spec : ChartSpec
    older : FootprintSeries, optional
        The bars of all earlier trades; extended in place and returned.

    Raises
    ------
    GridTooFineError
        If a bar would have too many rows.
    """
    series, rule = empty_series(spec) if older is None else older, spec.bar_rule
    periods = [rule.periods(batch.time_ns) for batch in batches if len(batch)]
    if any(int(after.min()) < int(before.max()) for before, after in pairwise(periods)):
        batches = [concatenate(batches)]  # times go back across the edge of a period between two batches: sort all at once
    for batch in batches:
        series.append(split_by_period(batch, rule))
    return series


def split_by_period(trades: TradeBatch, rule: BarRule) -> TradeBatch:
    """Sort trades by the bar rule's periods; inside each period they stay in the order of the tape.

    This matters after a late report, whose time goes back.
    """
    if np.all(trades.time_ns[1:] >= trades.time_ns[:-1]):
        return trades
    return trades[np.argsort(rule.periods(trades.time_ns), kind="stable")]
