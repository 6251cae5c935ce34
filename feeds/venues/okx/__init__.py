"""OKX: live trades, history and candles."""
