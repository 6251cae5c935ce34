"""The next longer or shorter bar, and the next coarser or finer row, of the sizes that people use."""

from __future__ import annotations

from decimal import Decimal

from app.market.bar_rule import BarKind, BarRule, parse_bar_rule

TIME_CHOICES = ("1s", "5s", "15s", "30s", "1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d")
BAR_CHOICES = (*TIME_CHOICES, "100t", "500t", "2000t", "10v", "100v", "1000v", "10d", "50d", "20r", "100r")
"""What the toolbar offers; others may be typed."""
ROW_CHOICES = tuple(mantissa * 10**exponent for exponent in range(6) for mantissa in (1, 2, 5))


def next_bar_rule(rule: BarRule, step: int) -> BarRule:
    """The next longer bar for a step of 1, the next shorter for -1, of the same kind; the same at the end of the list."""
    if not rule.is_time:
        return BarRule.counted(rule.kind, _next_size(rule, step))
    others = [choice for choice in map(parse_bar_rule, TIME_CHOICES) if (choice.length_ns - rule.length_ns) * step > 0]
    return min(others, key=lambda choice: abs(choice.length_ns - rule.length_ns), default=rule)


def next_ticks_per_row(ticks: int, step: int) -> int:
    """The next coarser row for a step of 1, the next finer for -1, among 1, 2, 5, 10 and so on."""
    others = [choice for choice in ROW_CHOICES if (choice - ticks) * step > 0]
    return min(others, key=lambda choice: abs(choice - ticks), default=ticks)


def _next_size(rule: BarRule, step: int) -> Decimal:
    """The next of 1, 2, 5, 10 and so on; parts of one are steps of volume and delta alone."""
    whole = rule.kind in (BarKind.TRADES, BarKind.RANGE)
    sizes = [mantissa * Decimal(10) ** exponent for exponent in range(0 if whole else -3, 7) for mantissa in (1, 2, 5)]
    others = [size for size in sizes if (size - rule.size) * step > 0]
    return min(others, key=lambda size: abs(size - rule.size), default=rule.size)
