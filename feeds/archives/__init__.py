"""Trades and candles from files."""
