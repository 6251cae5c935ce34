"""Bybit: live trades, history and candles."""
