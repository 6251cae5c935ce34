"""Lines across the chart: levels, VWAP, alerts."""
