"""Trades from files."""
