"""Charts with loaded trades, for tests of explanations."""

from __future__ import annotations

from decimal import Decimal

from app.analytics.imbalance import ImbalanceRule
from app.analytics.value_area import ValueAreaMethod
from app.chart.chart import Chart, ChartSpec
from app.market.bar_rule import parse_bar_rule
from app.market.instrument import Instrument
from app.market.trade import TradeBatch
from app.settings.calculation import CalculationSettings, ImbalanceSettings, ValueAreaSettings
from app.storage.trade_store import TradeStore

MARKET = Instrument("test", "BTCUSDT", Decimal("0.1"), Decimal("0.01"))


def chart_of(trades: TradeBatch, bar: str = "1m", ticks_per_row: int = 1, rules: CalculationSettings | None = None) -> Chart:
    """A chart whose trades are all loaded."""
    chart = Chart(ChartSpec(MARKET, parse_bar_rule(bar), ticks_per_row))
    chart.set_rules(rules or CalculationSettings())
    store = TradeStore(by_time=True)
    store.insert(trades)
    chart.apply(store.trades(), store)
    chart.trades = store.trades
    return chart


def imbalance(rule: ImbalanceRule) -> CalculationSettings:
    """Calculation settings with the given imbalance rule."""
    minimum = rule.minimum_lots * MARKET.lot_size
    return CalculationSettings(imbalance=ImbalanceSettings(rule.ratio, minimum, rule.zeros, rule.stacked))


def area(percent: int = 70, method: ValueAreaMethod = ValueAreaMethod.DALTON) -> CalculationSettings:
    """Calculation settings with the given value area."""
    return CalculationSettings(value_area=ValueAreaSettings(method, percent))
