"""Figures: numpy in, numpy out; whole numbers until they are drawn."""
