"""Calculations on trades, bars and candles, e.g. footprints, profiles and VWAP, in exact integers where possible."""
