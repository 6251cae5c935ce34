"""The layers of the chart, one line each; their `z` says which lies over which.

Those with a name are overlays: menu, keys, key list, settings and `snapshot --show` find them here. Their strips under the
bars follow one another in this order.
"""

from __future__ import annotations

from rendering.alert_item import AlertItem
from rendering.anchor_flag_item import AnchorFlagItem
from rendering.anchored_profile_item import AnchoredProfileItem
from rendering.axes import GridItem, PriceAxisItem, TimeAxisItem
from rendering.badge_item import BadgeItem
from rendering.beyond_item import BeyondItem
from rendering.candle_areas_item import CandleAreasItem
from rendering.chart_item import ChartItem
from rendering.coverage_item import CoverageItem
from rendering.crosshair_item import CrosshairItem
from rendering.cut_bar_item import CutBarItem
from rendering.cvd_item import CvdItem, DivergenceItem
from rendering.delta_item import DeltaItem
from rendering.developing_item import DevelopingItem
from rendering.footprint_item import FootprintItem
from rendering.hole_item import HoleItem
from rendering.large_trades_item import LargeTradesItem
from rendering.last_price_item import LastPriceItem, LastPriceLineItem
from rendering.ledger_items import NakedLevelsItem, NodesItem, PrintsItem, StackedItem, UnfinishedItem
from rendering.legend_item import LegendItem
from rendering.level_lines_item import LevelLinesItem
from rendering.profile_item import ProfileItem
from rendering.statistics_item import StatisticsItem
from rendering.tpo_item import TpoItem, TpoSplitItem
from rendering.veil_item import StripVeilItem, VeilItem
from rendering.vwap_item import AnchoredVwapItem, MonthVwapItem, VwapItem, WeekVwapItem

LAYERS: tuple[type[ChartItem], ...] = (
    GridItem,
    LevelLinesItem,
    AnchoredProfileItem,
    LastPriceLineItem,
    FootprintItem,
    CutBarItem,
    VeilItem,
    DeltaItem,
    CvdItem,
    StatisticsItem,
    StripVeilItem,
    DivergenceItem,
    LargeTradesItem,
    VwapItem,
    WeekVwapItem,
    MonthVwapItem,
    AnchoredVwapItem,
    TpoItem,
    TpoSplitItem,
    StackedItem,
    UnfinishedItem,
    PrintsItem,
    NodesItem,
    NakedLevelsItem,
    CandleAreasItem,
    DevelopingItem,
    HoleItem,
    PriceAxisItem,
    AlertItem,
    TimeAxisItem,
    CoverageItem,
    ProfileItem,
    AnchorFlagItem,
    LastPriceItem,
    LegendItem,
    BeyondItem,
    BadgeItem,
    CrosshairItem,
)
