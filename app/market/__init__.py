"""The market's vocabulary: instruments, prices in ticks, trades, spans and bars."""
