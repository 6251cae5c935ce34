"""The volume profiles on a chart: settings, values, candle fill, undo and file."""
