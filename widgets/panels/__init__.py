"""Panels next to the chart: alerts, levels, explanation, replay."""
