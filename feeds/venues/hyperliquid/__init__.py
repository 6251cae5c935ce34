"""Hyperliquid: live trades, history and candles."""
