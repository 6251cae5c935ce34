"""Bars of complete days before the trades in memory, which are read when they are needed."""
