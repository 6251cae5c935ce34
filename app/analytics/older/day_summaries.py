"""Summaries of single UTC days of bars, for the older bars of a series."""

from __future__ import annotations

import numpy as np

from app.analytics.footprint import FootprintSeries
from app.analytics.older.older_bars import DayRows, DaySummary
from app.analytics.profile import profile_of_bars

MOST_ROWS = 4096
"""Rows of a day's profile that are stored in memory, 100 kB; the profiles of five years are 180 MB at most."""


def summary_of(series: FootprintSeries, day: int) -> DaySummary:
    """Summarise a series that has exactly the bars of one UTC day (days since 1970-01-01); it needs at least one bar."""
    bars = slice(0, series.n_bars)
    profile = profile_of_bars(series, 0, series.n_bars)
    turnover = squares = 0
    columns = (series.open[bars].tolist(), series.volume[bars].tolist(), series.volume_offsets(bars), series.volume_squares(bars))
    for opened, volume, offset, square in zip(*columns, strict=True):  # from distances to the open to prices
        turnover += offset + opened * volume
        squares += square + opened * (2 * offset + opened * volume)
    return DaySummary(
        day=day,
        n_bars=series.n_bars,
        n_cells=len(series.cell_buy),
        first_number=int(series.number[0]),
        last_number=int(series.number[-1]),
        trades=series.n_trades,
        volume=int(series.volume.sum()),
        delta=int((series.buy - series.sell).sum()),
        low=int(series.low.min()),
        high=int(series.high.max()),
        turnover=turnover,
        squares=squares,
        rows=DayRows(profile.first_row, np.stack((profile.buy, profile.sell, profile.unknown))) if profile.n_rows <= MOST_ROWS else None,
    )
