"""Calculations on numpy arrays, in whole numbers until something is drawn."""
