"""The chart of one market: its bars, its profiles and its levels."""
