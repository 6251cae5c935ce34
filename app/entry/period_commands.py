"""The commands that cut a file by the calendar: the candle method and TPO."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from app.entry.options import Quiet

Timezone = Annotated[str, Parameter(help="IANA name, as in Europe/London")]
Method = Annotated[Literal["dalton", "tradingview", "single"], Parameter(help="rule of the value area")]
Percent = Annotated[int, Parameter(help="share of the whole in the value area")]
Json = Annotated[bool, Parameter(negative="", help="JSON instead of a table")]


def candles(
    file: Annotated[Path, Parameter(help="candles: CSV with time,open,high,low,close,volume, or a venue's klines as JSON")],
    /,
    *,
    period: Annotated[Literal["day", "week", "month"], Parameter(help="weeks begin on Monday")],
    rows: Annotated[int, Parameter(help="rows between the lowest low and the highest high")] = 24,
    price: Annotated[Literal["mean", "close"], Parameter(help="what stands for a candle: (high + low) / 2, or its close")] = "mean",
    as_of: Annotated[str | None, Parameter(help="the day, or time, of which the period before is meant; else the last candle's")] = None,
    current: Annotated[bool, Parameter(negative="", help="the period that holds that day, as far as it goes, not the one before")] = False,
    timezone: Timezone = "UTC",
    method: Method = "dalton",
    percent: Percent = 70,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Value area of the previous day, week or month, from candles."""
    from app.analytics.candle_method import CandlePrice
    from app.analytics.value_area import ValueAreaMethod
    from app.entry.candles_output import CandlesRequest, print_candles
    from app.market.session import Period, PeriodRule

    rule = PeriodRule(Period(period), timezone)
    print_candles(file, CandlesRequest(rule, rows, CandlePrice(price), as_of, current, ValueAreaMethod(method), percent, json), quiet)
    return 0


COMMANDS = ((candles, "candles"),)
"""Each with the name by which it is called."""
