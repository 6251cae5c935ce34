"""Kraken: live trades, history and candles."""
