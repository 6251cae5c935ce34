"""A replacement for the workspace that needs no loop: it does what the window requests at once, with trades in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.alerts.actions import AlertActions
from app.alerts.alert_store import AlertStore
from app.alerts.watch import AlertWatch
from app.chart.chart import build_series
from app.errors import TapeprintError
from app.ingest.lag import LagMeter
from app.market.bar_rule import BarRule
from app.market.feed import FeedState, FeedStatus
from app.market.trade import TradeBatch, concatenate
from app.settings.calculation import CalculationSettings
from app.storage.recording_status import OFF
from app.workspace import ChartChoice
from tests.rendering.charts import INSTRUMENT, MINUTE, StillChart, random_trades
from widgets.window.window_options import WindowOptions

N_BARS = 60


class Desk:
    """A replacement for `app.workspace.Workspace` with one market, which only `trade` changes."""

    def __init__(self, trades: TradeBatch | None = None) -> None:
        self.trades = random_trades(N_BARS, 150) if trades is None else trades
        self.instrument_id = INSTRUMENT.id
        self.chart: StillChart | None = StillChart(self.trades, 10)
        self.choice = ChartChoice(MINUTE, 10)
        self.status = FeedStatus(FeedState.LIVE)
        self.notice = self.message = ""
        self.opened: list[str] = []
        self.refusal: TapeprintError | None = None
        self.stopped_filling = False
        self.tried_now = 0
        self.filling, self.recording = "", OFF
        self.lag = LagMeter()
        self.book = AlertStore()
        self.watch = AlertWatch(self.book, INSTRUMENT)
        self.alerts = AlertActions(self.book, lambda: self.chart, lambda: self.watch, lambda: self.status)

    def open(self, instrument_id: str) -> None:
        self.opened.append(instrument_id)
        self.instrument_id = instrument_id

    @property
    def rules(self) -> CalculationSettings:
        assert self.chart is not None
        return self.chart.rules

    def set_rules(self, rules: CalculationSettings) -> None:
        assert self.chart is not None
        self.chart.set_rules(rules)

    def try_now(self) -> None:
        self.tried_now += 1

    def stop_filling(self) -> None:
        self.stopped_filling = True

    def change(self, *, bar_rule: BarRule | None = None, ticks_per_row: int | None = None) -> None:
        assert self.chart is not None
        if self.refusal is not None:
            self.message = self.refusal.user_message
            return
        spec = self.chart.spec
        spec = replace(spec, bar_rule=bar_rule or spec.bar_rule, ticks_per_row=ticks_per_row or spec.ticks_per_row)
        self.choice = ChartChoice(spec.bar_rule, spec.ticks_per_row)
        self.chart.replace_series(spec, build_series([self.trades], spec), int(self.trades.trade_id[-1]))

    def trade(self, batch: TradeBatch) -> None:
        assert self.chart is not None
        self.trades = concatenate([self.trades, batch])
        self.chart.apply(batch)


def looks(journal: Path, painter: str = "raster") -> WindowOptions:
    return WindowOptions("dark", "blue-orange", painter, "requested", journal, ("binance:BTCUSDT", "demo:TAPE"))
