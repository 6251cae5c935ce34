"""Explanations of values: the rule, the arithmetic and the trades behind each value.

Quantities and prices are in the market's own units. Nothing here draws.
"""
