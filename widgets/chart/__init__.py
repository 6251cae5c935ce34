"""The chart widget and its mouse tools."""
