"""The panes under the bars: delta, CVD, bar statistics."""
