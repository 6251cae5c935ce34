"""One chart: what it shows, and the series that hold its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.analytics.bar_figures import BarFigures
from app.analytics.footprint import FootprintSeries
from app.analytics.imbalance import ImbalanceRule
from app.analytics.value_area import ValueAreaMethod
from app.errors import GridTooFineError
from app.market.bar_rule import BarRule
from app.market.instrument import Instrument
from app.market.span import Span
from app.market.trade import TradeBatch
from app.storage.memory import Hole, TradeStore


@dataclass(frozen=True, slots=True)
class ChartSpec:
    """What a chart shows of a market.

    Attributes
    ----------
    instrument : Instrument
    bar_rule : BarRule
    ticks_per_row : int
    value_area_method, value_area_percent : ValueAreaMethod, int
        Rule and share of every value area on the chart.
    imbalance : ImbalanceRule
    """

    instrument: Instrument
    bar_rule: BarRule
    ticks_per_row: int = 1
    value_area_method: ValueAreaMethod = ValueAreaMethod.DALTON
    value_area_percent: int = 70
    imbalance: ImbalanceRule = ImbalanceRule()


class Chart:
    """The series of one chart, kept up to date with a store.

    The screen looks at `series`, `figures`, `holes`, `revision` and `generation` once a frame; nothing
    here knows that there is one.
    """

    def __init__(self, spec: ChartSpec) -> None:
        self.generation = 0
        """How often the series was replaced as a whole."""
        self.holes: Sequence[Hole] = ()
        """Trades that are missing between those shown."""
        self.wanted = Span(0, 0)
        """The time that somebody looks at, or needs for a figure."""
        self.last_id = -1
        """Highest trade id in the series."""
        self.refused = ""
        """Why the series stands still, when the row size cannot hold a bar; empty otherwise."""
        self.rebuilt_trades = 0
        """Trades folded a second time because of late ones, a count of work for the tests."""
        self._take(spec, FootprintSeries(spec.bar_rule, spec.instrument.grid(spec.ticks_per_row)))

    @property
    def revision(self) -> int:
        """Grows with every change of the series."""
        return self.series.revision

    def apply(self, fresh: TradeBatch, store: TradeStore) -> None:
        """Show trades that the store has just taken in.

        In the order of the tape they are folded into the last bar and those that follow. A late trade
        makes its bar and all after it be built again from the store, which gives what a complete
        rebuild would give.

        Parameters
        ----------
        fresh : TradeBatch
            By ascending id, none of them shown before; already in the store.
        store : TradeStore
        """
        if not len(fresh) or self.refused:
            return
        series, rule = self.series, self.spec.bar_rule
        oldest = rule.number(int(fresh.time_ns.min()))
        try:
            if not series.n_bars or (int(fresh.trade_id[0]) > self.last_id and oldest >= series.number[-1]):
                series.append(fresh)
            else:
                start_ns = max(rule.start_ns(oldest), self._first_whole_bar_ns(store))
                series.truncate(series.index_of(rule.number(start_ns)))
                again = store.trades(start_ns)
                self.rebuilt_trades += len(again)
                series.append(again)
        except GridTooFineError as error:
            self.refused = error.user_message
        self.last_id = max(self.last_id, int(fresh.trade_id[-1]))

    def adopt(self, spec: ChartSpec, series: FootprintSeries, last_id: int) -> None:
        """Replace the series as a whole, by one that was built beside it and holds trades up to `last_id`."""
        self.generation += 1
        self.last_id, self.refused = last_id, ""
        self._take(spec, series)

    def _take(self, spec: ChartSpec, series: FootprintSeries) -> None:
        self.spec, self.series = spec, series
        self.figures = BarFigures(series, spec.value_area_method, spec.value_area_percent, spec.imbalance)

    def _first_whole_bar_ns(self, store: TradeStore) -> int:
        """Start of the oldest bar whose trades the store still has, all of them."""
        rule = self.spec.bar_rule
        return rule.start_ns(-(-store.floor_ns // rule.length_ns)) if store.floor_ns else 0


def build(batches: Sequence[TradeBatch], spec: ChartSpec) -> FootprintSeries:
    """The series of a chart from all trades, by ascending id; may run in another thread.

    Raises
    ------
    GridTooFineError
        If the rows are too fine for a bar.
    """
    series = FootprintSeries(spec.bar_rule, spec.instrument.grid(spec.ticks_per_row))
    late: list[TradeBatch] = []
    for batch in batches:
        if late or (series.n_bars and spec.bar_rule.number(int(batch.time_ns.min())) < series.number[-1]):
            late.append(batch)
        else:
            series.append(batch)
    if late:  # times that step back across batches: order all of it by bar once, ids stay in order inside a bar
        series.truncate(0)
        everything = [np.concatenate(columns) for columns in zip(*(batch.columns for batch in batches), strict=True)]
        order = np.argsort(spec.bar_rule.numbers(everything[0]), kind="stable")
        series.append(TradeBatch.of(*(column[order] for column in everything)))
    return series
