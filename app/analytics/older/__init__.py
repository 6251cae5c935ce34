"""Older bars of a series: those of complete days, which are read when they are needed."""
