"""Coinbase: live trades, history and candles."""
