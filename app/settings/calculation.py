"""The calculation settings of a chart as one value.

Each part belongs to one or more overlays. The description of each field is all that settings file, dialog and
`snapshot --rule` need. Bar type and row size are not part of it: they rebuild the series, while these settings only change
what is computed from it. The dialog shows the first lines of the parts' docstrings.
"""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal, get_args

from msgspec import Meta

from app.analytics.bar_statistics import ALL_STATISTICS, Statistic
from app.analytics.candle_value_area import CandlePrice
from app.analytics.imbalance import ImbalanceRule
from app.analytics.large_trades import USUAL_LARGE, LargeTradeFilter, parse_large_trade_filter
from app.analytics.value_area import ValueAreaMethod
from app.errors import BadInputError
from app.market.bar_rule import parse_bar_rule
from app.market.session import Period
from app.market.trading_hours import TEMPLATES, WHOLE_DAY, TradingHours, parse_hours
from app.settings.fields import SettingsGroup

Cells = Literal["sellxbuy", "delta", "total", "ladder", "profile"]
Colouring = Literal["volume", "delta", "imbalance"]
CvdReset = Literal["session", "never"]
CELLS: tuple[Cells, ...] = get_args(Cells)
COLOURINGS: tuple[Colouring, ...] = get_args(Colouring)
_MOST_DIGITS = 18  # of a volume, before or after the point
_ZONES = ("UTC", "America/New_York", "America/Chicago", "Europe/London", "Europe/Berlin", "Asia/Tokyo", "Asia/Singapore")


def _each_once(periods: tuple[Period, ...]) -> None:
    if len(set(periods)) < len(periods):
        raise BadInputError(f"periods: found {','.join(period.value for period in periods)!r}, expected no duplicates")


class SessionSettings(SettingsGroup, frozen=True):
    """Session hours and time zone for everything computed by session, day, week or month."""

    session: Annotated[
        str,
        Meta(
            description=f"day, {', '.join(TEMPLATES)}, or times such as 09:30-16:00 (equal times: 24 hours)",
            examples=[WHOLE_DAY, *TEMPLATES, "09:30-16:00"],
        ),
    ] = WHOLE_DAY
    zone: Annotated[
        str, Meta(description="IANA time zone for days and custom sessions; named sessions have their own", examples=[*_ZONES])
    ] = "UTC"

    def __post_init__(self) -> None:
        parse_hours(self.session, self.zone)


class ValueAreaSettings(SettingsGroup, frozen=True):
    """Method and percentage of value areas."""

    method: Annotated[ValueAreaMethod, Meta(description="value area method")] = ValueAreaMethod.DALTON
    percent: Annotated[int, Meta(ge=1, le=100, description="percentage of volume in the value area")] = 70


class ImbalanceSettings(SettingsGroup, frozen=True):
    """When a cell counts as imbalanced."""

    ratio: Annotated[
        Decimal, Meta(description="minimum multiple of the diagonal neighbour, e.g. 3 = three times (300 %)", examples=["3", "4"])
    ] = Decimal(3)
    minimum: Annotated[Decimal, Meta(description="minimum volume of the dominant side, in base units")] = Decimal(0)
    zeros: Annotated[Literal["count", "ignore"], Meta(description="a zero on the diagonal: count it as an imbalance, or ignore it")] = (
        "count"
    )
    stacked: Annotated[int, Meta(ge=1, le=100, description="consecutive imbalanced rows that form a stacked zone")] = 3

    def __post_init__(self) -> None:
        ImbalanceRule(self.ratio)
        if not self.minimum.is_finite() or self.minimum < 0 or (self.minimum and abs(self.minimum.adjusted()) > _MOST_DIGITS):
            raise BadInputError(f"imbalance minimum: found {self.minimum}, expected 0 or more, between 1e-18 and 1e19")

    def of(self, lot_size: Decimal) -> ImbalanceRule:
        """The imbalance rule for a lot size; the minimum is rounded up to a full lot."""
        return ImbalanceRule(self.ratio, math.ceil(Fraction(self.minimum) / Fraction(lot_size)), self.zeros, self.stacked)


class CellStyle(SettingsGroup, frozen=True):
    """Contents and colours of cells and bars.

    `cells`: `sell × buy`; delta; total volume; sell and buy volume in two halves; or the bar's own profile, with rows as long
    as their volume, and total volume. `colouring`: by rank of a cell's volume, by delta, or only imbalanced cells.
    """

    cells: Annotated[Cells, Meta(description="what each cell shows")] = "sellxbuy"
    colouring: Annotated[Colouring, Meta(description="what cell colours represent")] = "volume"
    show_numbers: Annotated[bool, Meta(description="show numbers in the cells")] = True
    show_imbalances: Annotated[bool, Meta(description="highlight diagonal imbalances")] = True
    show_point_of_control: Annotated[bool, Meta(description="frame the bar's POC")] = True
    show_value_area: Annotated[bool, Meta(description="bracket the bar's value area")] = True
    show_candles: Annotated[bool, Meta(description="show a candle beside the cells")] = True


class StatisticsSettings(SettingsGroup, frozen=True):
    """The table under the bars."""

    rows: Annotated[tuple[Statistic, ...], Meta(description="table rows, top to bottom")] = ALL_STATISTICS

    def __post_init__(self) -> None:
        if not self.rows or len(set(self.rows)) < len(self.rows):
            found = ",".join(row.value for row in self.rows)
            raise BadInputError(f"statistics: found {found!r}, expected one or more rows, no duplicates, e.g. volume,delta,cvd")


class LargeTradeSettings(SettingsGroup, frozen=True):
    """Large trades, drawn as bubbles."""

    trades: Annotated[
        str, Meta(description="top:50 = the 50 largest in view; or a minimum size, e.g. 2.5", examples=["top:30", "top:100", "2.5"])
    ] = USUAL_LARGE.text

    def __post_init__(self) -> None:
        parse_large_trade_filter(self.trades)

    @property
    def rule(self) -> LargeTradeFilter:
        """The filter that selects large trades, parsed from `trades`."""
        return parse_large_trade_filter(self.trades)


class CvdSettings(SettingsGroup, frozen=True):
    """Cumulative delta."""

    reset: Annotated[CvdReset, Meta(description="reset CVD at each session, or never")] = "session"


class TpoSettings(SettingsGroup, frozen=True):
    """TPO, single prints, poor highs and poor lows."""

    bracket: Annotated[str, Meta(description="TPO bracket, e.g. 30m", examples=["5m", "15m", "30m", "1h"])] = "30m"
    draw: Annotated[Literal["auto", "blocks"], Meta(description="letters where they fit, or blocks only")] = "auto"

    def __post_init__(self) -> None:
        rule = parse_bar_rule(self.bracket)
        if not rule.is_time:
            raise BadInputError(f"bracket: found {self.bracket!r}, expected a time such as 30m")

    @property
    def bracket_ns(self) -> int:
        """Length of a bracket in nanoseconds."""
        return parse_bar_rule(self.bracket).length_ns


class LevelSettings(SettingsGroup, frozen=True):
    """Naked levels, nodes and zones."""

    periods: Annotated[tuple[Period, ...], Meta(description="periods whose naked POC, VAH and VAL are tracked")] = tuple(Period)
    nodes: Annotated[Literal["peaks", "percentile"], Meta(description="how HVN and LVN are detected")] = "peaks"
    zones_end: Annotated[Literal["touch", "close"], Meta(description="what closes a stacked zone: a touch, or a close beyond it")] = "touch"

    def __post_init__(self) -> None:
        _each_once(self.periods)


class CandleAreaSettings(SettingsGroup, frozen=True):
    """Value areas computed from candles."""

    periods: Annotated[tuple[Period, ...], Meta(description="periods to draw: previous and current")] = tuple(Period)
    rows: Annotated[int, Meta(ge=1, le=1000, description="number of rows in the histogram")] = 24
    price: Annotated[CandlePrice, Meta(description="price that a bar's volume is assigned to")] = CandlePrice.MEAN

    def __post_init__(self) -> None:
        _each_once(self.periods)


class CalculationSettings(SettingsGroup, frozen=True):
    """All calculation settings of a chart."""

    time: SessionSettings = SessionSettings()
    value_area: ValueAreaSettings = ValueAreaSettings()
    imbalance: ImbalanceSettings = ImbalanceSettings()
    cells: CellStyle = CellStyle()
    statistics: StatisticsSettings = StatisticsSettings()
    large_trades: LargeTradeSettings = LargeTradeSettings()
    cvd: CvdSettings = CvdSettings()
    tpo: TpoSettings = TpoSettings()
    levels: LevelSettings = LevelSettings()
    candle_areas: CandleAreaSettings = CandleAreaSettings()

    @property
    def hours(self) -> TradingHours:
        """The trading hours that sessions, days, weeks and months follow."""
        return parse_hours(self.time.session, self.time.zone)
