"""Layers that draw the panes under the bars: delta, CVD, bar statistics."""
