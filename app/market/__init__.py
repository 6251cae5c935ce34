"""Basic types of a market: instruments, prices in ticks, trades, spans and bars."""
