"""The state of a chart, and the parts that differ from an earlier state."""

from __future__ import annotations

from operator import is_not
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.analytics.footprint import FootprintSeries
    from app.chart.levels import LevelTracker
    from app.market.coverage import CoveredSpan
    from app.profiles.chart_profiles import ChartProfiles
    from app.settings.calculation import CalculationSettings
    from app.storage.candle_store import CandleStore
    from app.storage.trade_store import Gap

_PARTS = ("bars", "bars", "bars", "trades", "settings", *["coverage"] * 5, "profiles", "profiles", "alerts", "levels", "levels")
EVERYTHING = frozenset(_PARTS)
"""The parts of a chart that can change: `bars` when a bar opens or bars are built again, `trades` with each trade, `settings`,
`coverage` (gaps, covered time, candles, late trades), `profiles`, `alerts` and `levels`."""


class AlertLine(NamedTuple):
    """The line of an alert, as drawn on the chart.

    Attributes
    ----------
    ticks : float
        Price of the line, at the middle of a tick; a computed line may be between two ticks.
    text : str
    alert : int
        Number of the alert.
    moves : bool
        True if the line is a computed value and not a fixed price.
    """

    ticks: float
    text: str
    alert: int
    moves: bool


class ChartState(NamedTuple):
    """All values of a chart that a screen shows, or their revisions.

    Values are compared by identity: no long lists are compared in each frame, and a value replaced by an equal one only costs a frame.
    """

    series: FootprintSeries
    n_bars: int
    generation: int
    revision: int
    rules: CalculationSettings
    holes: Sequence[Gap]
    covered: Sequence[CoveredSpan]
    candles: CandleStore
    candles_revision: int
    late: int
    anchors: ChartProfiles
    anchors_revision: int
    alert_lines: tuple[AlertLine, ...]
    levels: LevelTracker
    levels_revision: int

    def changes_since(self, before: ChartState) -> frozenset[str]:
        """The parts that differ from an earlier state, see `EVERYTHING`."""
        if self is before:
            return frozenset()
        return frozenset(part for part, differs in zip(_PARTS, map(is_not, self, before), strict=True) if differs)
