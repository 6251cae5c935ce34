"""The commands that split candles or trades by the calendar: `candles` and `tpo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from app.entry.commands.options import LotSize, Quiet, StoredPart, StoreFolder, TickSize, reading_of, settings_of

Timezone = Annotated[str, Parameter(help="IANA time zone, e.g. Europe/London")]
Method = Annotated[Literal["dalton", "tradingview", "single"], Parameter(help="value area method")]
Percent = Annotated[int, Parameter(help="percentage of volume (or letters) in the value area")]
Json = Annotated[bool, Parameter(negative="", help="print JSON instead of a table")]


def candles(
    file: Annotated[Path, Parameter(help="candle file: CSV with time,open,high,low,close,volume, or a venue's klines as JSON")],
    /,
    *,
    period: Annotated[Literal["day", "week", "month"], Parameter(help="period length; weeks start on Monday")],
    rows: Annotated[int, Parameter(help="number of rows between the low and the high")] = 24,
    price: Annotated[
        Literal["mean", "close"], Parameter(help="price a candle's volume is assigned to: (high + low) / 2, or the close")
    ] = "mean",
    as_of: Annotated[str | None, Parameter(help="reference day or time; the period before it is used (default: the last candle)")] = None,
    current: Annotated[bool, Parameter(negative="", help="use the period that contains the reference day, not the one before it")] = False,
    timezone: Timezone = "UTC",
    method: Method = "dalton",
    percent: Percent = 70,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Print the value area of the previous day, week or month from candles."""
    from app.analytics.candle_value_area import CandlePrice
    from app.analytics.value_area import ValueAreaMethod
    from app.entry.commands.candles import CandlesRequest, print_candles
    from app.market.session import Period, PeriodRule

    rule = PeriodRule(Period(period), timezone)
    print_candles(file, CandlesRequest(rule, rows, CandlePrice(price), as_of, current, ValueAreaMethod(method), percent, json), quiet)
    return 0


def tpo(
    file: Annotated[Path, Parameter(help="trades file, as for footprint")],
    /,
    *,
    tick_size: TickSize = None,
    ticks_per_row: Annotated[int, Parameter(help="ticks per row")],
    lot_size: LotSize = None,
    bracket: Annotated[str, Parameter(help="TPO bracket, e.g. 30m, 1h")] = "30m",
    timezone: Timezone = "UTC",
    session: Annotated[str | None, Parameter(help="session in local time, e.g. 09:30-16:00; default: the whole day")] = None,
    method: Method = "dalton",
    percent: Percent = 70,
    json: Json = False,
    store: StoreFolder = None,
    quiet: Quiet = False,
) -> int:
    """Print the TPO profile of each session in a trades file or a stored market."""
    from app.analytics.value_area import ValueAreaMethod
    from app.entry.commands.tpo import TpoRequest, print_tpo
    from app.errors import BadInputError
    from app.market.bar_rule import parse_bar_rule
    from app.market.session import parse_session

    if ticks_per_row < 1:
        raise BadInputError(f"ticks per row: found {ticks_per_row}, expected 1 or more")
    reading = reading_of(tick_size, lot_size, quiet, StoredPart(settings_of(None, store=store).store_folder()))
    hours = None if session is None else parse_session(session, timezone)
    letters = parse_bar_rule(bracket)
    print_tpo(file, reading, TpoRequest(ticks_per_row, letters, timezone, hours, ValueAreaMethod(method), percent, json))
    return 0
