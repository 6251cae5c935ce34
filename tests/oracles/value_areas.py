"""The value area as a trader would compute it by hand, in plain Python integers."""

from __future__ import annotations

from collections.abc import Sequence


def point_of_control(volumes: Sequence[int]) -> int:
    """Index of the heaviest row; of equal ones the nearest to the middle of the traded rows, then the lower."""
    traded = [row for row, volume in enumerate(volumes) if volume]
    middle_doubled = traded[0] + traded[-1]
    heaviest = max(volumes)
    return min((abs(2 * row - middle_doubled), row) for row, volume in enumerate(volumes) if volume == heaviest)[1]


def prices_of_area(low_ticks: int, high_ticks: int, poc_ticks: int, height: int) -> tuple[int, int, int]:
    """POC, VAH and VAL as prices, from the lowest ticks of the area's lowest and highest row and of the POC row."""
    held = [poc_ticks + tick for tick in range(height)]  # the prices of the POC row
    while len(held) > 2:
        held = held[1:-1]
    poc = held[-1]  # of two middle ticks the upper
    return (poc, high_ticks, low_ticks) if height == 1 else (poc, high_ticks + height, low_ticks)


def value_area(volumes: Sequence[int], percent: int, method: str) -> tuple[int, int]:
    """Indices of the lowest and the highest row of the value area."""
    traded = [row for row, volume in enumerate(volumes) if volume]
    bottom, top, total = traded[0], traded[-1], sum(volumes)
    poc = low = high = point_of_control(volumes)
    inside = volumes[poc]
    rows_a_step = 2 if method == "dalton" else 1
    while low > bottom or high < top:
        if method != "tradingview" and inside * 100 >= total * percent:
            break
        above = list(range(high + 1, min(high + rows_a_step, top) + 1))
        below = list(range(max(low - rows_a_step, bottom), low))
        volume_above, volume_below = sum(volumes[row] for row in above), sum(volumes[row] for row in below)
        if not above or not below:
            upwards = bool(above)
        elif volume_above != volume_below:
            upwards = volume_above > volume_below
        elif method == "tradingview":
            upwards = high + 1 - poc <= poc - (low - 1)
        else:
            upwards = True
        volume = volume_above if upwards else volume_below
        if method == "tradingview" and (inside + volume) * 100 > total * percent:
            break
        inside += volume
        if upwards:
            high = above[-1]
        else:
            low = below[0]
    return low, high
