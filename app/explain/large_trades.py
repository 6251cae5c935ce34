"""Explanation of a large trade."""

from __future__ import annotations

import numpy as np

from app.analytics.large_trades import LargeTradeFilter
from app.chart.chart import Chart
from app.explain.explanation import Explanation, ExplanationLine
from app.explain.formatting import ValueFormatter
from app.market.times import timestamp_text
from app.market.trade import BUY, SELL, TradeBatch


def explain_large_trade(chart: Chart, found: TradeBatch, trade: int, rule: LargeTradeFilter) -> Explanation:
    """Explain why a trade counts as large: by its rank in view, or by its quantity.

    Parameters
    ----------
    found : TradeBatch
        The large trades in view.
    trade : int
        Index of the trade in `found`.
    rule : LargeTradeFilter
        The filter that selected them.
    """
    words = ValueFormatter(chart)
    lots, price, time_ns = (int(column[trade]) for column in (found.quantity_lots, found.price_ticks, found.time_ns))
    name = {BUY: "bought", SELL: "sold"}.get(int(found.side[trade]), "traded")
    if rule.top:
        above = int((found.quantity_lots > lots).sum() + (found.quantity_lots[:trade] == lots).sum())
        least = int(found.quantity_lots.min())
        lines = [ExplanationLine(f"rank {above + 1} of the {rule.top} largest trades in view", True)]
        lines.append(ExplanationLine(f"{words.lots(lots)} >= {words.lots(least)}, the smallest of those", lots >= least))
    else:
        lines = [ExplanationLine(f"{words.lots(lots)} >= {rule.text}", True)]
    number = chart.series.times.number(time_ns)
    return Explanation(
        title=f"Large trade: {words.lots(lots)} {name} at {words.price(price)} · {timestamp_text(time_ns)}",
        rule=f"Large trades: the {rule.top} largest in view" if rule.top else f"Large trades: {rule.text} or more",
        lines=tuple(lines),
        bars=((number, number + 1),),
        low_ticks=price,
        high_ticks=price + 1,
        listed=found[np.array([trade])],
        help_page="values.md#large-trades",
    )
