"""Basic types for market data: instruments, prices, trades, candles, time spans, bar rules and feeds."""
