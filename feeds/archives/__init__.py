"""Trades and candles from files, and downloads of trade files."""
