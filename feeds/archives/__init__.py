"""Trades and candles from files, and export of trades to files."""
