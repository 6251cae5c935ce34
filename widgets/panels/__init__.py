"""Panels beside the chart: alerts, levels, explanation, replay."""
