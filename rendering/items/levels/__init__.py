"""Layers that draw lines across the chart: levels, VWAP, alerts, candle value areas, and developing POC, VAH and VAL."""
