"""Profiles of bars, added up in a dictionary one cell at a time."""

from __future__ import annotations

from app.analytics.footprint import FootprintSeries

Content = tuple[int, list[int], list[int], list[int]]


def slow_profile_of_bars(series: FootprintSeries, first_bar: int, end_bar: int) -> Content:
    """The first row, then buy, sell and unknown lots of every row from the lowest to the highest of the bars' rows."""
    rows: dict[int, list[int]] = {}
    for bar in range(max(first_bar, 0), min(end_bar, series.n_bars)):
        first_row, *columns = series.bar_cells(bar)
        for place, cell in enumerate(zip(*(column.tolist() for column in columns), strict=True)):
            sums = rows.setdefault(first_row + place, [0, 0, 0])
            for side, lots in enumerate(cell):
                sums[side] += lots
    if not rows:
        return 0, [], [], []
    dense = [rows.get(row, [0, 0, 0]) for row in range(min(rows), max(rows) + 1)]
    return min(rows), *([cell[side] for cell in dense] for side in range(3))
