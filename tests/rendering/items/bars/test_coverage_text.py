"""A value's legend counts the gaps that may lack trades of the newest period, and no others."""

from __future__ import annotations

import pytest

from app.market.session import Period, PeriodRule, span_at
from app.storage.trade_store import Gap
from rendering.items.bars.coverage_text import CoverageText
from tests.rendering.charts import StillChart, random_trades
from tests.rendering.items.guides.test_legend_item import frame_of

DAY = PeriodRule(Period.DAY, "UTC")
SECOND_NS = 10**9


@pytest.mark.parametrize(
    ("start_s", "end_s", "n_gaps"),
    [(-2, -1, 0), (-2, 0, 1), (-2, 1, 1), (0, 1, 1), (5, 9, 1)],
    ids=["before the day", "up to its start", "into the day", "from its start", "inside"],
)
def test_a_gap_counts_if_it_may_lack_trades_of_the_newest_period(qapp, start_s: int, end_s: int, n_gaps: int) -> None:
    chart = StillChart(random_trades(8, 20), 10)
    begin_ns = span_at(DAY, chart.series.start_ns(chart.series.n_bars - 1)).start_ns
    chart.holes = (Gap(7, 9, begin_ns + start_s * SECOND_NS, begin_ns + end_s * SECOND_NS),)
    assert CoverageText().of(frame_of(chart), DAY).endswith(", ⚠ 1 gap") is bool(n_gaps)
