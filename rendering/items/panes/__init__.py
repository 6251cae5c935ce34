"""The panes below the chart: delta, CVD, bar statistics."""
