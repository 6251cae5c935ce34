"""Bar and row sizes to select from, and the next longer or shorter bar and coarser or finer row."""

from __future__ import annotations

from decimal import Decimal

from app.market.bar_rule import BarKind, BarRule, parse_bar_rule

TIME_CHOICES = ("1s", "5s", "15s", "30s", "1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d")
BAR_CHOICES = (*TIME_CHOICES, "100t", "500t", "2000t", "10v", "100v", "1000v", "10d", "50d", "20r", "100r")
"""Bar types in the toolbar's list; others can be typed."""
ROW_CHOICES = tuple(mantissa * 10**exponent for exponent in range(6) for mantissa in (1, 2, 5))


def next_bar_rule(rule: BarRule, step: int) -> BarRule:
    """The next longer bar type of the same kind if `step` is 1, the next shorter if -1; if there is none, the same bar type."""
    if not rule.is_time:
        return BarRule.counted(rule.kind, _next_size(rule, step))
    others = [choice for choice in map(parse_bar_rule, TIME_CHOICES) if (choice.length_ns - rule.length_ns) * step > 0]
    return min(others, key=lambda choice: abs(choice.length_ns - rule.length_ns), default=rule)


def next_ticks_per_row(ticks: int, step: int) -> int:
    """The next larger number of ticks per row among 1, 2, 5, …, 500,000 if `step` is 1, the next smaller if -1; if none, the same."""
    others = [choice for choice in ROW_CHOICES if (choice - ticks) * step > 0]
    return min(others, key=lambda choice: abs(choice - ticks), default=ticks)


def _next_size(rule: BarRule, step: int) -> Decimal:
    """The next larger bar size among 1, 2, 5, 10, … if `step` is 1, the next smaller if -1; if there is none, the same.

    Sizes below 1 (0.001, 0.002, 0.005, …) are only for volume and delta bars.
    """
    whole = rule.kind in (BarKind.TRADES, BarKind.RANGE)
    sizes = [mantissa * Decimal(10) ** exponent for exponent in range(0 if whole else -3, 7) for mantissa in (1, 2, 5)]
    others = [size for size in sizes if (size - rule.size) * step > 0]
    return min(others, key=lambda size: abs(size - rule.size), default=rule.size)
