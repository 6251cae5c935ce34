"""Storage of trades, in memory and on disk, each trade exactly once."""
