"""The next longer or shorter bar, and the next coarser or finer row, of the sizes that people use."""

from __future__ import annotations

from app.market.bar_rule import BarRule, parse_bar_rule

BAR_CHOICES = ("1s", "5s", "15s", "30s", "1m", "3m", "5m", "15m", "30m", "1h", "4h", "1d")
ROW_CHOICES = tuple(mantissa * 10**exponent for exponent in range(6) for mantissa in (1, 2, 5))


def next_bar_rule(rule: BarRule, step: int) -> BarRule:
    """The next longer bar for a step of 1, the next shorter for -1; the same at the end of the list."""
    others = [choice for choice in map(parse_bar_rule, BAR_CHOICES) if (choice.length_ns - rule.length_ns) * step > 0]
    return min(others, key=lambda choice: abs(choice.length_ns - rule.length_ns), default=rule)


def next_ticks_per_row(ticks: int, step: int) -> int:
    """The next coarser row for a step of 1, the next finer for -1, among 1, 2, 5, 10 and so on."""
    others = [choice for choice in ROW_CHOICES if (choice - ticks) * step > 0]
    return min(others, key=lambda choice: abs(choice - ticks), default=ticks)
