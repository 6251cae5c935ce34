"""Layers that draw axes, tags, crosshair, legend and badges."""
