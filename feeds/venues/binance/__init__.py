"""Binance: live trades, history and candles."""
