"""Diagonal imbalances computed row by row, in exact fractions."""

from __future__ import annotations

from fractions import Fraction

from app.analytics.imbalance import ImbalanceRule


def imbalanced_rows(buy: list[int], sell: list[int], rule: ImbalanceRule) -> tuple[list[int], list[int]]:
    """Indices of the rows of one bar that are imbalanced to the buy side, and to the sell side."""
    ratio = Fraction(rule.ratio)

    def outweighs(dominant: int, other: int) -> bool:
        if dominant <= 0 or dominant < rule.minimum_lots:
            return False
        if other == 0:
            return rule.zeros == "count"
        return Fraction(dominant, other) >= ratio

    rows = range(len(buy))
    return (
        [row for row in rows if row > 0 and outweighs(buy[row], sell[row - 1])],
        [row for row in rows if row < len(buy) - 1 and outweighs(sell[row], buy[row + 1])],
    )


def stacked_runs(rows: list[int], least: int) -> list[tuple[int, int]]:
    """First and last row of each run of at least `least` consecutive rows."""
    runs: list[list[int]] = []
    for row in rows:
        if runs and runs[-1][-1] == row - 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    return [(run[0], run[-1]) for run in runs if len(run) >= least]
