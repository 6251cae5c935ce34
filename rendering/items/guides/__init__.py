"""Axes, tags, crosshair, legend and badges."""
