"""Layers that draw lines across the chart: levels, VWAP, alerts."""
