"""Storage of trades in memory and on disk, each trade only once, and of candles in memory."""
