"""The list of all layers of the chart; the `z` of each layer, not this order, decides which layers it covers.

Layers with a name are overlays: menu, keys, key list, settings and `snapshot --show` find them here. The panes that overlays
request under the bars are stacked in this order.
"""

from __future__ import annotations

from rendering.items.bars.clipped_bar_item import ClippedBarItem
from rendering.items.bars.coverage_item import CoverageItem
from rendering.items.bars.footprint_item import FootprintItem
from rendering.items.bars.gap_item import GapItem
from rendering.items.bars.large_trades_item import LargeTradesItem
from rendering.items.bars.offscreen_bars_item import OffscreenBarsItem
from rendering.items.chart_item import ChartItem
from rendering.items.guides.as_of_veil_item import AsOfStripVeilItem, AsOfVeilItem
from rendering.items.guides.axes import GridItem, PriceAxisItem, TimeAxisItem
from rendering.items.guides.badge_item import BadgeItem
from rendering.items.guides.crosshair_item import CrosshairItem
from rendering.items.guides.last_price_item import LastPriceItem, LastPriceLineItem
from rendering.items.guides.legend_item import LegendItem
from rendering.items.levels.alert_item import AlertItem
from rendering.items.levels.candle_areas_item import CandleAreasItem
from rendering.items.levels.developing_item import DevelopingItem
from rendering.items.levels.level_items import (
    NakedLevelsItem,
    SinglePrintsItem,
    StackedImbalancesItem,
    UnfinishedAuctionsItem,
    VolumeNodesItem,
)
from rendering.items.levels.vwap_item import AnchoredVwapItem, MonthVwapItem, VwapItem, WeekVwapItem
from rendering.items.panes.cvd_item import CvdItem, DivergenceItem
from rendering.items.panes.delta_item import DeltaItem
from rendering.items.panes.statistics_item import StatisticsItem
from rendering.items.profiles.anchor_flag_item import AnchorFlagItem
from rendering.items.profiles.anchored_profile_item import AnchoredProfileItem
from rendering.items.profiles.tpo_item import TpoItem, TpoSplitItem
from rendering.items.profiles.visible_profile_item import VisibleProfileItem
from rendering.items.profiles.visible_profile_lines_item import VisibleProfileLinesItem

LAYERS: tuple[type[ChartItem], ...] = (
    GridItem,
    VisibleProfileLinesItem,
    AnchoredProfileItem,
    LastPriceLineItem,
    FootprintItem,
    ClippedBarItem,
    AsOfVeilItem,
    DeltaItem,
    CvdItem,
    StatisticsItem,
    AsOfStripVeilItem,
    DivergenceItem,
    LargeTradesItem,
    VwapItem,
    WeekVwapItem,
    MonthVwapItem,
    AnchoredVwapItem,
    TpoItem,
    TpoSplitItem,
    StackedImbalancesItem,
    UnfinishedAuctionsItem,
    SinglePrintsItem,
    VolumeNodesItem,
    NakedLevelsItem,
    CandleAreasItem,
    DevelopingItem,
    GapItem,
    PriceAxisItem,
    AlertItem,
    TimeAxisItem,
    CoverageItem,
    VisibleProfileItem,
    AnchorFlagItem,
    LastPriceItem,
    LegendItem,
    OffscreenBarsItem,
    BadgeItem,
    CrosshairItem,
)
