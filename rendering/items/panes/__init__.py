"""Layers that draw the panes under the bars: delta and volume, CVD, bar statistics."""
